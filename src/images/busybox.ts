/** A root filesystem around busybox-static: the program, a link for each applet, and the few files that programs expect. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import { run, spawn, TOOL_PATH } from "../kernel/spawn.ts";
import { encodeFile, encodeHeader, END_OF_TAR } from "../lib/tar-writer.ts";
import { type Base, PATH_CHANGE } from "./base.ts";
import type { Places } from "./places.ts";

const PACKAGE = "busybox-static";
const INSTALLED = ["/usr/bin/busybox", "/bin/busybox"];

const DIRECTORIES: readonly (readonly [name: string, mode: number])[] = [
  ...["bin", "dev", "etc", "home", "proc", "sbin", "sys", "usr", "usr/bin", "usr/sbin", "var", "var/log"].map(
    (name) => [name, 0o755] as const,
  ),
  ["root", 0o700],
  ["tmp", 0o1777],
];

const FILES: readonly (readonly [name: string, content: string, mode: number])[] = [
  [
    "etc/passwd",
    "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nwww-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
    0o644,
  ],
  [
    "etc/group",
    "root:x:0:\ndaemon:x:1:\ntty:x:5:\nwheel:x:10:root\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n",
    0o644,
  ],
  ["etc/shadow", "root:*:::::::\nnobody:*:::::::\n", 0o640],
  ["etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n", 0o644],
];

export async function busyboxArchive(places: Places): Promise<Base> {
  const { program, from } = await findBusybox(places);
  const applets = await listApplets(program);
  return {
    name: "busybox",
    message: `Made from Debian's ${PACKAGE}`,
    changes: [PATH_CHANGE, 'CMD ["sh"]'],
    progress: lines([`Using busybox from ${from}`, `Linking ${applets.length} applets`]),
    archive: archive(readFileSync(program), applets),
  };
}

async function* archive(program: Uint8Array, applets: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const [name, mode] of DIRECTORIES) yield encodeHeader({ name: `${name}/`, type: "directory", mode });
  yield encodeFile("bin/busybox", program, 0o755);
  for (const name of applets)
    yield encodeHeader({ name, type: "link", linkName: "bin/busybox", mode: 0o755 });
  for (const [name, content, mode] of FILES) yield encodeFile(name, content, mode);
  yield END_OF_TAR;
}

/** The installed program if it is static, else the one in the package, which apt-get fetches without installing it. */
async function findBusybox(places: Places): Promise<{ program: string; from: string }> {
  const installed = INSTALLED.find((path) => existsSync(path) && isStatic(path));
  if (installed !== undefined) return { program: installed, from: installed };
  const directory = places.newTemporary();
  mkdirSync(directory, { mode: 0o755 });
  try {
    const env = { PATH: TOOL_PATH, LC_ALL: "C.UTF-8" };
    await run("apt-get", ["-qq", "download", PACKAGE], { debianPackage: "apt", cwd: directory, env });
    const file = readdirSync(directory).find((name) => name.endsWith(".deb"));
    if (file === undefined)
      throw new BerthError("unavailable", `apt-get download ${PACKAGE} brought no package`);
    await run("dpkg-deb", ["-x", `${directory}/${file}`, `${directory}/root`], { debianPackage: "dpkg" });
    const program = INSTALLED.map((path) => `${directory}/root${path}`).find((path) => existsSync(path));
    if (program === undefined) throw new BerthError("unavailable", `${file} has no busybox in it`);
    return { program, from: file };
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw needsPackage(error);
  }
}

function needsPackage(error: unknown): unknown {
  if (!(error instanceof BerthError)) return error;
  const message = `busybox is not installed as a static program, and fetching its package failed (${error.message}): apt-get install ${PACKAGE}`;
  return new BerthError("unavailable", message, { cause: error });
}

/** No interpreter among the program headers of the ELF file: it runs in an empty root. */
function isStatic(path: string): boolean {
  const bytes = readFileSync(path);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 64 || view.getUint32(0) !== 0x7f454c46) return false;
  const [offset, size, count] = [
    Number(view.getBigUint64(32, true)),
    view.getUint16(54, true),
    view.getUint16(56, true),
  ];
  const PT_INTERP = 3;
  for (let index = 0; index < count; index++)
    if (view.getUint32(offset + index * size, true) === PT_INTERP) return false;
  return true;
}

async function listApplets(program: string): Promise<string[]> {
  const child = spawn([program, "--list-full"], { stdio: ["ignore", "pipe", "ignore"] });
  const names = (await new Response(child.stdout).text()).split("\n");
  if ((await child.exited) !== 0)
    throw new BerthError(
      "unavailable",
      `${program} --list-full failed: apt-get install --reinstall ${PACKAGE}`,
    );
  return names.filter((name) => /^(usr\/)?s?bin\/\S+$/.test(name) && name !== "bin/busybox");
}

async function* lines(texts: readonly string[]): AsyncGenerator<string> {
  yield* texts;
}
