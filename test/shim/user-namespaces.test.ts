/** The ops of user namespaces, seen from the shim: what fits together, and what does not. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { mknod } from "../../src/kernel/files.ts";
import type { Op } from "../../src/runtime/op.ts";
import { has } from "../support/parts.ts";
import { linkOf } from "./support/link.ts";
import { Place } from "./support/place.ts";
import { CLONE_NEWNS, containerPlan, MS_PRIVATE, MS_REC, PATH, supervision } from "./support/plan.ts";
import { failureOf, Shim } from "./support/shim.ts";

const root = test.if(has("root", "busybox"));
const BASE = 500_000;
/** Of native/shim/shim.h. */
const FD_SLOTS = 256;
const MAP = `0 ${BASE} 65536\n`;
const CLONE_NEWUTS = 0x4000000;

const users = (slot = 0, map = MAP): Op => ({ op: "user-namespace", slot, uidMap: map, gidMap: map });

function overlay({ top, extra, lower }: Place, more: Partial<Extract<Op, { op: "overlay" }>> = {}): Op {
  const layers = [extra.slice(1), lower.slice(1)]; // below the host's root directory
  return {
    op: "overlay",
    slot: 1,
    userNamespace: 0,
    uid: BASE,
    gid: BASE,
    layersDirectory: "/",
    directory: top,
    upper: "upper",
    work: "work",
    lower: layers,
    volatile: true,
    ...more,
  };
}

function plan(place: Place, prepared: readonly Op[], argv: string[], staged: readonly Op[] = []): Op[] {
  return [
    ...supervision(place, { argv }),
    { op: "owner", uid: BASE, gid: BASE },
    ...prepared,
    { op: "stage", directory: place.root },
    ...staged,
    { op: "join-user", slot: 0 },
    { op: "clone", flags: CLONE_NEWNS | CLONE_NEWUTS, cgroup: "" },
    { op: "become-root" },
    { op: "session" },
    { op: "propagation", path: "/", flags: MS_REC | MS_PRIVATE },
    { op: "attach-root", slot: 1 },
    { op: "pivot" },
    { op: "cwd", path: "/", create: false },
    { op: "exec", argv, env: [PATH], setHome: false },
  ];
}

async function run(place: Place, ops: readonly Op[]): Promise<string> {
  await using shim = await Shim.launch(place, ops);
  await shim.exited();
  return place
    .entries()
    .map(({ log }) => log)
    .join("");
}

root("the child is root of the namespace, and what it makes is stored as root's", async () => {
  using place = new Place();
  const script = "id -u; touch /made; stat -c %u /made /bin/busybox; hostname changed && hostname";
  expect(await run(place, plan(place, [users(), overlay(place)], ["sh", "-c", script]))).toBe(
    "0\n0\n0\nchanged\n",
  );
  expect(statSync(`${place.upper}/made`).uid).toBe(0);
});

root("the shim is its parent, and holds nothing of what was prepared for it", async () => {
  using place = new Place();
  await using shim = await Shim.launch(place, plan(place, [users(), overlay(place)], ["sleep", "60"]));
  const { pid, shimPid: own } = await shim.running();
  expect(Number(/^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])).toBe(own);
  const links = readdirSync(`/proc/${own}/fd`).flatMap((fd) => {
    const link = linkOf(`/proc/${own}/fd/${fd}`);
    return Number(fd) >= FD_SLOTS || link.startsWith("user:") ? [link] : [];
  });
  expect(links).toEqual([]);
  process.kill(pid, "SIGKILL");
  await shim.exited();
});

root.each<[string, (place: Place) => Op[], string]>([
  ["maps that the kernel refuses", () => [users(0, "0 1 0\n")], 'write uid_map "0 1 0'],
  ["a slot out of order", () => [users(1)], "slot 1 out of order"],
  [
    "an overlay without a user namespace",
    (place) => [overlay(place, { slot: 0, userNamespace: 5 })],
    "map the ids of",
  ],
  [
    "a layer that is not there",
    (place) => [users(), overlay(place, { lower: ["no/such"] })],
    "overlay lowerdir+=no/such",
  ],
  [
    "a namespace file that is not there",
    () => [{ op: "open", slot: 0, path: "/no/such" }],
    'join namespace "/no/such"',
  ],
])("%s: the start fails with the step", async (_, prepared, object) => {
  using place = new Place();
  const failure = await failureOf(place, plan(place, prepared(place), ["true"]));
  expect(failure.object).toContain(object);
});

root.each<[string, (place: Place, path: string) => Op[]]>([
  ["user", (place, path) => plan(place, [{ op: "open", slot: 0, path }], ["true"])],
  [
    "other",
    (place, path) =>
      containerPlan(place, { argv: ["true"], before: [{ op: "join", path, type: CLONE_NEWUTS }] }),
  ],
])("a device that is named as %s namespace is refused and not even opened", async (_, planned) => {
  using place = new Place();
  const path = `${place.top}/device`;
  mknod(path, 0o20600, 250, 250); // to open it would be ENXIO
  const { errno, object } = await failureOf(place, planned(place, path));
  expect({ errno, object }).toEqual({ errno: 22, object: `join namespace "${path}"` });
});

root("what fails between shim and child is told as what it is", async () => {
  using place = new Place();
  const staged: Op[] = [{ op: "join", path: "/no/such/ns", type: CLONE_NEWUTS }];
  const ops = plan(place, [users(), overlay(place)], ["true"], staged);
  const failure = await failureOf(place, ops);
  expect(failure.object).toContain('join namespace "/no/such/ns"');
  expect(ops[failure.op]?.op).toBe("join");
});
