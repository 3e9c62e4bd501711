/** Which face of berth was asked for: worker, engine, or command line. The only place that ends the process. */
import { writeSync } from "node:fs";
import type { DaemonOptions } from "./cli/command.ts";

process.exit(await chooseFace(process.argv.slice(2)));

async function chooseFace(words: readonly string[]): Promise<number> {
  try {
    if (words[0] === "worker") return await becomeWorker();
    const { runCommandLine } = await import("./cli/cli.ts");
    return await runCommandLine(words, process.env, { daemon: becomeEngine });
  } catch (error) {
    return reportBug(error);
  }
}

async function becomeWorker(): Promise<number> {
  throw new Error("the worker is not built yet");
}

async function becomeEngine(options: DaemonOptions): Promise<number> {
  throw new Error(`the engine is not built yet: ${options.root}`);
}

/** Whatever was not foreseen is a fault of berth, not of its user. */
function reportBug(error: unknown): number {
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const lines = trace.split("\n").slice(0, 6).join("\n");
  writeSync(2, `berth: this is a bug in berth (build ${process.env.BERTH_BUILD ?? "source"}):\n${lines}\n`);
  return 125;
}
