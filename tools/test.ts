/** `npm test`: the gates, then every suite, then the end-to-end table once more with sanitizers. Last line: the sum. */
import { readdir, rm } from "node:fs/promises";
import { perform, report, steps, TEST_LIMIT } from "./ok.ts";

interface Sum {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Suite {
  readonly name: string;
  readonly paths: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** How many processes share its files. */
  readonly processes?: number;
}

const BUN = "tools/bun";
const LIMIT_MS = 10 * 60_000;
const SANITIZED = "dist/sanitize";
const FINDINGS = "/tmp";

const SUITES: readonly Suite[] = [
  { name: "unit", paths: ["./src", "./tools", "./test/support"] },
  { name: "shim", paths: ["./test/shim"] },
  { name: "shim, sanitized", paths: ["./test/shim"], env: { BERTH_SHIM_SANITIZE: "1" } },
  { name: "images", paths: ["./test/images"] },
  { name: "end to end", paths: ["./test/e2e"], processes: 2 },
  { name: "OCI runtime", paths: ["./test/oci"] },
  { name: "crash", paths: ["./test/crash"] },
  { name: "seccomp", paths: ["./test/seccomp"] },
  { name: "other runtimes", paths: ["./test/runtimes"] },
  { name: "security", paths: ["./test/security"], processes: 2 },
  { name: "cgroup version 2, in a guest", paths: ["./test/v2"] },
  { name: "stress", paths: ["./test/stress"], processes: 2 },
];

const AGAIN: Suite = {
  name: "end to end, commands performed by the engine, sanitized shim",
  paths: ["./test/e2e", "./test/oci/front.test.ts", "./test/oci/streams.test.ts"],
  env: { BERTH_TEST_BINARY: `${SANITIZED}/berth`, BERTH_TEST_BY_ENGINE: "1" },
  processes: 2,
};

async function gates(): Promise<Sum> {
  const outcomes = await Promise.all(steps().map(perform));
  outcomes.forEach(report);
  return outcomes.map(({ passed }) => sumOf(passed)).reduce(add);
}

async function runSuite({ name, paths, env, processes }: Suite): Promise<Sum> {
  const present = paths.filter(hasTests);
  if (present.length === 0) return NOTHING;
  console.log(`\n== ${name}`);
  const results = `${process.env.TMPDIR ?? "/tmp"}/berth-junit-${process.pid}.xml`;
  const words = ["test", TEST_LIMIT, "--only-failures", "--reporter=junit", `--reporter-outfile=${results}`];
  const shared = processes === undefined ? [] : [`--parallel=${processes}`];
  const exitCode = await inherit([BUN, ...words, ...shared, ...present], env);
  const sum = parseJunit(
    await Bun.file(results)
      .text()
      .catch(() => ""),
  );
  await rm(results, { force: true });
  // A file that does not even load stands in no report.
  return exitCode !== 0 && sum.failed === 0 ? add(sum, sumOf(false)) : sum;
}

function hasTests(path: string): boolean {
  return (
    path.endsWith(".test.ts") || [...new Bun.Glob(`${path.slice(2)}/**/*.test.ts`).scanSync()].length > 0
  );
}

/** The counts in the first element of bun's report. */
export function parseJunit(xml: string): Sum {
  const count = (name: string): number =>
    Number(new RegExp(`<testsuites [^>]*\\b${name}="(\\d+)"`).exec(xml)?.[1] ?? 0);
  const [tests, failed, skipped] = [count("tests"), count("failures"), count("skipped")];
  return { passed: tests - failed - skipped, failed, skipped };
}

/** Shim and front with address and undefined-behaviour sanitizers, under the same table; a finding fails even if no case noticed. */
async function sanitized(): Promise<Sum> {
  await Promise.all((await findings()).map((path) => rm(path)));
  if ((await inherit([BUN, "tools/build.ts", SANITIZED, "--sanitize"])) !== 0) return sumOf(false);
  const sum = await runSuite(AGAIN);
  const found = await findings();
  for (const path of found) console.log(await Bun.file(path).text());
  return add(sum, sumOf(found.length === 0));
}

async function findings(): Promise<string[]> {
  const names = await readdir(FINDINGS);
  return names.filter((name) => name.startsWith("berth-sanitizer.")).map((name) => `${FINDINGS}/${name}`);
}

async function inherit(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const child = Bun.spawn([...words], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
    timeout: LIMIT_MS,
  });
  return await child.exited;
}

const NOTHING: Sum = { passed: 0, failed: 0, skipped: 0 };

function sumOf(passed: boolean): Sum {
  return passed ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1 };
}

function add(a: Sum, b: Sum): Sum {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

if (import.meta.main) {
  let sum = await gates();
  for (const suite of SUITES) sum = add(sum, await runSuite(suite));
  if (process.getuid?.() === 0) sum = add(sum, await sanitized());
  else console.log("left out, because this is not root: everything that starts an engine or a container");
  const skipped = sum.skipped === 0 ? "" : `, ${sum.skipped} skipped`;
  console.log(`\n${sum.passed} passed, ${sum.failed} failed${skipped}`);
  process.exitCode = sum.failed === 0 ? 0 : 1;
}
