/** Who carries the seccomp listener to the shim may be killed at any moment: the process, which may call nothing by then, does not wait for ever. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { kill } from "../../src/kernel/processes.ts";
import { reap } from "../../src/kernel/process-image.ts";
import type { Op } from "../../src/runtime/op.ts";
import { PHASE_READY, SUPERVISE_HANDOVER } from "../../src/runtime/protocol.ts";
import { has } from "../support/parts.ts";
import { ALLOW_ALL, ASK_ALL, NEW_LISTENER } from "./support/filter.ts";
import { Place } from "./support/place.ts";
import { containerPlan, NAMESPACES } from "./support/plan.ts";
import { Shim } from "./support/shim.ts";
import { until } from "./support/within.ts";

const root = test.if(has("root", "busybox"));

const KILLED = "the seccomp listener was not handed over: its messenger was killed";
const CLONE_PARENT = 0x8000;
const SIGKILL = 9;
const SIGCONT = 18;
const SIGSTOP = 19;

/** What /proc says of it; nothing where it has ended. */
const status = (pid: number) =>
  Bun.file(`/proc/${pid}/status`)
    .text()
    .catch(() => "");
const isFiltered = async (pid: number) => /^Seccomp:\t2$/m.test(await status(pid));
const isStopped = async (pid: number) => /^State:\tT/m.test(await status(pid));
const isAsleep = async (pid: number) => /^State:\tS/m.test(await status(pid));
const isZombie = async (pid: number) => /^State:\tZ/m.test(await status(pid));

/** Who shall have the listener: it only notes that it was told of a process. */
function listenIn(place: Place): Disposable & { readonly path: string; readonly told: Promise<void> } {
  const path = `${place.top}/agent`;
  const { promise: told, resolve } = Promise.withResolvers<void>();
  const listener = Bun.listen({ unix: path, socket: { data: () => resolve() } });
  return { path, told, [Symbol.dispose]: () => listener.stop(true) };
}

/** The process waits before it loads the filter. */
function planOf(place: Place, path: string, program: Uint8Array, handedOver: boolean): readonly Op[] {
  return containerPlan(place, {
    argv: ["echo", "ran"],
    barrier: false,
    before: [{ op: "seccomp-listener", path, introduction: ["<", ">"], entering: false }],
    inside: [{ op: "seccomp-messenger" }, { op: "barrier" }, { op: "seccomp", flags: NEW_LISTENER, program }],
    ...(handedOver ? { flags: SUPERVISE_HANDOVER, namespaces: NAMESPACES | CLONE_PARENT } : {}),
  });
}

/** A process at that barrier, and its messenger. */
async function atBarrier(shim: Shim): Promise<{ pid: number; messenger: number }> {
  const { pid } = await shim.control.next("state", ({ phase }) => phase === PHASE_READY);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  expect(children).toMatch(/^\d+ $/);
  const messenger = Number(children);
  await until("the messenger to be at its work", () => isAsleep(messenger));
  return { pid, messenger };
}

root("before the filter is loaded", async () => {
  using place = new Place();
  using listener = listenIn(place);
  await using shim = await Shim.launch(place, planOf(place, listener.path, ASK_ALL, false));
  const { messenger } = await atBarrier(shim);
  kill(messenger, SIGKILL);
  shim.start();
  expect(await shim.control.next("failed")).toMatchObject({ errno: 0, object: KILLED });
  await shim.ended;
  expect(place.entries()).toEqual([]);
});

root.each([
  ["is supervised", false],
  ["is handed over", true],
])("behind the filter, which asks about the end of the process, too: one that %s", async (_, handedOver) => {
  using place = new Place();
  using listener = listenIn(place);
  await using shim = await Shim.launch(place, planOf(place, listener.path, ASK_ALL, handedOver));
  const { pid, messenger } = await atBarrier(shim);
  kill(messenger, SIGSTOP);
  shim.start();
  await until("the filter", () => isFiltered(pid));
  kill(messenger, SIGKILL);
  expect(await shim.control.next("failed")).toMatchObject({ errno: 0, object: KILLED });
  await shim.ended;
  if (handedOver) reap(pid); // our child
});

root.each([
  ["is supervised", false],
  ["is handed over", true],
])("behind the delivery, of which the process has not heard: one that %s", async (_, handedOver) => {
  using place = new Place();
  using listener = listenIn(place);
  await using shim = await Shim.launch(place, planOf(place, listener.path, ALLOW_ALL, handedOver));
  const { pid, messenger } = await atBarrier(shim);
  kill(messenger, SIGSTOP);
  shim.start();
  await until("the filter", () => isFiltered(pid));
  for (const stopped of [pid, shim.pid]) kill(stopped, SIGSTOP);
  await until("both to stand still", async () => (await isStopped(pid)) && isStopped(shim.pid));
  kill(messenger, SIGCONT);
  // It has sent the listener and reads the shim's answer from descriptor 3.
  await until("the messenger's word", async () =>
    /^\d+ 0x3 /.test(await Bun.file(`/proc/${messenger}/syscall`).text()),
  );
  kill(messenger, SIGKILL);
  kill(shim.pid, SIGCONT);
  await listener.told;
  await until("the shim's answer", () => isAsleep(shim.pid));
  // The answer lies unread when the process ends: the shim must still hear what was said before.
  kill(shim.pid, SIGSTOP);
  kill(pid, SIGCONT);
  await until("the end of the process", () => isZombie(pid));
  kill(shim.pid, SIGCONT);
  expect(await shim.control.next("failed")).toMatchObject({ errno: 0, object: KILLED });
  await shim.ended;
  if (handedOver) reap(pid);
});
