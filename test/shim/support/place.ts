/** A folder of its own for each test: an image with busybox as the lower layer, and all that a container keeps. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";

const APPLETS =
  "sh cat echo true false sleep id ls stat mount umount chmod chown kill ps grep head tail dd stty tty readlink hostname env printf mkdir touch seq yes wc trap sort ip sysctl test nc dirname setsid mknod cut tr od rm ln mv usleep cp basename awk sed pwd sync ulimit uname xargs date who id find timeout nohup ash time".split(
    " ",
  );

/** A read-only tree with busybox beside the builds, made once for this busybox. */
function busyboxImage(): string {
  const busybox = Bun.which("busybox") ?? "/bin/busybox";
  const image = `${process.cwd()}/dist/busybox-${Math.trunc(statSync(busybox).mtimeMs)}`;
  if (existsSync(image)) return image;
  mkdirSync("dist", { recursive: true });
  const beside = mkdtempSync(`${image}-`);
  fill(beside, busybox);
  try {
    renameSync(beside, image);
  } catch {
    rmSync(beside, { recursive: true }); // another test process was as quick
  }
  return image;
}

function fill(top: string, busybox: string): void {
  chmodSync(top, 0o755);
  for (const folder of ["bin", "etc", "root", "tmp", "dev", "proc", "sys", "home"])
    mkdirSync(`${top}/${folder}`);
  writeFileSync(`${top}/bin/busybox`, readFileSync(busybox), { mode: 0o755 });
  for (const applet of APPLETS)
    if (!existsSync(`${top}/bin/${applet}`)) symlinkSync("busybox", `${top}/bin/${applet}`);
  writeFileSync(
    `${top}/etc/passwd`,
    "root:x:0:0:root:/root:/bin/sh\nada:x:1000:1001:Ada:/home/ada:/bin/sh\n",
  );
  writeFileSync(`${top}/etc/group`, "root:x:0:\nada:x:1001:\nwheel:x:10:root,ada\naudio:x:29:ada\n");
}

export class Place implements Disposable {
  readonly top = mkdtempSync("/tmp/bs-");
  readonly id = this.top.slice("/tmp/bs-".length);
  readonly lower = busyboxImage();
  /** Above the image and below the container's own layer: what a hostile image would hold. */
  readonly extra = this.#folder("extra");
  readonly run = this.#folder("run");
  readonly upper = this.#folder("upper");
  readonly work = this.#folder("work");
  readonly root = this.#folder("root");
  readonly spill = this.#folder("spill");
  readonly log = `${this.top}/json.log`;

  #folder(name: string): string {
    mkdirSync(`${this.top}/${name}`, { mode: name === "run" ? 0o700 : 0o755 });
    return `${this.top}/${name}`;
  }

  /** A file of the image. */
  put(path: string, content: string | Uint8Array, mode = 0o644): void {
    const file = `${this.extra}/${path}`;
    mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, mode);
  }

  /** The lines of the json-file log. */
  entries(): { log: string; stream: string; time: string }[] {
    return readFileSync(this.log, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }

  record(name: "exit" | "state"): Record<string, unknown> {
    return JSON.parse(readFileSync(`${this.run}/${name}`, "utf8"));
  }

  [Symbol.dispose](): void {
    Bun.spawnSync(["rm", "-rf", this.top]); // rmSync takes half a minute for a tree of 2000 levels
  }
}
