/**
 * One table of cases, run through the real docker command and through berth: each is a piece of shell in which `docker` is the
 * command line under test, `$C` a container name, `$I` an image name and `$T` a directory of the case's own. What a case leaves
 * behind is removed, and the engine is asked whether anything else stayed.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { command, type CommandResult, PATH } from "./command.ts";
import { BERTH, type EngineOptions, startEngine, type TestEngine } from "./engine.ts";
import { leaks } from "./leaks.ts";
import { has, type Part } from "./parts.ts";

export interface Case {
  /** A claim. */
  readonly title: string;
  readonly sh: string;
  /** The whole of standard output, or a pattern in it. Not named: not looked at. */
  readonly out?: string | RegExp;
  readonly err?: string | RegExp;
  /** 0 when it is not named. */
  readonly code?: number;
  readonly stdin?: string;
  /** Where only one of the two command lines has it, and why. */
  readonly only?: "docker" | "berth";
  readonly needs?: readonly Part[];
  readonly timeoutMs?: number;
}

const CLIS = ["docker", "berth"] as const;
type Cli = (typeof CLIS)[number];

/** Declares the table for both command lines, each with an engine of its own that knows the image `busybox`. */
export function cases(title: string, table: readonly Case[], options: EngineOptions = {}): void {
  for (const cli of CLIS) {
    const possible = has("root", "busybox", ...(cli === "docker" ? (["docker"] as const) : []));
    describe.skipIf(!possible)(`${title}: ${cli}`, () => declare(cli, table, options));
  }
}

function declare(cli: Cli, table: readonly Case[], options: EngineOptions): void {
  let engine: TestEngine;
  let bin: string;
  beforeAll(async () => {
    engine = await startEngine({ image: "busybox", ...options });
    bin = await commandFolder(cli);
  }, 30_000);
  afterAll(async () => {
    await engine.shutdown();
    const left = await leaks(engine.instance, engine.place);
    await engine[Symbol.asyncDispose]();
    await rm(bin, { recursive: true });
    expect(left).toEqual([]);
  }, 30_000);

  for (const row of table) {
    if (row.only !== undefined && row.only !== cli) continue;
    const timeoutMs = row.timeoutMs ?? 20_000;
    const missing = row.needs !== undefined && !has(...row.needs);
    test.skipIf(missing)(row.title, () => perform(engine, bin, row, timeoutMs), timeoutMs + 10_000);
  }
}

/** A folder for PATH in which `docker` is the command line under test. */
async function commandFolder(cli: Cli): Promise<string> {
  const folder = await mkdtemp("/tmp/cli-");
  await symlink(cli === "docker" ? (Bun.which("docker", { PATH }) ?? "docker") : BERTH, `${folder}/docker`);
  return folder;
}

let count = 0;

async function perform(engine: TestEngine, bin: string, row: Case, timeoutMs: number): Promise<void> {
  count += 1;
  const place = `${engine.place}/case${count}`;
  await mkdir(place);
  const result = await command(["sh", "-c", row.sh], {
    env: { ...engine.client, PATH: `${bin}:${PATH}`, HOME: place, C: `c${count}`, I: `i${count}`, T: place },
    stdin: row.stdin ?? "",
    timeoutMs,
  });
  const left = await sweep(engine, place);
  compare(row, result);
  expect(left).toEqual([]);
}

function compare(row: Case, { stdout, stderr, code }: CommandResult): void {
  const told = { sh: row.sh, stdout, stderr, code };
  if (code !== (row.code ?? 0))
    throw new Error(`exit code ${code} instead of ${row.code ?? 0}: ${show(told)}`);
  if (!matches(stdout, row.out)) throw new Error(`standard output is not ${show(row.out)}: ${show(told)}`);
  if (!matches(stderr, row.err)) throw new Error(`standard error is not ${show(row.err)}: ${show(told)}`);
}

function matches(text: string, wanted: string | RegExp | undefined): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === "string" ? text === wanted : wanted.test(text);
}

function show(value: unknown): string {
  return Bun.inspect(value);
}

/** Removes the case's containers and images; gives what is there afterwards and should not be. */
async function sweep(engine: TestEngine, place: string): Promise<string[]> {
  await engine.removeContainers();
  await engine.api("POST", "/images/prune?filters=%7B%22dangling%22%3A%5B%22true%22%5D%7D");
  const { body } = await engine.api("GET", "/images/json");
  const tags = (body as { RepoTags?: string[] }[]).flatMap(({ RepoTags }) => RepoTags ?? []);
  for (const tag of tags) if (tag !== "busybox:latest") await engine.api("DELETE", `/images/${tag}?force=1`);
  await rm(place, { recursive: true, force: true });
  return await leaks(engine.instance, engine.place, (line) => isEngines(line, engine));
}

/** The engine itself, its bridge and its firewall table stay. */
export function isEngines(line: string, engine: TestEngine): boolean {
  return (
    line.startsWith(`process ${engine.pid} `) ||
    line === `link ${engine.instance}0` ||
    line.startsWith("table ")
  );
}
