/** `npm run ok`: format, lint, types, C, import table and unit tests, side by side; says yes or no within seconds. */
import { buildNative, filesOf, PROGRAMS, WARNINGS } from "./native.ts";

interface Step {
  readonly name: string;
  /** All must succeed; they run one after the other. */
  readonly commands: readonly (readonly string[])[];
}

interface Outcome {
  readonly name: string;
  readonly output: string;
  readonly passed: boolean;
  readonly seconds: number;
}

const BUN = "tools/bun";
const PLACES = ["src", "tools", "test", "bench"];
/** Of a test or a hook that names none: the machine may be busy. */
export const TEST_LIMIT = "--timeout=30000";

/** The unit tests are one step of these, where `tools/test` counts each of them. */
export function steps(): Step[] {
  return [
    { name: "format", commands: [[BUN, "fmt", "--check", "--no-script", ...PLACES]] },
    { name: "lint", commands: [["node_modules/.bin/oxlint", ...PLACES]] },
    { name: "types", commands: [[BUN, "check", "--no-script"]] },
    { name: "C", commands: [...Object.values(PROGRAMS), "test/**/*.c"].flatMap(filesOf).map(analysis) },
    { name: "imports", commands: [[BUN, "tools/imports.ts"]] },
  ];
}

const UNIT: Step = {
  name: "unit tests",
  commands: [[BUN, "test", TEST_LIMIT, "--parallel=2", "./src", "./tools", "./test/support"]],
};

/** gcc's analyzer needs the optimizer's view, and makes an object file that nobody wants. */
function analysis(source: string): string[] {
  return ["gcc", ...WARNINGS, "-fanalyzer", "-O1", "-D_FORTIFY_SOURCE=2", "-c", "-o", "/dev/null", source];
}

export async function perform({ name, commands }: Step): Promise<Outcome> {
  const started = performance.now();
  const runs = [];
  for (const command of commands) runs.push(await run(command));
  return {
    name,
    output: runs.map(({ output }) => output).join(""),
    passed: runs.every(({ passed }) => passed),
    seconds: (performance.now() - started) / 1000,
  };
}

async function run(command: readonly string[]): Promise<{ output: string; passed: boolean }> {
  const child = Bun.spawn([...command], { stdout: "pipe", stderr: "pipe", stdin: "ignore" });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { output: out + err, passed: (await child.exited) === 0 };
}

export function report({ name, output, passed, seconds }: Outcome): void {
  if (!passed) console.log(output.trimEnd());
  console.log(`${passed ? "ok  " : "FAIL"} ${name.padEnd(12)} ${seconds.toFixed(1)} s`);
}

if (import.meta.main) {
  await buildNative("dist"); // tests read what is built from native/
  const running = [...steps(), UNIT].map(async (step) => {
    const outcome = await perform(step);
    report(outcome);
    return outcome.passed;
  });
  const passed = (await Promise.all(running)).every(Boolean);
  process.exitCode = passed ? 0 : 1;
}
