/** Streams of JSON values, one a line: what events and progress are on the wire. */
import { BerthError } from "../lib/error.ts";

const MAX_LINE_BYTES = 4 << 20;

/** The lines of a stream without their ends; empty lines are left out, a last line needs no end. */
export async function* textLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of source) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_BYTES) throw new BerthError("corrupt", "a line of the stream is too long");
    for (const line of lines) if (line.trim() !== "") yield line;
  }
  rest += decoder.decode();
  if (rest.trim() !== "") yield rest;
}

/** Every line as the JSON value it holds. The caller says what it is: both ends are berth or docker. */
export async function* jsonLines<T>(source: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  for await (const line of textLines(source)) yield parseLine(line) as T;
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new BerthError("corrupt", `not a JSON line: ${line.slice(0, 80)}`, { cause: error });
  }
}
