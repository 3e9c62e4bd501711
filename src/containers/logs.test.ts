import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync, appendFileSync } from "node:fs";
import { Demultiplexer } from "../wire/stream.ts";
import { parseLogOptions, readLog, selectLines } from "./logs.ts";

const OPTIONS = { stdout: true, stderr: true, follow: false, timestamps: false };
const LINES = [
  { log: "one\n", stream: "stdout", time: "2026-01-01T00:00:01Z" },
  { log: "two\n", stream: "stderr", time: "2026-01-01T00:00:02.5Z" },
  { log: "three", stream: "stdout", time: "2026-01-01T00:00:03Z" },
];
const BLOCK = new TextEncoder().encode(LINES.map((line) => `${JSON.stringify(line)}\n`).join(""));

function pieces(bytes: Uint8Array): string[] {
  return new Demultiplexer()
    .push(bytes)
    .map((piece) => `${piece.stream}:${new TextDecoder().decode(piece.bytes)}`);
}

test.each([
  ["both streams", {}, ["1:one\n", "2:two\n", "1:three"]],
  ["stderr", { stdout: false }, ["2:two\n"]],
  [
    "what is not older",
    { since: String(Date.parse("2026-01-01T00:00:02.5Z") / 1000) },
    ["2:two\n", "1:three"],
  ],
  ["what is not younger", { until: "2026-01-01T00:00:02.5Z" }, ["1:one\n", "2:two\n"]],
  ["times", { timestamps: true, stdout: false }, ["2:2026-01-01T00:00:02.500000000Z two\n"]],
])("logs shows %s", (_, options, expected) => {
  const query = parseLogOptions({ ...OPTIONS, ...options }, false);
  expect(pieces(selectLines(BLOCK, query).bytes)).toEqual(expected);
});

test("a terminal's log has no frames", () => {
  const { bytes } = selectLines(BLOCK, parseLogOptions(OPTIONS, true));
  expect(new TextDecoder().decode(bytes)).toBe("one\ntwo\nthree");
});

test("a damaged line is left out", () => {
  const bytes = new TextEncoder().encode('{"log":"a","str\n{"log":"b","stream":"stdout","time":""}\n');
  expect(pieces(selectLines(bytes, parseLogOptions(OPTIONS, false)).bytes)).toEqual(["1:b"]);
});

test.each([
  [{ stdout: false, stderr: false }, "you must choose at least one stream"],
  [{ since: "yesterday" }, 'invalid value for "since"'],
])("logs refuses %p", (options, message) => {
  expect(() => parseLogOptions({ ...OPTIONS, ...options }, false)).toThrow(message);
});

test("following yields what is written later, and ends with the process", async () => {
  const folder = mkdtempSync("/tmp/berth-logs-");
  const path = `${folder}/log`;
  writeFileSync(path, '{"log":"a","stream":"stdout","time":""}\n');
  let turn = 0;
  const more = async () => {
    appendFileSync(path, `{"log":"${++turn}","stream":"stdout","time":""}\n`);
    return turn < 3;
  };
  const seen: string[] = [];
  for await (const bytes of readLog(path, parseLogOptions(OPTIONS, true), more))
    seen.push(new TextDecoder().decode(bytes));
  expect(seen).toEqual(["a", "1", "2", "3"]);
  rmSync(folder, { recursive: true });
});
