/** What may be said to a shim by whoever reaches its socket, and what it makes of nonsense. */
import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import fc from "fast-check";
import {
  attachFrame,
  FrameDecoder,
  helloFrame,
  type ShimMessage,
  signalFrame,
} from "../../src/runtime/frames.ts";
import { CLIENTS_LIMIT } from "../../src/runtime/protocol.ts";
import { has } from "../support/parts.ts";
import type { Wire } from "./support/connection.ts";
import { Place } from "./support/place.ts";
import { ATTACH_ALL, Client, Shim, splitFrames } from "./support/shim.ts";
import { PATIENCE_MS, until, within } from "./support/within.ts";

const root = test.if(has("root", "busybox"));
const OPEN_STDIN = 2;

async function running(place: Place, argv: readonly string[] = ["cat"]): Promise<Shim> {
  const shim = await Shim.container(place, { argv, flags: OPEN_STDIN });
  shim.start();
  await shim.running();
  return shim;
}

const QUESTIONS = 5000;

root("a controller that asks on without reading the answers is heard later, and misses none", async () => {
  using place = new Place();
  await using shim = await running(place);
  const wire = await shim.connect();
  wire.pause();
  wire.write(helloFrame());
  const asked = wire.writeAll(Buffer.concat(Array.from({ length: QUESTIONS }, () => signalFrame(0))));
  await answersOthers(shim);
  wire.resume();
  await asked;
  const decoder = new FrameDecoder();
  const heard = await within(PATIENCE_MS, "all answers", async () => {
    const replies: ShimMessage[] = [];
    while (replies.length < QUESTIONS && !wire.ended)
      replies.push(...[...decoder.push(await wire.read())].filter(({ type }) => type === "reply"));
    return replies.length;
  });
  expect(heard).toBe(QUESTIONS);
  wire.close();
});

/** Another controller is answered meanwhile. */
async function answersOthers(shim: Shim): Promise<void> {
  const control = await shim.controller();
  await control.next("state");
  control.send(signalFrame(0));
  await control.next("reply");
  control.close();
}

/** The bytes until the shim hangs up. */
async function answer(wire: Wire): Promise<number> {
  return within(PATIENCE_MS, "the shim to hang up", async () => {
    let size = 0;
    for (let bytes = await wire.read(); bytes.length > 0; bytes = await wire.read()) size += bytes.length;
    return size;
  });
}

function frame(size: number, type: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(size, 0);
  header.writeUInt16LE(type, 4);
  return Buffer.concat([header, payload]);
}

root("the socket is its owner's alone", async () => {
  using place = new Place();
  await using _shim = await running(place);
  expect(statSync(`${place.run}/shim.sock`).mode & 0o777).toBe(0o600);
});

describe("nonsense", () => {
  root.each([
    ["a first frame that greets nobody", frame(4, 4, Buffer.from([15, 0, 0, 0]))],
    ["a frame that is too long", frame(0xffffffff, 1, Buffer.alloc(0))],
    ["a frame that is longer than any of ours", frame(100, 1, Buffer.alloc(100))],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
  ])("is answered by hanging up: %s", async (_, bytes) => {
    using place = new Place();
    await using shim = await running(place);
    const wire = await shim.connect();
    wire.write(bytes);
    expect(await answer(wire)).toBe(0);
    const control = await shim.controller();
    expect(await control.next("state")).toMatchObject({ phase: 3 });
  });

  root("of any kind leaves process and shim as they are", async () => {
    using place = new Place();
    await using shim = await running(place);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .tuple(fc.nat(80), fc.nat(30), fc.uint8Array({ maxLength: 80 }))
        .map(([size, type, payload]) => frame(size, type === 4 ? 6 : type, payload)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, fc.boolean(), async (nonsense, greets) => {
        const wire = await shim.connect();
        if (greets) wire.write(helloFrame());
        wire.write(nonsense);
        wire.close();
      }),
      { numRuns: 200 },
    );
    const control = await shim.controller();
    expect(await control.next("state")).toMatchObject({ phase: 3 });
  });

  root("of a greeted peer is answered with ENOSYS", async () => {
    using place = new Place();
    await using shim = await running(place);
    const control = await shim.controller();
    control.send(frame(0, 77, Buffer.alloc(0)));
    expect(await control.next("reply")).toEqual({ type: "reply", to: 77, errno: 38 });
  });
});

root("frames may come in any pieces", async () => {
  using place = new Place();
  await using shim = await running(place, ["sleep", "60"]);
  const wire = await shim.connect();
  for (const byte of [...helloFrame(), ...signalFrame(9)]) {
    wire.write(Uint8Array.of(byte));
    await Bun.sleep(1);
  }
  expect((await shim.exited()).exitCode).toBe(137);
});

root("input right behind the request to attach is the process's", async () => {
  using place = new Place();
  await using shim = await running(place);
  const wire = await shim.connect();
  wire.write(Buffer.concat([attachFrame(ATTACH_ALL), Buffer.from("at once\n")]));
  await new Client(wire).until("at once");
});

root("a silent connection holds up nothing, not even the end", async () => {
  using place = new Place();
  await using shim = await Shim.container(place, { argv: ["sh", "-c", "sleep 0.1"] });
  const silent = await shim.connect();
  shim.start();
  await shim.exited();
  expect(await shim.ended).toBe(0);
  expect(await answer(silent)).toBe(0);
});

root("every controller hears of the exit", async () => {
  using place = new Place();
  await using shim = await running(place);
  const others = await Promise.all([shim.controller(), shim.controller(), shim.controller()]);
  await Promise.all(others.map((control) => control.next("state")));
  others[0]?.send(signalFrame(9));
  for (const control of others) expect(await control.next("exited")).toMatchObject({ exitCode: 137 });
});

/** For those of whose end it has not heard yet; the engine counts without it. */
const UNSEEN_ENDS = 16;

root("one client more than it serves is told so, and the others are served", async () => {
  using place = new Place();
  await using shim = await running(place);
  const clients = await Promise.all(Array.from({ length: CLIENTS_LIMIT + UNSEEN_ENDS }, () => shim.attach()));
  clients[0]?.write("to all\n");
  await Promise.all(clients.map((client) => client.until("to all"))); // only then has it heard of all
  const [, words] = Object.values(splitFrames(await (await shim.attach()).raw()));
  expect(words?.toString()).toBe("berth: 400 clients are attached already, and no more are served\n");
  const control = await shim.controller();
  expect(await control.next("state")).toMatchObject({ phase: 3 });
  for (const { wire } of clients) wire.close();
});

root("silent connections without number are closed, and the others served", async () => {
  using place = new Place();
  await using shim = await running(place);
  const attempts = await Promise.allSettled(Array.from({ length: 500 }, () => shim.connect()));
  const wires = attempts.filter((attempt) => attempt.status === "fulfilled").map(({ value }) => value);
  await until("the shim to refuse some", () => wires.filter(({ ended }) => !ended).length < 450);
  for (const wire of wires) wire.close();
  await until("the shim to have seen them go", async () => {
    const control = await shim.controller();
    return await control.next("state").then(
      ({ phase }) => phase === 3,
      () => false,
    );
  });
});
