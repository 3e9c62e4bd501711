/** What becomes of a process when the connection to its shim ends before it does. runtime-suite.ts has a real shim. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { probeFeatures } from "../kernel/features.ts";
import { startTime } from "../kernel/processes.ts";
import { type Answering, type Asked, FakeShim, message, stateFrame } from "./fake-shim.ts";
import { helloFrame } from "./frames.ts";
import { openNamespacesRuntime } from "./namespaces.ts";
import { Supervised } from "./process.ts";
import {
  MSG_EXITED,
  MSG_HELLO,
  MSG_REPLY,
  MSG_RESIZE,
  MSG_SIGNAL,
  MSG_START,
  PHASE_CLONED,
  PHASE_EXITED,
  PHASE_READY,
  PHASE_RUNNING,
} from "./protocol.ts";
import { lostRecord } from "./records.ts";

let directory = "";
let lost = 0;
beforeEach(() => {
  directory = mkdtempSync("/tmp/berth-reconnect-");
  lost = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function connected(): Promise<Supervised> {
  const options = {
    runDirectory: directory,
    ops: [],
    lost: async () => {
      lost += 1;
      return lostRecord();
    },
    remove: async () => {},
  };
  const process = await Supervised.open({ unix: `${directory}/shim.sock` }, options);
  process.send(helloFrame());
  await process.cloned;
  return process;
}

const running = stateFrame({ phase: PHASE_RUNNING });
const exited = message(MSG_EXITED, 5, 0, 9, 0, 0, 0);
const done = (type: number) => message(MSG_REPLY, type, 0);

/** Answers hellos with its state; everything else on the first connection makes it hang up. */
function hangsUpOnce(later: (asked: Asked, to: Answering) => void): FakeShim {
  return new FakeShim(directory, (asked, to) => {
    if (asked.type === MSG_HELLO) to.say(running);
    else if (asked.connection === 1) to.hangUp();
    else later(asked, to);
  });
}

test("it is connected to again, and its end is heard there", async () => {
  using shim = new FakeShim(directory, ({ connection }, to) => {
    to.say(running);
    if (connection === 1) to.hangUp();
    else to.say(exited);
  });
  const process = await connected();
  expect(await process.exited).toEqual({ exitCode: 5, oomKilled: false, finishedAt: 9n });
  expect([shim.connections, lost]).toEqual([2, 0]);
});

test("an end that was told while nobody listened stands in the record", async () => {
  using _shim = new FakeShim(directory, ({ connection }, to) => {
    if (connection === 1) {
      to.say(running);
      return to.hangUp();
    }
    writeFileSync(`${directory}/exit`, '{"exitCode":3,"oomKilled":true,"finishedAt":8}');
    to.say(stateFrame({ phase: PHASE_EXITED }));
  });
  const process = await connected();
  expect(await process.exited).toEqual({ exitCode: 3, oomKilled: true, finishedAt: 8n });
  expect(lost).toBe(0);
});

test("a shim that hangs up again and again is given up", async () => {
  using shim = new FakeShim(directory, (_, to) => {
    to.say(running);
    to.hangUp();
  });
  const process = await connected();
  expect((await process.exited).error).toMatch(/^lost: /);
  expect([shim.connections, lost]).toEqual([6, 1]);
});

test("a shim that is not there any more is given up at once", async () => {
  const shim = new FakeShim(directory, (_, to) => to.say(running));
  const process = await connected();
  shim[Symbol.dispose]();
  expect((await process.exited).error).toMatch(/^lost: /);
  expect([shim.connections, lost]).toEqual([1, 1]);
  await expect(process.signal(15)).rejects.toMatchObject({ code: "not_found" });
  await expect(process.resize(1, 2)).rejects.toMatchObject({ code: "not_found" });
});

test("a start that was not heard is said again", async () => {
  using shim = new FakeShim(directory, ({ connection, type }, to) => {
    if (type === MSG_HELLO) to.say(stateFrame({ phase: PHASE_READY }));
    else if (connection === 1) to.hangUp();
    else to.say(running);
  });
  const process = await connected();
  await process.start();
  expect(shim.types(2)).toEqual([MSG_HELLO, MSG_START]);
  process.disconnect();
});

test.each([
  ["SIGKILL", MSG_SIGNAL, (process: Supervised) => process.signal(9)],
  ["a size", MSG_RESIZE, (process: Supervised) => process.resize(1, 2)],
] as const)("%s that was not answered is sent again", async (_, type, ask) => {
  using shim = hangsUpOnce((asked, to) => to.say(done(asked.type)));
  const process = await connected();
  await ask(process);
  expect(shim.types(2)).toEqual([MSG_HELLO, type]);
  process.disconnect();
});

test("another signal is not sent twice: who asked for it is told, and may ask again", async () => {
  using shim = hangsUpOnce((asked, to) => to.say(done(asked.type)));
  const process = await connected();
  await expect(process.signal(15)).rejects.toThrow(
    "send signal 15 to process 42: its shim has hung up, and may have done it or not",
  );
  await process.signal(15);
  expect(shim.types(2)).toEqual([MSG_HELLO, MSG_SIGNAL]);
  process.disconnect();
});

test("a shim that has not written down yet what it has told is asked before its directory goes", async () => {
  using shim = new FakeShim(directory, ({ type }, to) => {
    if (type === MSG_HELLO) return to.say(stateFrame({ phase: PHASE_CLONED }));
    writeFileSync(`${directory}/state`, '{"phase":"created","pid":42,"startTime":7}');
    writeFileSync(`${directory}/exit`, '{"exitCode":137,"oomKilled":false,"finishedAt":8}');
    to.say(done(type));
    to.say(exited);
  });
  const runtime = openNamespacesRuntime({ instance: "reconnect", features: probeFeatures() });
  expect(await runtime.adopt("x", directory)).toBeUndefined();
  expect(shim.types(1)).toEqual([MSG_HELLO, MSG_SIGNAL]);
  expect(existsSync(directory)).toBe(false);
});

test("with a shim that is gone goes the process that it has told of last, whatever it has written down", async () => {
  const child = Bun.spawn(["sleep", "1000"]);
  const told = { phase: PHASE_RUNNING, pid: child.pid, startTime: Number(startTime(child.pid)) };
  writeFileSync(`${directory}/state`, '{"phase":"created","pid":42,"startTime":7}');
  using shim = new FakeShim(directory, (_, to) => to.say(stateFrame(told)));
  const runtime = openNamespacesRuntime({ instance: "reconnect", features: probeFeatures() });
  const process = await runtime.adopt("x", directory);
  if (process === undefined || !("exited" in process)) throw new Error("not adopted");
  shim[Symbol.dispose]();
  expect(await process.exited).toMatchObject({ exitCode: 137, error: expect.stringContaining("lost") });
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
});
