/** The C programs of these tests, each compiled once for its source. */
import { WARNINGS } from "../../../tools/native.ts";

const FOLDER = `${import.meta.dir}/..`;

/** The path of what NAME.c beside the tests compiles to. */
export async function programOf(name: string): Promise<string> {
  const source = `${FOLDER}/${name}.c`;
  const digest = Bun.hash(await Bun.file(source).bytes()).toString(16);
  const program = `${process.cwd()}/dist/test-${name}-${digest}`;
  if (await Bun.file(program).exists()) return program;
  const beside = `${program}.${process.pid}`;
  const compiler = Bun.spawn(["cc", ...WARNINGS, "-O2", "-o", beside, source], { stderr: "inherit" });
  if ((await compiler.exited) !== 0) throw new Error(`the C compiler failed on ${source}`);
  await Bun.$`mv ${beside} ${program}`;
  return program;
}
