/** What is wrong with a template, in Go's words. */
import { BerthError } from "./error.ts";

/** While reading: `template: :1: unclosed action`. */
export function templateError(source: string, at: number, message: string): BerthError {
  return new BerthError("invalid", `template: :${lineOf(source, at)}: ${message}`);
}

/** While filling in: `template: :1:2: executing "" at <.Foo>: …`. */
export function executionError(source: string, at: number, shown: string, message: string): BerthError {
  const column = at - (source.lastIndexOf("\n", at - 1) + 1);
  return new BerthError(
    "invalid",
    `template: :${lineOf(source, at)}:${column}: executing "" at <${shown}>: ${message}`,
  );
}

function lineOf(source: string, at: number): number {
  return source.slice(0, at).split("\n").length;
}
