/** Shims of versions that are not this engine's, as far as what they say matters: test/stress has a real old one. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { FakeShim, message, stateFrame } from "./fake-shim.ts";
import { helloFrame } from "./frames.ts";
import { Supervised } from "./process.ts";
import { MSG_EXITED, PHASE_RUNNING } from "./protocol.ts";
import { lostRecord } from "./records.ts";

const FUTURE = 77;

let directory = "";
beforeEach(() => (directory = mkdtempSync("/tmp/berth-versions-")));
afterEach(() => rmSync(directory, { recursive: true }));

/** A shim that answers its first connection with `frames`; whoever follows the log gets one of no files. */
function shimThatSays(frames: readonly Uint8Array[]): FakeShim {
  return new FakeShim(directory, ({ connection }, to) => {
    if (connection === 1) for (const frame of frames) to.say(frame);
    else to.say(new Uint8Array(8));
  });
}

function state(version: number, ...more: readonly number[]): Uint8Array {
  return stateFrame({ version, phase: PHASE_RUNNING }, ...more);
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
  using _shim = shimThatSays([
    state(99, 1, 2, 3),
    message(FUTURE, 1, 2, 3),
    message(MSG_EXITED, 5, 1, 9, 0, 0, 0, 1, 2, 3),
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
  using shim = shimThatSays([state(version)]);
  const process = await adopted();
  const follower = await process.follow();
  expect(follower?.files).toEqual(version < 2 ? undefined : []);
  expect(shim.types(2)).toEqual(frames);
  process.disconnect();
});
