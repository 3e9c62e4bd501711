/** The log that engines read: lines as logrus writes them, in text or JSON. */
import { appendFileSync } from "node:fs";
import type { Caller } from "./caller.ts";

export type Level = "debug" | "info" | "warning" | "error";
export type Log = (level: Level, message: string) => void;

export interface LogOptions {
  /** Absent: standard error. */
  readonly path?: string;
  readonly json: boolean;
  readonly debug: boolean;
}

export function openLog(caller: Pick<Caller, "print">, { path, json, debug }: LogOptions): Log {
  if (path !== undefined) appendFileSync(path, "", { mode: 0o644 }); // says now what is wrong with it
  return (level, message) => {
    if (level === "debug" && !debug) return;
    const line = json ? jsonLine(level, message) : textLine(level, message);
    if (path === undefined) caller.print(2, line);
    else appendFileSync(path, line);
  };
}

const now = () => new Date().toISOString().replace(/\.\d+Z$/, "Z");

function jsonLine(level: Level, msg: string): string {
  return `${JSON.stringify({ level, msg, time: now() })}\n`;
}

function textLine(level: Level, message: string): string {
  const quoted = /^[\w.^+/@-]+$/.test(message) ? message : JSON.stringify(message);
  return `time="${now()}" level=${level} msg=${quoted}\n`;
}
