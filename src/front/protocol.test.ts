import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import * as protocol from "./protocol.ts";

const header = readFileSync(`${import.meta.dir}/../../native/front.h`, "utf8");

test("protocol.ts and native/front.h hold the same numbers and names", () => {
  const defines = header.matchAll(/^#define ([A-Z_]+) (\d+)/gm);
  const members = header.matchAll(/^ {4}([A-Z_]+) = (\d+),/gm);
  const theirs = [...defines, ...members].map(([, name = "", value]) => [name, Number(value)]);
  const ours = Object.entries(protocol).filter(([, value]) => typeof value === "number");
  expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(theirs));
  expect(header).toContain(`#define FRONT_SOCKET "${protocol.FRONT_SOCKET}"`);
  expect(header).toContain(
    `#define FRONT_NAMESPACES "${protocol.FRONT_NAMESPACES.map((name) => `${name}\\0`).join("")}"`,
  );
});

function call(words: readonly string[], directory = "/", environment: readonly string[] = []): Uint8Array {
  const limits = Array.from({ length: protocol.FRONT_LIMITS }, (_, number) =>
    protocol.uint64(BigInt(number)),
  );
  const count = Buffer.alloc(8);
  count.writeUInt32LE(0b010, 0);
  count.writeUInt32LE(words.length, 4);
  const strings = [directory, ...words, ...environment].map((text) => Buffer.from(`${text}\0`));
  const adjust = Buffer.alloc(8);
  adjust.writeBigInt64LE(-5n);
  return protocol.frame(protocol.FRONT_CALL, ...limits, adjust, count, ...strings);
}

test("a call has its words, empty ones too, its place and its environment", () => {
  const reader = new protocol.FrameReader();
  reader.push(call(["runc", "", "run"], "/a b", ["A=b=c", "EMPTY=", "nothing"]));
  const { type, body } = reader.next() ?? {};
  expect(type).toBe(protocol.FRONT_CALL);
  expect(protocol.decodeCall(body ?? Buffer.alloc(0))).toEqual({
    limits: Array.from({ length: 16 }, (_, number) => BigInt(number)),
    oomScoreAdjust: -5,
    terminals: [false, true, false],
    readable: true,
    directory: "/a b",
    argv: ["runc", "", "run"],
    environment: { A: "b=c", EMPTY: "", nothing: "" },
  });
});

test("frames come in any pieces, and what stands behind one is kept", () => {
  const reader = new protocol.FrameReader();
  const bytes = Buffer.concat([protocol.frame(protocol.FRONT_HELLO), call(["x"]), Buffer.from("rest")]);
  const types: number[] = [];
  for (const byte of bytes.subarray(0, -1)) {
    reader.push(Uint8Array.of(byte));
    for (let said = reader.next(); said !== undefined; said = reader.next()) types.push(said.type);
  }
  expect(types).toEqual([protocol.FRONT_HELLO, protocol.FRONT_CALL]);
  expect(reader.rest.toString()).toBe("res");
});

test("a frame that is too large for a call is refused before it is there", () => {
  const reader = new protocol.FrameReader();
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(0xffff_fff0, 0);
  reader.push(bytes);
  expect(() => reader.next()).toThrow("frame of");
});
