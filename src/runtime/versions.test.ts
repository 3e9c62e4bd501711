/** Shims of versions that are not this engine's, as far as what they say matters: test/stress has a real old one. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { helloFrame } from "./frames.ts";
import { Supervised } from "./process.ts";
import { lostRecord } from "./records.ts";

const STATE = 16;
const EXITED = 18;
const FUTURE = 77;

let directory = "";
beforeEach(() => (directory = mkdtempSync("/tmp/berth-versions-")));
afterEach(() => rmSync(directory, { recursive: true }));

/** A shim that answers its first connection with `frames`, and remembers what every connection began with. */
class FakeShim implements Disposable {
  readonly heard: number[] = [];
  readonly #server: Bun.UnixSocketListener<undefined>;

  constructor(frames: readonly Uint8Array[]) {
    this.#server = Bun.listen<undefined>({
      unix: `${directory}/shim.sock`,
      socket: {
        data: (socket, bytes) => {
          this.heard.push(Buffer.from(bytes).readUInt16LE(4));
          if (this.heard.length === 1) for (const frame of frames) socket.write(frame);
          else socket.end(new Uint8Array(8)); // a log of no files
        },
      },
    });
  }

  [Symbol.dispose](): void {
    this.#server.stop(true);
  }
}

function message(type: number, ...words: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(8 + 4 * words.length);
  bytes.writeUInt32LE(4 * words.length, 0);
  bytes.writeUInt16LE(type, 4);
  for (const [at, word] of words.entries()) bytes.writeUInt32LE(word, 8 + 4 * at);
  return bytes;
}

function state(version: number, ...more: readonly number[]): Uint8Array {
  return message(STATE, 3, 42, 7, 0, 41, version, ...more);
}

async function adopted(): Promise<Supervised> {
  const process = await Supervised.open(
    { unix: `${directory}/shim.sock` },
    { runDirectory: directory, ops: [], lost: async () => lostRecord(), remove: async () => {} },
  );
  process.send(helloFrame());
  await process.cloned;
  return process;
}

test("a newer shim says more than is understood: that is passed over, and all else is heard", async () => {
  using _shim = new FakeShim([
    state(99, 1, 2, 3),
    message(FUTURE, 1, 2, 3),
    message(EXITED, 5, 1, 9, 0, 0, 0, 1, 2, 3),
  ]);
  const process = await adopted();
  expect(process).toMatchObject({ pid: 42, startTime: 7n });
  expect(await process.exited).toEqual({ exitCode: 5, oomKilled: true, finishedAt: 9n });
});

test.each([
  [1, []],
  [2, [2]],
  [99, [2]],
])("a shim of version %d is asked for the log only if it knows how: frames %p", async (version, frames) => {
  using shim = new FakeShim([state(version)]);
  const process = await adopted();
  const follower = await process.follow();
  expect(follower?.files).toEqual(version < 2 ? undefined : []);
  expect(shim.heard.slice(1)).toEqual(frames);
  process.disconnect();
});
