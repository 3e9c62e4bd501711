import { expect, test } from "bun:test";
import { attachFrame, FrameDecoder, helloFrame, resizeFrame, signalFrame } from "./frames.ts";

const bytes = (...values: readonly number[]) => Uint8Array.from(values);

test.each([
  ["hello", helloFrame(), bytes(4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0)],
  ["attach", attachFrame(6), bytes(8, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 6, 0, 0, 0)],
  ["signal", signalFrame(15), bytes(4, 0, 0, 0, 4, 0, 0, 0, 15, 0, 0, 0)],
  ["resize", resizeFrame(24, 300), bytes(4, 0, 0, 0, 5, 0, 0, 0, 24, 0, 44, 1)],
])("%s is encoded as protocol.h says", (_, frame, expected) => {
  expect(Uint8Array.from(frame)).toEqual(expected);
});

const exited = bytes(16, 0, 0, 0, 18, 0, 0, 0, 137, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
const failed = bytes(16, 0, 0, 0, 17, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 47, 98, 105, 110);
const unknown = bytes(2, 0, 0, 0, 99, 0, 0, 0, 1, 2);

test("frames are put together from any pieces; unknown types are skipped", () => {
  const stream = Buffer.concat([failed, unknown, exited]);
  for (let size = 1; size <= stream.length; size++) {
    const decoder = new FrameDecoder();
    const messages = [];
    for (let at = 0; at < stream.length; at += size)
      messages.push(...decoder.push(stream.subarray(at, at + size)));
    expect(messages).toEqual([
      { type: "failed", op: 7, errno: 2, object: "/bin" },
      { type: "exited", exitCode: 137, flags: 3, finishedAt: 1n, lostEntries: 0n },
    ]);
  }
});

test("a payload that has grown since is read as far as it goes", () => {
  const version2 = bytes(24, ...exited.slice(1), 5, 0, 0, 0, 0, 0, 0, 0);
  const version3 = bytes(32, ...version2.slice(1), 9, 9, 9, 9, 9, 9, 9, 9);
  for (const frame of [version2, version3])
    expect([...new FrameDecoder().push(frame)]).toMatchObject([{ finishedAt: 1n, lostEntries: 5n }]);
});

test("a length that cannot be is refused before anything is collected", () => {
  expect(() => [...new FrameDecoder().push(bytes(255, 255, 255, 255, 16, 0, 0, 0))]).toThrow(
    "4294967295 bytes",
  );
});
