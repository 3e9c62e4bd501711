/** A launch plan for people: as a table, as JSON, or as a script of ordinary commands that does the same. */
import { describe } from "./describe.ts";
import { execScript } from "./explain-exec.ts";
import { launchScript } from "./explain-script.ts";
import { BerthError } from "../lib/error.ts";
import type { Op } from "./op.ts";

export type ExplainFormat = "table" | "json" | "sh";

export interface ExplainOptions {
  /** The engine's side of the network as commands; $PID is the container's. */
  readonly outside?: readonly string[];
}

export function explainPlan(ops: readonly Op[], format: ExplainFormat, options: ExplainOptions = {}): string {
  if (format === "json") return `${JSON.stringify(toJson(ops, options), bigIntsAndBytes, 2)}\n`;
  if (format === "table") return table(ops, options);
  if (ops.some(({ op }) => UNSCRIPTED.has(op)))
    throw new BerthError(
      "unsupported",
      "--explain=sh: mount(8) and unshare(1) of util-linux 2.38 can neither map the ids of a mount nor keep one for a user namespace; use --explain=table or json",
    );
  if (ops.some(({ op }) => op === "runtime"))
    throw new BerthError(
      "unsupported",
      "a script can only be made of berth's own runtime: another one's steps are its own; --explain and --explain=json show how it is called",
    );
  const isExec = ops.some(({ op }) => op === "join-process");
  return isExec ? execScript(ops) : launchScript(ops, options.outside ?? []);
}

/** Steps of user namespaces that no ordinary command takes. */
const UNSCRIPTED: ReadonlySet<Op["op"]> = new Set<Op["op"]>(["become-root", "tree"]);

/** Who performs an operation: the shim up to the clone (or a process of its own, where it gives rights away), then its child. */
function actor(ops: readonly Op[], index: number): "shim" | "stage" | "child" {
  if (index > ops.findIndex(({ op }) => op === "clone")) return "child";
  const stage = ops.findIndex(({ op }) => op === "stage");
  return stage >= 0 && index > stage ? "stage" : "shim";
}

function toJson(ops: readonly Op[], { outside }: ExplainOptions) {
  const steps = ops.map((op, index) => {
    const { call, purpose } = describe(op);
    return { step: index, by: actor(ops, index), call, purpose, operation: op };
  });
  return outside === undefined || outside.length === 0 ? { steps } : { steps, engine: outside };
}

/** Looks at what was there before toJSON(), which Buffers have. */
function bigIntsAndBytes(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const original = this[key];
  if (typeof original === "bigint") return `0x${original.toString(16)}`;
  return original instanceof Uint8Array ? Buffer.from(original).toString("base64") : value;
}

const CALL_WIDTH = 100;

function table(ops: readonly Op[], { outside = [] }: ExplainOptions): string {
  const rows = ops.flatMap((op, index): string[][] => {
    const { call, purpose } = describe(op);
    const row = [String(index), actor(ops, index), op.op, shorten(call), purpose];
    return op.op === "barrier" && op.for === undefined ? [...outside.map(engineRow), row] : [row];
  });
  const all = [["STEP", "BY", "OPERATION", "WHAT THE KERNEL IS ASKED", "WHAT FOR"], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return `${all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")}\n`;
}

function engineRow(command: string): string[] {
  return [
    "",
    "engine",
    "network",
    shorten(command),
    "the host's side of the network, while the child mounts",
  ];
}

function shorten(text: string): string {
  const line = text.replaceAll("\n", "\\n");
  return line.length <= CALL_WIDTH ? line : `${line.slice(0, CALL_WIDTH - 1)}…`;
}
