import { expect, test } from "bun:test";
import fc from "fast-check";
import { inLargePieces } from "./large-pieces.ts";

test("the same bytes come out, in pieces of the size that was asked for", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 50 })),
      fc.integer({ min: 1, max: 40 }),
      async (chunks, size) => {
        const reused = new Uint8Array(50); // as a source may do it
        async function* source(): AsyncGenerator<Uint8Array> {
          for (const chunk of chunks) {
            reused.set(chunk);
            yield reused.subarray(0, chunk.length);
          }
        }
        const pieces = await Array.fromAsync(inLargePieces(source(), size), (piece) => piece.slice());
        expect(Buffer.concat(pieces)).toEqual(Buffer.concat(chunks));
        for (const piece of pieces.slice(0, -1)) expect(piece.length).toBe(size);
      },
    ),
  );
});

test("a source that fails is heard, one that is no longer wanted is told", async () => {
  let closed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield new Uint8Array(10);
      throw new Error("broken");
    } finally {
      closed = true;
    }
  }
  await expect(Array.fromAsync(inLargePieces(source(), 5))).rejects.toThrow("broken");
  closed = false;
  for await (const _ of inLargePieces(source(), 5)) break;
  expect(closed).toBe(true);
});
