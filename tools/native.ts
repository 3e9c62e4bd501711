/** Compiles native/: static programs, by musl-gcc where it is installed, else by cc against libc.a. */
import { mkdir, rename } from "node:fs/promises";

/** Each program and the sources it is made of. */
export const PROGRAMS: Readonly<Record<string, string>> = {
  shim: "native/shim/*.c",
  hello: "native/hello.c",
  newer: "tools/newer.c",
  probe: "native/probe.c",
  ...(process.arch === "x64" ? { entry: "native/entry/*.c" } : {}),
};
export const WARNINGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Inative"];

const KERNEL_HEADERS = ["-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"];
const STATIC = ["-O2", "-static", "-s"];
/** Runs before anything is set up, at an address behind all of Bun's, and is one segment without data. */
const ENTRY = [
  "-O2",
  "-ffreestanding",
  "-fno-stack-protector",
  "-fno-pic",
  "-fno-asynchronous-unwind-tables",
  "-nostdlib",
  "-static",
  "-no-pie",
  "-s",
  "-Wl,-Ttext-segment=0x10000000,-z,noseparate-code,-z,norelro,--build-id=none",
];
/** Both sanitizers end the program at the first finding. Their run-time library is glibc's, so this build is not static. */
const SANITIZED = [
  "-O1",
  "-g",
  "-fsanitize=address,undefined",
  "-fno-sanitize-recover=all",
  "-static-libasan",
];

export interface NativeOptions {
  /** With address and undefined-behaviour sanitizers: for tests. */
  readonly sanitize?: boolean;
}

/** Makes `out`/native/NAME of each program, by rename. */
export async function buildNative(out: string, options: NativeOptions = {}): Promise<void> {
  await mkdir(`${out}/native`, { recursive: true });
  await Promise.all(
    Object.entries(PROGRAMS).map(([name, glob]) => compile(`${out}/native/${name}`, glob, name, options)),
  );
}

async function compile(target: string, glob: string, name: string, options: NativeOptions): Promise<void> {
  const sources = filesOf(glob);
  if (sources.length === 0) return;
  await compileProgram(target, sources, flagsOf(name, options));
}

function flagsOf(name: string, { sanitize = false }: NativeOptions): string[] {
  if (name === "entry") return ["cc", ...ENTRY];
  return sanitize && name === "shim" ? sanitizing() : plain();
}

/** Makes the program `target` by rename; without flags a static one. */
export async function compileProgram(
  target: string,
  sources: readonly string[],
  flags: readonly string[] = plain(),
): Promise<void> {
  const temporary = `${target}.${process.pid}`;
  const command = [...flags, ...WARNINGS, "-o", temporary, ...sources];
  const compiler = Bun.spawn(command, { stdout: "inherit", stderr: "inherit" });
  if ((await compiler.exited) !== 0) throw new Error(`the C compiler failed: ${command.join(" ")}`);
  await rename(temporary, target);
}

export function filesOf(glob: string): string[] {
  return [...new Bun.Glob(glob).scanSync()].toSorted();
}

function plain(): string[] {
  const musl = Bun.which("musl-gcc");
  return musl === null ? ["cc", ...STATIC] : [musl, ...KERNEL_HEADERS, ...STATIC];
}

function sanitizing(): string[] {
  return ["gcc", ...SANITIZED, "tools/sanitizer.c"];
}
