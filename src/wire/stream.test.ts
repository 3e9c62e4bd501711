import { expect, test } from "bun:test";
import fc from "fast-check";
import { Demultiplexer, demultiplex, encodeFrame, STDERR, STDOUT, type StreamNumber } from "./stream.ts";

const frames = fc.array(
  fc.record({ stream: fc.constantFrom<StreamNumber>(0, 1, 2, 3), bytes: fc.uint8Array({ maxLength: 40 }) }),
);

test("frames come out as they went in, however they are cut", () => {
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 30 }), (sent, size) => {
      const wire = Buffer.concat(sent.map(({ stream, bytes }) => encodeFrame(stream, bytes)));
      const demultiplexer = new Demultiplexer();
      const texts = ["", "", "", ""];
      for (let at = 0; at < wire.length; at += size)
        for (const { stream, bytes } of demultiplexer.push(wire.subarray(at, at + size)))
          texts[stream] += Buffer.from(bytes).toString("hex");
      expect(demultiplexer.incomplete).toBe(false);
      for (const stream of [0, 1, 2, 3])
        expect(texts[stream]).toBe(
          sent
            .filter((frame) => frame.stream === stream)
            .map(({ bytes }) => Buffer.from(bytes).toString("hex"))
            .join(""),
        );
    }),
  );
});

test("payload is handed on without waiting for the rest of its frame", () => {
  const demultiplexer = new Demultiplexer();
  const [piece] = demultiplexer.push(encodeFrame(STDERR, "0123456789").subarray(0, 11));
  expect(piece).toEqual({ stream: STDERR, bytes: Buffer.from("012") });
  expect(demultiplexer.incomplete).toBe(true);
});

test("bytes that are no frames throw", () => {
  expect(() => new Demultiplexer().push(Buffer.from("HTTP/1.1"))).toThrow("unrecognized stream: 72");
});

test("a stream that ends in mid-frame throws", async () => {
  async function* cut() {
    yield encodeFrame(STDOUT, "whole").subarray(0, 10);
  }
  expect(Array.fromAsync(demultiplex(cut()))).rejects.toThrow("ends in the middle of a frame");
});
