import { expect, test } from "bun:test";
import { zstdCompressSync } from "node:zlib";
import { ZstdFrames } from "./zstd-frames.ts";

const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
const large = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * index) % 251));

test.each([
  ["one frame", zstdCompressSync("hello")],
  ["blocks of one repeated byte", zstdCompressSync(Buffer.alloc(500_000))],
  [
    "several frames and a skippable one",
    Buffer.concat([zstdCompressSync("a"), skippable, zstdCompressSync(large)]),
  ],
])("%s: whole at its end, and at no other place than between frames", (_, stream) => {
  let wholeAt = 0;
  for (const end of [
    stream.length,
    ...Array.from({ length: Math.min(stream.length, 500) }, (_empty, cut) => stream.length - cut),
  ]) {
    const frames = new ZstdFrames();
    for (let at = 0; at < end; at += 7) frames.push(stream.subarray(at, Math.min(end, at + 7)));
    if (frames.isWhole && end !== stream.length) wholeAt++;
    if (end === stream.length) expect(frames.isWhole).toBe(true);
  }
  expect(wholeAt).toBeLessThanOrEqual(2);
});
