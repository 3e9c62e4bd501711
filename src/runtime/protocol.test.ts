import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import * as protocol from "./protocol.ts";

/** Every number that native/protocol.h names, by #define or in an enum. */
function headerNumbers(): Map<string, number> {
  const header = readFileSync(`${import.meta.dir}/../../native/protocol.h`, "utf8");
  const defines = header.matchAll(/^#define ([A-Z_]+) (?:\()?(0x[0-9a-f]+|\d+)u?(?: << (\d+)\))?/gm);
  const members = header.matchAll(/^ {4}([A-Z_]+) = (\d+),/gm);
  return new Map(
    [...defines, ...members].map(([, name = "", value, shift]) => [
      name,
      Number(value) << Number(shift ?? 0),
    ]),
  );
}

/** The same from protocol.ts, by the header's names. */
function ourNumbers(): Map<string, number> {
  const { OP_CODES, PROTOCOL_VERSION, ...rest } = protocol;
  const ops = Object.entries(OP_CODES).map(
    ([name, code]) => [`OP_${name.toUpperCase().replaceAll("-", "_")}`, code] as const,
  );
  return new Map([...ops, ["BERTH_PROTOCOL_VERSION", PROTOCOL_VERSION], ...Object.entries(rest)]);
}

test("protocol.ts and native/protocol.h hold the same numbers", () => {
  const header = headerNumbers();
  for (const own of ["FD_PLAN", "FD_CONTROL", "FD_EXTRA"]) header.delete(own); // the driver's order of descriptors, not in any message
  expect(Object.fromEntries(ourNumbers())).toEqual(Object.fromEntries(header));
});
