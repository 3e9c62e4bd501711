/** Which face of berth was asked for: worker, engine, OCI runtime, or command line. The only place that ends the process. */
import type { DaemonOptions } from "./cli/command.ts";
import type { Front } from "./front/front.ts";
import { type CalledAs, runtimeOf } from "./oci/names.ts";

const BUILD = process.env.BERTH_BUILD ?? "source";
/** A command that lives longer than this is worth compiling; the executable starts with a JIT that hardly does (tools/build.ts). */
const BRIEF_MS = 50;
/**
 * When nobody has spoken with the engine for so long it gives back what the last clients have cost. Not while it is busy: a full
 * collection also drops compiled code. Here, because what stands behind the await below is never reached.
 */
const IDLE_MS = 3000;

setTimeout(compileAsUsual, BRIEF_MS).unref();

process.exit(await chooseFace(process.argv.slice(2)));

/** Loaded by who needs it: it costs a command line a millisecond. */
function fs(): typeof import("node:fs") {
  return process.getBuiltinModule("node:fs");
}

async function chooseFace(words: readonly string[]): Promise<number> {
  try {
    if (words[0] === "worker") return await becomeWorker();
    const runtime = runtimeOf(process.argv0, words);
    if (runtime !== undefined) return await becomeRuntime(runtime);
    const { runCommandLine } = await import("./cli/cli.ts");
    return await runCommandLine(words, process.env, { daemon: becomeEngine });
  } catch (error) {
    return reportBug(error);
  }
}

/** One command for other people's engines. */
async function becomeRuntime({ name, words }: CalledAs): Promise<number> {
  const { runOci } = await import("./oci/oci.ts");
  return await runOci(name, words, process.env);
}

/** From now on: what has been called before stays as it was. */
function compileAsUsual(): void {
  Bun.unsafe.setJITPolicy(1);
}

/** Packs and unpacks archives for the engine, confined to one place. */
async function becomeWorker(): Promise<number> {
  compileAsUsual();
  const { runWorker } = await import("./engine/worker.ts");
  await runWorker();
  return 0;
}

/** Serves until it is told to end. Containers go on without it. */
async function becomeEngine(options: DaemonOptions): Promise<number> {
  compileAsUsual();
  const { Engine } = await import("./engine/engine.ts");
  const { serve } = await import("./api/server.ts");
  const { Service } = await import("./front/service.ts");
  const { lineLog } = await import("./lib/log.ts");
  const { Idle } = await import("./lib/idle.ts");
  const { writeSync, rmSync } = fs();
  const log = lineLog((line) => writeSync(2, line));
  const told = toldToEnd();
  const visits = new Idle(IDLE_MS, () => Bun.gc(true));
  await using engine = await Engine.open({ ...options, log, crashAfter: crashAfter() });
  await using fronts = new Service({ run: options.run, build: BUILD, log, visits, perform });
  await using _server = await serve(engine, {
    socketPath: options.socket,
    group: options.group,
    log,
    visits,
  });
  fronts.listen();
  const note = writeNote(options);
  sayReady(options.readyDescriptor);
  await Promise.race([told, engine.stopping]);
  fronts.takeNoMore();
  rmSync(note, { force: true });
  return 0;
}

/** What another process was called for; the code is loaded by the first of its kind. */
async function perform(front: Front): Promise<number> {
  const [argv0 = "", ...words] = front.call.argv;
  const runtime = runtimeOf(argv0, words);
  if (runtime === undefined) {
    const { runCommandLineFor } = await import("./cli/guest.ts");
    return await runCommandLineFor(front);
  }
  const { runOciFor } = await import("./oci/remote.ts");
  return await runOciFor(front, runtime);
}

/** For the crash tests: the number of the step at which the engine kills itself. */
function crashAfter(): number | undefined {
  const step = process.env["BERTH_CRASH_AFTER"];
  return step === undefined ? undefined : Number(step);
}

/** Who runs here, for the next command line. */
function writeNote({ run, root, startedBy }: DaemonOptions): string {
  const path = `${run}/engine.json`;
  fs().writeFileSync(path, JSON.stringify({ pid: process.pid, build: BUILD, startedBy, root }), {
    mode: 0o600,
  });
  return path;
}

function sayReady(descriptor: number | undefined): void {
  if (descriptor === undefined) return;
  fs().writeSync(descriptor, "ready");
  fs().closeSync(descriptor);
}

function toldToEnd(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  process.on("SIGHUP", () => {});
  return promise;
}

/** Whatever was not foreseen is a fault of berth, not of its user. */
function reportBug(error: unknown): number {
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const lines = trace.split("\n").slice(0, 6).join("\n");
  fs().writeSync(2, `berth: this is a bug in berth (build ${BUILD}):\n${lines}\n`);
  return 125;
}
