import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { parseCgroupLayout } from "../kernel/cgroup-layout.ts";
import { type Features, probeFeatures } from "../kernel/features.ts";
import { defaultSpec } from "./defaults.ts";
import { explainPlan } from "./explain.ts";
import type { Op } from "./op.ts";
import { compileExecPlan, compilePlan } from "./plan.ts";
import type { Launch } from "./runtime.ts";
import type { Mount, Spec } from "./spec.ts";

const CAP_SYS_RESOURCE = 1n << 24n;
const features: Features = {
  ...probeFeatures(),
  kernel: "6.18.0",
  kernelVersion: [6, 18],
  cgroups: {
    ...parseCgroupLayout("30 25 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids", ""),
    swapAccounting: true,
  },
  boundingSet: 0x1ff_feff_ffffn,
  hardLimits: { RLIMIT_NOFILE: 1000 },
};
const { capabilities, mounts, namespaces, deviceRules } = defaultSpec();
const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const spec: Spec = {
  ociVersion: "1.2.0",
  hostname: "box",
  process: {
    args: ["true"],
    env: [],
    cwd: "/",
    user: { uid: 0, gid: 0, username: "" },
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    oomScoreAdj: 5,
  },
  root: { path: "" },
  mounts,
  linux: {
    namespaces: [...namespaces, { type: "user" }],
    uidMappings: ids,
    gidMappings: ids,
    cgroupsPath: "/berth/box",
    resources: { devices: deviceRules },
  },
};
const launch: Launch = {
  id: "box",
  spec,
  root: {
    kind: "overlay",
    lower: ["l/2", "l/1"],
    layersDirectory: "/var/lib/berth/layers",
    upper: "/var/lib/berth/containers/box/upper",
    work: "/var/lib/berth/containers/box/work",
    volatile: true,
    mountpoint: "/var/lib/berth/containers/box/root",
  },
  supervision: {
    runDirectory: "/run/berth/c/box",
    openStdin: false,
    stdinOnce: false,
    init: false,
    spillDirectory: "/var/lib/berth/containers/box",
    waitForStart: true,
  },
};
const withLinux = (change: Partial<Spec["linux"]>): Launch => ({
  ...launch,
  spec: { ...spec, linux: { ...spec.linux, ...change } },
});
const withMount = (mount: Partial<Mount>): Launch => ({
  ...launch,
  spec: {
    ...spec,
    mounts: [...mounts, { destination: "/m", type: "bind", source: "/src", options: ["bind"], ...mount }],
  },
});
const compile = (what: Launch = launch, where: Features = features) => compilePlan(what, where);
const found = <Name extends Op["op"]>(ops: readonly Op[], name: Name) =>
  ops.filter((op): op is Extract<Op, { op: Name }> => op.op === name);

function text(ops: readonly Op[]): string {
  const plain = (_: string, value: unknown) =>
    typeof value === "bigint" ? `0x${value.toString(16)}` : value;
  return ops.map(({ op, ...rest }) => `${op} ${JSON.stringify(rest, plain)}\n`).join("");
}

/** `BERTH_GOLDEN=write bun test` writes it anew; the difference is for the reviewer. */
test("the plan in a user namespace is what its golden file holds", () => {
  const path = `${import.meta.dir}/golden/user-namespace.txt`;
  if (process.env["BERTH_GOLDEN"] === "write") writeFileSync(path, text(compile()));
  expect(text(compile())).toBe(readFileSync(path, "utf8"));
});

test("a container without one pays nothing: its plan has no step of it", () => {
  const { uidMappings: _, gidMappings: __, ...linux } = spec.linux;
  const ops = compile({ ...launch, spec: { ...spec, linux: { ...linux, namespaces } } });
  expect(ops.filter(({ op }) => ["stage", "user-namespace", "owner", "attach"].includes(op))).toEqual([]);
});

test("what takes the host's rights comes before they are given away", () => {
  const ops = compile(withMount({}));
  const place = (name: Op["op"], from = 0) => ops.findIndex(({ op }, index) => index >= from && op === name);
  const order = [
    place("user-namespace"),
    place("overlay"),
    place("tree"),
    place("mknod"),
    place("stage"),
    place("write", place("stage")), // into the tasks file of its group
    place("oom-score"),
    place("join-user"),
    place("clone"),
    place("become-root"),
    place("propagation"),
    place("attach-root"),
    place("exec"),
  ];
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect(order).not.toContain(-1);
  const inside = ops.slice(place("clone"));
  expect(inside.filter(({ op }) => ["mknod", "bind", "mount-host", "join", "write"].includes(op))).toEqual(
    [],
  );
});

test("namespaces that are shared are joined with the host's rights, the new ones belong to the user namespace", () => {
  const path = "/proc/7/ns/x";
  const ops = compile(
    withLinux({
      namespaces: [
        { type: "mount" },
        { type: "uts" },
        { type: "pid", path },
        { type: "network", path },
        { type: "user" },
      ],
    }),
  );
  const names = ops.map(({ op }) => op);
  const stage = names.slice(names.indexOf("stage"), names.indexOf("clone"));
  expect(stage).toEqual(["stage", "join", "write", "join", "oom-score", "join-user"]);
});

test("equal mappings are one user namespace, others are others", () => {
  const other = [{ containerID: 0, hostID: 5, size: 1 }];
  const own = { options: ["rbind", "ridmap"] };
  expect(found(compile(withMount(own)), "user-namespace")).toHaveLength(1);
  const ops = compile(withMount({ ...own, uidMappings: other, gidMappings: other }));
  expect(found(ops, "user-namespace").map(({ uidMap }) => uidMap)).toEqual(["0 100000 65536\n", "0 5 1\n"]);
  expect(found(ops, "tree").at(-1)).toMatchObject({
    source: "/src",
    recursive: true,
    idMap: { slot: 4, recursive: true },
  });
});

test("a bind with mappings of its own is prepared without a user namespace, too", () => {
  const { uidMappings: _, gidMappings: __, ...linux } = spec.linux;
  const { spec: mounted } = withMount({ uidMappings: ids, gidMappings: ids });
  const ops = compile({ ...launch, spec: { ...mounted, linux: { ...linux, namespaces } } });
  const names = ops.map(({ op }) => op);
  expect(names.indexOf("tree")).toBeLessThan(names.indexOf("clone"));
  expect(names.indexOf("attach")).toBeGreaterThan(names.indexOf("root"));
  expect(names).not.toContain("stage");
});

test("in its own namespace it has every right that is asked, also those that the engine lacks", () => {
  const names = ["CAP_SYS_RESOURCE"];
  const process = { ...spec.process, capabilities: { bounding: names, effective: names, permitted: names } };
  expect(found(compile({ ...launch, spec: { ...spec, process } }), "bounding")).toEqual([
    { op: "bounding", mask: CAP_SYS_RESOURCE },
  ]);
});

test("a limit above the engine's own is raised while that is allowed", () => {
  const rlimits = [
    { type: "RLIMIT_NOFILE", soft: 10, hard: 2000 },
    { type: "RLIMIT_CORE", soft: 0, hard: 0 },
  ];
  const asked = { ...launch, spec: { ...spec, process: { ...spec.process, rlimits } } };
  const raised = compile(asked, { ...features, boundingSet: features.boundingSet | CAP_SYS_RESOURCE });
  expect(found(raised, "rlimit").map(({ soft, hard }) => [soft, hard])).toEqual([
    [2000n, 2000n],
    [10n, 2000n],
    [0n, 0n],
  ]);
  expect(raised.findIndex(({ op }) => op === "rlimit")).toBeLessThan(
    raised.findIndex(({ op }) => op === "join-user"),
  );
  expect(found(compile(asked), "rlimit")).toHaveLength(2);
});

test("a scheduler and an I/O priority are set while there are rights over the host; those that a child does not inherit by itself", () => {
  const place = (policy: string, ...flags: string[]) => {
    const process = {
      ...spec.process,
      scheduler: { policy, flags, ...TIMES[policy] },
      ioPriority: { class: "IOPRIO_CLASS_RT", priority: 1 },
    };
    const names = compile({ ...launch, spec: { ...spec, process } }).map(({ op }) => op);
    const clone = names.indexOf("clone");
    return [names.indexOf("scheduler") < clone, names.indexOf("io-priority") < clone];
  };
  expect(place("SCHED_RR")).toEqual([true, true]);
  expect(place("SCHED_DEADLINE")).toEqual([false, true]);
  expect(place("SCHED_RR", "SCHED_FLAG_RESET_ON_FORK")).toEqual([false, true]);
});

const TIMES: Readonly<Record<string, object>> = {
  SCHED_RR: { priority: 5 },
  SCHED_DEADLINE: { runtime: 1_000_000, deadline: 2_000_000, period: 2_000_000 },
};

test("an exec joins it with all others, gives up whom it was, and owns its pipes", () => {
  const exec = {
    id: "x",
    container: launch,
    target: { pid: 42, startTime: 4242n },
    process: spec.process,
    supervision: launch.supervision,
    cgroup: "/berth/box",
    idMap: { uid: ids, gid: ids },
  };
  const names = compileExecPlan(exec, features).map(({ op }) => op);
  const from = names.indexOf("clone");
  expect(names.slice(from, from + 6)).toEqual([
    "clone",
    "write",
    "oom-score",
    "join-process",
    "become-root",
    "barrier",
  ]);
  expect(names.indexOf("owner")).toBeLessThan(from);
});

test.each<[string, Launch, string]>([
  [
    "a user namespace without mappings",
    withLinux({ uidMappings: [] }),
    "invalid uid mappings: there is none",
  ],
  [
    "mappings without a user namespace",
    withLinux({ namespaces }),
    "user namespace isn't enabled in the config",
  ],
  [
    "one without a root",
    withLinux({ uidMappings: [{ containerID: 1, hostID: 100_000, size: 1 }] }),
    "need uid 0 and gid 0",
  ],
  [
    "a bind that would let its root mount on the host",
    withMount({ options: ["rbind", "rshared"] }),
    "would let its root mount on the host",
  ],
  [
    "a file system as the root",
    withMount({ destination: "/", type: "tmpfs", source: "tmpfs", options: [] }),
    "the root is a directory, an overlay or a bind",
  ],
  [
    "a /dev that takes over what is below",
    withMount({ destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] }),
    "no tmpcopyup in a user namespace",
  ],
  [
    "a /dev with options of mount(2) alone",
    withMount({ destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["silent"] }),
    "no silent and no iversion in a user namespace",
  ],
  [
    "an id-mapped file system",
    withMount({ type: "tmpfs", options: ["idmap"] }),
    "the ids of binds alone, not of tmpfs",
  ],
  [
    "a device whose owner is not mapped",
    withLinux({ devices: [{ type: "c", path: "/dev/x", major: 1, minor: 3, uid: 70_000 }] }),
    'the owner 70000 of "/dev/x" is not mapped',
  ],
  [
    "a device outside of /dev",
    withLinux({ devices: [{ type: "c", path: "/srv/x", major: 1, minor: 3 }] }),
    'device "/srv/x": in a user namespace berth makes devices in /dev alone',
  ],
])("%s is refused by name", (_, what, words) => {
  expect(() => compile(what)).toThrow(words);
});

test("idmap without mappings needs a user namespace", () => {
  const { uidMappings: _, gidMappings: __, ...linux } = spec.linux;
  const { spec: mounted } = withMount({ options: ["bind", "idmap"] });
  expect(() => compile({ ...launch, spec: { ...mounted, linux: { ...linux, namespaces } } })).toThrow(
    'mount "/m": idmap without mappings needs a user namespace',
  );
});

test("a kernel that wants layers attached somewhere is given the options of mount(2), too", () => {
  const [detached] = found(compile(), "overlay");
  const [attached] = found(compile(launch, { ...features, kernelVersion: [6, 14] }), "overlay");
  expect(detached?.mountOptions).toBeUndefined();
  expect(attached?.mountOptions).toStartWith(
    "lowerdir=l/2:l/1,upperdir=/var/lib/berth/containers/box/upper,",
  );
});

test("a kernel that cannot do it is named", () => {
  expect(() => compile(launch, { ...features, kernel: "5.10.0-9", kernelVersion: [5, 10] })).toThrow(
    "this kernel is 5.10.0-9",
  );
});

test("its plan is explained step by step; a script of it is refused, with the reason", () => {
  const table = explainPlan(compile(withMount({ options: ["bind", "idmap"] })), "table");
  expect(table).toContain("stage  oom-score");
  expect(table).toContain('write(uid_map, "0 100000 65536")');
  expect(() => explainPlan(compile(), "sh")).toThrow("can neither map the ids of a mount");
});
