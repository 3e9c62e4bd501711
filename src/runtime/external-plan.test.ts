import { describe, expect, test } from "bun:test";
import { parseCgroupLayout } from "../kernel/cgroup-layout.ts";
import type { Features } from "../kernel/features.ts";
import { defaultSpec } from "./defaults.ts";
import { compileExternalExecPlan, compileExternalPlan, type ExternalRuntime } from "./external-plan.ts";
import type { Op } from "./op.ts";
import type { ExecLaunch, Launch } from "./runtime.ts";
import type { Spec } from "./spec.ts";

const MEMORY = "31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
const V2 = "50 25 0:50 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";
const features: Features = {
  kernel: "6.1.0",
  kernelVersion: [6, 1],
  architecture: "x86_64",
  cpus: 2,
  memoryBytes: 1 << 30,
  swapBytes: 0,
  cgroups: parseCgroupLayout(`${MEMORY}\n${V2}`, "hugetlb"),
  filesystems: ["overlay", "tmpfs"],
  seccomp: true,
  boundingSet: 0x1ff_feff_ffffn, // without CAP_SYS_RESOURCE
  hardLimits: {},
  oomScoreAdjust: 0,
};
const runtime: ExternalRuntime = {
  name: "other",
  path: "/usr/bin/other",
  args: ["--more"],
  stateDirectory: "/run/berth/r/other",
};
const defaults = defaultSpec();
const spec: Spec = {
  ociVersion: "1.2.0",
  process: {
    args: ["sh"],
    cwd: "/",
    user: { uid: 0, gid: 0, username: "alice:video", additionalGroups: ["audio"] },
    capabilities: { bounding: ["CAP_CHOWN", "CAP_SYS_RESOURCE"] },
  },
  root: { path: "" },
  mounts: [
    { destination: "/data", type: "bind", source: "/host/data", options: ["rbind", "x-make-source", "ro"] },
  ],
  linux: {
    namespaces: defaults.namespaces,
    cgroupsPath: "/berth/box",
    resources: { memory: { limit: 64 << 20 } },
    seccomp: { profile: "default" },
  },
};
const launch: Launch = {
  id: "box",
  spec,
  root: {
    kind: "overlay",
    lower: ["l/1"],
    layersDirectory: "/l",
    upper: "/c/upper",
    work: "/c/work",
    volatile: false,
    mountpoint: "/c/root",
  },
  supervision: {
    runDirectory: "/run/berth/c/box",
    openStdin: false,
    stdinOnce: false,
    init: false,
    spillDirectory: "/c",
    waitForStart: true,
  },
};
const exec: ExecLaunch = {
  id: "x",
  container: launch,
  target: { pid: 42, startTime: 4242n },
  process: { ...spec.process, terminal: true, consoleSize: { height: 20, width: 80 } },
  supervision: { ...launch.supervision, runDirectory: "/run/berth/x/x" },
  cgroup: "/berth/box",
};

type Of<Name extends Op["op"]> = Extract<Op, { op: Name }>;
const all = <Name extends Op["op"]>(ops: readonly Op[], name: Name) =>
  ops.filter((op): op is Of<Name> => op.op === name);
/** The file that the shim writes, with root as the user. */
const written = (ops: readonly Op[]) => {
  const [bundle] = all(ops, "bundle");
  return JSON.parse(`${bundle?.before}"uid":0,"gid":0,"additionalGids":[]${bundle?.behind}`);
};

describe("a plan for another runtime", () => {
  const ops = compileExternalPlan(launch, runtime, features);

  test("mounts nothing before the shim is in a namespace of its own, and calls the runtime behind the clone", () => {
    const order = [
      "unshare",
      "propagation",
      "mount-host",
      "clone",
      "root",
      "bundle",
      "runtime",
      "barrier",
      "runtime",
    ];
    expect(ops.map(({ op }) => op).filter((op) => order.includes(op))).toEqual(order as Op["op"][]);
  });

  test("calls create, then start, with the configuration's path and arguments and a fixed environment", () => {
    const log = ["--log", "/run/berth/c/box/log.json", "--log-format", "json"];
    const command = ["/usr/bin/other", "--root", "/run/berth/r/other", "--more", ...log];
    const place = ["--bundle", "/run/berth/c/box", "--pid-file", "/run/berth/c/box/pid"];
    expect(all(ops, "runtime").map(({ argv, makesProcess, last }) => ({ argv, makesProcess, last }))).toEqual(
      [
        { argv: [...command, "create", ...place, "box"], makesProcess: true, last: false },
        { argv: [...command, "start", "box"], makesProcess: false, last: true },
      ],
    );
    for (const { env } of all(ops, "runtime"))
      expect(env.map((variable) => variable.split("=")[0])).toEqual(["PATH", "HOME", "LC_ALL"]);
  });

  test("is born in the group of version 2 that a runtime of a hybrid machine leaves alone", () => {
    expect(all(ops, "clone")).toEqual([
      { op: "clone", flags: 0, cgroup: "/sys/fs/cgroup/unified/berth/box" },
    ]);
    const { v2: _, ...v1 } = features.cgroups;
    const without = compileExternalPlan(launch, runtime, { ...features, cgroups: v1 });
    expect(all(without, "clone")[0]?.cgroup).toBe("");
  });

  test("says the user to the shim, and the rest in the specification's own words", () => {
    expect(all(ops, "bundle")[0]).toMatchObject({ user: "alice:video", groups: ["audio"] });
    const config = written(ops);
    expect(config).toMatchObject({ ociVersion: "1.0.2", root: { path: "/c/root" } });
    expect(config.process.user).toEqual({ uid: 0, gid: 0, additionalGids: [] });
    expect(config.process.capabilities.bounding).toEqual(["CAP_CHOWN"]);
    expect(config.mounts[0].options).toEqual(["rbind", "ro"]);
    expect(config.linux.seccomp.defaultAction).toBe("SCMP_ACT_ERRNO");
    expect(config.linux.seccomp.profile).toBeUndefined();
  });

  test("sends the network's messages from inside of the network that the runtime made, and runs it from outside", () => {
    const inside = [{ label: "ip link set lo up", messages: new Uint8Array(4), count: 1 }];
    const network = { afterClone: () => Promise.resolve(), inside };
    const names = compileExternalPlan({ ...launch, network }, runtime, features).map(({ op }) => op);
    expect(names.slice(names.indexOf("barrier"))).toEqual([
      "barrier",
      "process-network",
      "netlink",
      "process-network",
      "runtime",
    ]);
  });

  test.each<[string, Launch]>([
    ["berth's init", { ...launch, supervision: { ...launch.supervision, init: true } }],
    ["user namespaces", withLinux({ namespaces: [...defaults.namespaces, { type: "user" }] })],
    ["id-mapped mounts", withMount(["bind", "idmap"])],
    ['the mount propagation "shared" of "/x"', withMount(["bind", "rshared"])],
    ['the mount propagation "shared"', withLinux({ rootfsPropagation: "rshared" })],
  ])("refuses %s by name", (words, refused) => {
    expect(() => compileExternalPlan(refused, runtime, features)).toThrow(words);
  });

  function withLinux(linux: Partial<Spec["linux"]>): Launch {
    return { ...launch, spec: { ...spec, linux: { ...spec.linux, ...linux } } };
  }

  function withMount(options: readonly string[]): Launch {
    return {
      ...launch,
      spec: { ...spec, mounts: [{ destination: "/x", type: "bind", source: "/y", options }] },
    };
  }
});

test("a plan of an exec finds the tables where the container's shim is, and asks for a terminal", () => {
  const ops = compileExternalExecPlan(exec, runtime, 41, features);
  expect(ops.map(({ op }) => op)).toEqual([
    "supervise",
    "spill",
    "clone",
    "join",
    "root",
    "bundle",
    "barrier",
    "runtime",
  ]);
  expect(all(ops, "join")[0]?.path).toBe("/proc/41/ns/mnt");
  expect(written(ops)).toMatchObject({ terminal: true, args: ["sh"] });
  expect(all(ops, "runtime")[0]).toMatchObject({ console: true, rows: 20, columns: 80, last: true });
});
