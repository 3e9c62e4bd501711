/** Small C programs of tests and benches, each compiled once for its source. */
import { basename } from "node:path";
import { WARNINGS } from "../../../tools/native.ts";

/** The path of what `source` compiles to. */
export async function programOf(source: string): Promise<string> {
  const digest = Bun.hash(await Bun.file(source).bytes()).toString(16);
  const program = `${process.cwd()}/dist/test-${basename(source, ".c")}-${digest}`;
  if (await Bun.file(program).exists()) return program;
  const beside = `${program}.${process.pid}`;
  const compiler = Bun.spawn(["cc", ...WARNINGS, "-O2", "-o", beside, source], { stderr: "inherit" });
  if ((await compiler.exited) !== 0) throw new Error(`the C compiler failed on ${source}`);
  await Bun.$`mv ${beside} ${program}`;
  return program;
}
