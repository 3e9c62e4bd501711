/** The smallest image that has a shell: busybox of the machine, packed into a tar. No registry is asked. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { output } from "./command.ts";

const PASSWD =
  "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\nada:x:1000:1000::/home/ada:/bin/sh\n";
const GROUP = "root:x:0:\nwheel:x:10:ada\nada:x:1000:\nnogroup:x:65534:\n";

let made: Promise<Uint8Array> | undefined;

/** A root filesystem as tar; made once for all tests of a process. */
export function busyboxTar(): Promise<Uint8Array> {
  return (made ??= pack());
}

async function pack(): Promise<Uint8Array> {
  const top = await mkdtemp("/tmp/busybox-");
  try {
    await fill(top);
    const tar = Bun.spawn(["tar", "--numeric-owner", "--owner=0", "--group=0", "-C", top, "-c", "."], {
      stdout: "pipe",
    });
    return await tar.stdout.bytes();
  } finally {
    await rm(top, { recursive: true });
  }
}

async function fill(top: string): Promise<void> {
  for (const folder of ["bin", "etc", "root", "home/ada", "dev", "proc", "sys", "var"])
    await mkdir(`${top}/${folder}`, { recursive: true });
  await mkdir(`${top}/tmp`, { mode: 0o1777 });
  await output(["chmod", "1777", `${top}/tmp`]);
  await output(["cp", Bun.which("busybox") ?? "busybox", `${top}/bin/busybox`]);
  const applets = (await output(["busybox", "--list"])).split("\n");
  const wanted = applets.filter((applet) => applet !== "" && applet !== "busybox");
  await Promise.all(wanted.map((applet) => symlink("busybox", `${top}/bin/${applet}`)));
  await writeFile(`${top}/etc/passwd`, PASSWD);
  await writeFile(`${top}/etc/group`, GROUP);
  await writeFile(`${top}/etc/not-executable`, "echo no\n");
  await writeFile(`${top}/etc/wrong-format`, "\u0000\u0001garbage", { mode: 0o755 });
}
