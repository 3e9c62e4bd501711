/** Compiles native/: static programs, by musl-gcc where it is installed, else by cc against libc.a. */
import { mkdir } from "node:fs/promises";

/** Each program and the sources it is made of. */
const PROGRAMS: Readonly<Record<string, string>> = { shim: "native/shim/*.c", hello: "native/hello.c" };
const WARNINGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror"];
const KERNEL_HEADERS = ["-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"];

export async function buildNative(out: string, extra: readonly string[] = []): Promise<void> {
  await mkdir(`${out}/native`, { recursive: true });
  const musl = Bun.which("musl-gcc");
  const compiler = musl === null ? ["cc"] : [musl, ...KERNEL_HEADERS];
  for (const [name, glob] of Object.entries(PROGRAMS)) {
    const sources = [...new Bun.Glob(glob).scanSync()].toSorted();
    if (sources.length === 0) continue;
    const command = [
      ...compiler,
      ...WARNINGS,
      "-O2",
      "-static",
      "-s",
      ...extra,
      "-Inative",
      "-o",
      `${out}/native/${name}`,
      ...sources,
    ];
    const { exitCode, stderr } = Bun.spawnSync(command);
    if (exitCode !== 0) throw new Error(`${command.join(" ")}\n${stderr.toString()}`);
  }
}
