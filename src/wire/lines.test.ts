import { expect, test } from "bun:test";
import { jsonLines } from "./lines.ts";

async function* chunks(...texts: readonly string[]) {
  for (const text of texts) yield Buffer.from(text, "latin1");
}

test("values come one a line, wherever the stream is cut", async () => {
  const source = chunks('{"a":1}\r\n{"b', '":"\xc3', '\xa4"}\n\n', '{"c":3}');
  expect(await Array.fromAsync(jsonLines(source))).toEqual([{ a: 1 }, { b: "ä" }, { c: 3 }]);
});

test("a line that is no JSON is named", async () => {
  expect(Array.fromAsync(jsonLines(chunks("oops\n")))).rejects.toThrow("not a JSON line: oops");
});
