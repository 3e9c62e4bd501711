import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { type CgroupLayout, parseCgroupLayout } from "../kernel/cgroup-layout.ts";
import type { Features } from "../kernel/features.ts";
import { defaultSpec } from "./defaults.ts";
import { MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from "./mount-options.ts";
import type { Op } from "./op.ts";
import { compileExecPlan, compilePlan } from "./plan.ts";
import { CLONE } from "./plan-namespaces.ts";
import { sysctlPath } from "./plan-sysctls.ts";
import type { ExecLaunch, Launch } from "./runtime.ts";
import type { Spec } from "./spec.ts";

const v1Lines = ["cpu,cpuacct", "cpuset", "memory", "devices", "pids", "name=systemd"].map((options) => {
  const name = options === "name=systemd" ? "systemd" : options;
  return `30 25 0:26 / /sys/fs/cgroup/${name} rw - cgroup cgroup rw,${options}`;
});
const layouts = {
  v1: parseCgroupLayout(v1Lines.join("\n"), ""),
  v2: parseCgroupLayout("30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw", "cpuset cpu io memory pids"),
  hybrid: parseCgroupLayout(
    [...v1Lines, "50 25 0:50 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"].join("\n"),
    "hugetlb",
  ),
};
const features = (cgroups: CgroupLayout): Features => ({
  kernel: "6.1.0",
  kernelVersion: [6, 1],
  architecture: "x86_64",
  cpus: 2,
  memoryBytes: 1 << 30,
  swapBytes: 0,
  cgroups: { ...cgroups, swapAccounting: true },
  filesystems: ["overlay", "tmpfs"],
  seccomp: true,
  boundingSet: 0x1ff_feff_ffffn, // without CAP_SYS_RESOURCE
  hardLimits: {},
  oomScoreAdjust: 0,
});

const defaults = defaultSpec();
const spec: Spec = {
  ociVersion: "1.2.0",
  hostname: "box",
  process: {
    args: ["sh", "-c", "true"],
    env: ["PATH=/bin"],
    cwd: "/",
    user: { uid: 0, gid: 0, username: "" },
    capabilities: {
      bounding: defaults.capabilities,
      effective: defaults.capabilities,
      permitted: defaults.capabilities,
    },
  },
  root: { path: "" },
  mounts: defaults.mounts,
  linux: {
    namespaces: defaults.namespaces,
    cgroupsPath: "/berth/box",
    resources: { devices: defaults.deviceRules, memory: { limit: 64 << 20 } },
    maskedPaths: defaults.maskedPaths,
    readonlyPaths: defaults.readonlyPaths,
    seccomp: { profile: "default" },
    rootfsPropagation: "rprivate",
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
    volatile: false,
    mountpoint: "/run/berth/root",
  },
  supervision: {
    runDirectory: "/run/berth/c/box",
    openStdin: false,
    stdinOnce: false,
    init: false,
    log: { path: "/var/lib/berth/containers/box/box-json.log", maxBytes: 10 << 20, maxFiles: 3 },
    spillDirectory: "/var/lib/berth/containers/box",
    waitForStart: true,
  },
};
const bridge = {
  afterClone: () => Promise.resolve(),
  inside: [{ label: "ip link set lo up", messages: new Uint8Array(8), count: 1 }],
};
const withSpec = (change: Partial<Spec>): Launch => ({ ...launch, spec: { ...spec, ...change } });
const withProcess = (change: Partial<Spec["process"]>) =>
  withSpec({ process: { ...spec.process, ...change } });
const withLinux = (change: Partial<Spec["linux"]>) => withSpec({ linux: { ...spec.linux, ...change } });
const compile = (what: Launch = launch, where: CgroupLayout = layouts.v1) =>
  compilePlan(what, features(where));

const exec: ExecLaunch = {
  id: "x",
  container: launch,
  target: { pid: 42, startTime: 4242n },
  process: { ...spec.process, args: ["id"], cwd: "/tmp", user: { uid: 0, gid: 0, username: "alice" } },
  seccomp: { profile: "default" },
  supervision: { ...launch.supervision, runDirectory: "/run/berth/x/x", openStdin: true, stdinOnce: true },
  cgroup: "/berth/box",
};

/** One line for each op: its name, then its operands. */
function text(ops: readonly Op[]): string {
  return ops.map(({ op, ...rest }) => `${op} ${JSON.stringify(rest, plain)}\n`).join("");
}

function plain(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const original = this[key];
  if (typeof original === "bigint") return `0x${original.toString(16)}`;
  return original instanceof Uint8Array ? `${original.length} bytes` : value;
}

/** `BERTH_GOLDEN=write bun test` writes them anew; the difference is for the reviewer. */
test.each<[string, readonly Op[]]>([
  ["v1", compile()],
  ["v2", compile(withLinux({ namespaces: [...defaults.namespaces, { type: "cgroup" }] }), layouts.v2)],
  ["hybrid", compile({ ...launch, network: bridge }, layouts.hybrid)],
  [
    "terminal",
    compile(withProcess({ terminal: true, noNewPrivileges: true, consoleSize: { height: 24, width: 80 } })),
  ],
  ["exec", compileExecPlan(exec, features(layouts.v1))],
  ["exec-v2", compileExecPlan(exec, features(layouts.v2))],
])("the plan of %s is what its golden file holds", (name, ops) => {
  const path = `${import.meta.dir}/golden/${name}.txt`;
  if (process.env["BERTH_GOLDEN"] === "write") writeFileSync(path, text(ops));
  expect(text(ops)).toBe(readFileSync(path, "utf8"));
});

const order = (ops: readonly Op[], ...names: readonly Op["op"][]) =>
  names.map((name) => ops.findIndex(({ op }) => op === name));
const ascending = (places: readonly number[]) =>
  places.every((place, index) => place >= 0 && place > (places[index - 1] ?? -1));

describe("the order", () => {
  test("without no_new_privs the filter is loaded while we may, then rights go", () => {
    expect(
      ascending(order(compile(), "pivot", "cwd", "bounding", "user", "seccomp", "capabilities", "exec")),
    ).toBe(true);
  });

  test("with no_new_privs the filter is the last thing before exec", () => {
    const ops = compile(withProcess({ noNewPrivileges: true }));
    expect(ascending(order(ops, "bounding", "user", "capabilities", "no-new-privs", "seccomp", "exec"))).toBe(
      true,
    );
  });

  test("the engine makes its side of the network while the child mounts; what is sent inside waits for it", () => {
    expect(
      ascending(
        order(
          compile({ ...launch, network: bridge }),
          "clone",
          "mount",
          "pivot",
          "barrier",
          "netlink",
          "seccomp",
        ),
      ),
    ).toBe(true);
  });

  test("without an engine's side nothing waits for it", () => {
    const { inside } = bridge;
    expect(ascending(order(compile({ ...launch, network: { inside } }), "netlink", "barrier", "exec"))).toBe(
      true,
    );
    const free = {
      ...launch,
      network: { inside },
      supervision: { ...launch.supervision, waitForStart: false },
    };
    expect(order(compile(free), "barrier")).toEqual([-1]);
  });

  test("nobody moves another process between groups: the child joins, before it can see its cgroup namespace", () => {
    const ops = compile(withLinux({ namespaces: [...defaults.namespaces, { type: "cgroup" }] }));
    const procs = ops.filter((op) => op.op === "write" && op.path.endsWith("cgroup.procs"));
    expect(procs).toEqual([]);
    const joins = ops.flatMap((op, index) =>
      op.op === "write" && op.path.endsWith("/tasks") ? [index] : [],
    );
    const [clone = 0, unshare = 0] = order(ops, "clone", "unshare");
    expect(joins.every((index) => index > clone && index < unshare)).toBe(true);
  });

  test("a pid namespace of others is joined by the clone behind which nothing is left to take; the terminal is that one's", () => {
    const path = "/proc/7/ns/x";
    const namespaces = [
      { type: "mount" },
      { type: "uts" },
      { type: "network", path },
      { type: "pid", path },
    ] as const;
    const shared = withSpec({
      process: { ...spec.process, terminal: true },
      linux: { ...spec.linux, namespaces },
    });
    const ops = compilePlan(shared, { ...features(layouts.v1), kernelVersion: [6, 18] });
    const pid = ops.findLastIndex((op) => op.op === "join");
    const [clone = 0, root = 0, ...last] = order(
      ops,
      "clone",
      "root",
      "user",
      "capabilities",
      "enter",
      "exec",
    );
    expect(ascending([clone, ops.findIndex((op) => op.op === "join"), pid, root, ...last])).toBe(true);
    expect(ops[pid]).toMatchObject({ type: CLONE.pid });
    expect(ops.find((op) => op.op === "console")).toMatchObject({ bind: true, entering: true });
    const proc = ops.find((op) => op.op === "mount" && op.target === "/proc");
    expect(proc).toMatchObject({ data: "pidns=/proc/self/ns/pid_for_children" });
  });

  test("where the clone takes the host's rights away, or an older kernel knows no other way, it is born into a pid namespace of others at once", () => {
    const path = "/proc/7/ns/x";
    const ids = [{ containerID: 0, hostID: 100000, size: 65536 }];
    const namespaces = [{ type: "mount" }, { type: "uts" }, { type: "user" }, { type: "pid", path }] as const;
    const ops = compile(withLinux({ namespaces, uidMappings: ids, gidMappings: ids }));
    const older = compile(withLinux({ namespaces: namespaces.filter(({ type }) => type !== "user") }));
    for (const plan of [ops, older]) {
      const [join = 0, clone = 0] = order(plan, "join", "clone");
      expect(join).toBeLessThan(clone);
      expect(plan.some(({ op }) => op === "enter")).toBe(false);
    }
  });

  test("new clocks are set before the clone is born into them; the others' mounts are entered last", () => {
    const ops = compile(
      withLinux({
        namespaces: [
          { type: "mount", path: "/m" },
          { type: "time" },
          { type: "uts", path: "/u" },
          { type: "cgroup" },
          { type: "network" },
        ],
        timeOffsets: { monotonic: { secs: -5, nanosecs: 7 }, boottime: {} },
      }),
    );
    expect(ascending(order(ops, "unshare", "clone", "root"))).toBe(true);
    expect(ops.find((op) => op.op === "write" && op.path.endsWith("timens_offsets"))).toMatchObject({
      data: "monotonic -5 7\nboottime 0 0\n",
    });
    expect(ops.findLast(({ op }) => op === "join")).toMatchObject({ path: "/m" });
    expect(order(ops, "propagation", "pivot")).toEqual([-1, -1]);
    expect(order(ops, "chroot")[0]).toBeGreaterThan(0);
    expect(ops.find(({ op }) => op === "clone")).toMatchObject({ flags: 0x40000000 });
  });

  test("an exec joins the clocks where the container has its own", () => {
    const timed = withLinux({ namespaces: [...defaults.namespaces, { type: "time" }] });
    const flags = (container: Launch) =>
      compileExecPlan({ ...exec, container }, features(layouts.v1)).flatMap((op) =>
        op.op === "join-process" ? [op.flags & 0x80] : [],
      );
    expect([flags(launch).at(-1), flags(timed).at(-1)]).toEqual([0, 0x80]);
  });
});

describe("identity", () => {
  const capabilities = ["CAP_SYS_RESOURCE", "CAP_CHOWN"];

  test("nobody gets what this engine does not have itself", () => {
    const ops = compile(
      withProcess({
        capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      }),
    );
    expect(ops.find(({ op }) => op === "bounding")).toEqual({ op: "bounding", mask: 1n });
    expect(ops.find(({ op }) => op === "capabilities")).toMatchObject({
      effective: 1n,
      permitted: 1n,
      inheritable: 0n,
      ambient: 0n,
    });
  });

  test("ambient is only what is permitted and inheritable", () => {
    const sets = {
      bounding: capabilities,
      permitted: ["CAP_CHOWN"],
      inheritable: [],
      ambient: ["CAP_CHOWN"],
    };
    expect(
      compile(withProcess({ capabilities: sets })).find(({ op }) => op === "capabilities"),
    ).toMatchObject({ ambient: 0n });
  });
});

test.each<[string, Launch, string]>([
  ["no mount namespace", withLinux({ namespaces: [{ type: "pid" }] }), "without a mount namespace"],
  [
    "an unknown option of a bind",
    withSpec({ mounts: [{ destination: "/x", type: "bind", source: "/x", options: ["rbind", "shiny"] }] }),
    '"shiny"',
  ],
  [
    "an option of the whole file system of a bind",
    withSpec({ mounts: [{ destination: "/x", type: "bind", source: "/x", options: ["rbind", "sync"] }] }),
    '"sync"',
  ],
  [
    "a copy into what is no tmpfs",
    withSpec({ mounts: [{ destination: "/x", type: "ramfs", options: ["tmpcopyup"] }] }),
    "tmpcopyup is for a tmpfs only",
  ],
  [
    "a remount with propagation",
    withSpec({ mounts: [{ destination: "/x", options: ["remount", "rslave"] }] }),
    "does not combine remount with propagation",
  ],
  [
    "a tmpfs over /proc",
    withSpec({ mounts: [{ destination: "/proc/../proc", type: "tmpfs" }] }),
    "not of type proc",
  ],
  [
    "a bind into /proc",
    withSpec({ mounts: [{ destination: "/proc/sys", type: "bind", source: "/x" }] }),
    "is inside /proc",
  ],
  [
    "a propagation that does not exist",
    withLinux({ rootfsPropagation: "toString" as "private" }),
    'unknown mount propagation "toString"',
  ],
  [
    "an unknown limit",
    withProcess({ rlimits: [{ type: "RLIMIT_LUCK", soft: 1, hard: 1 }] }),
    '"RLIMIT_LUCK"',
  ],
  [
    "a sysctl of the host",
    withLinux({ sysctl: { "kernel.core_pattern": "|/x" } }),
    "is not in a separate kernel namespace",
  ],
  [
    "a network sysctl with the host's network",
    withLinux({ namespaces: [{ type: "mount" }, { type: "uts" }], sysctl: { "net.ipv4.ip_forward": "1" } }),
    "not allowed in host network namespace",
  ],
  ["a name for the host", withLinux({ namespaces: [{ type: "mount" }] }), "without a private UTS namespace"],
  [
    "an ipc sysctl with the host's",
    withLinux({
      namespaces: [{ type: "mount" }, { type: "uts" }],
      sysctl: { "fs.mqueue.msg_max": "1" },
    }),
    "is not allowed in the hosts ipc namespace",
  ],
  [
    "a host name by sysctl",
    withLinux({ sysctl: { "kernel.hostname": "x" } }),
    'conflicts with the OCI "hostname" field',
  ],
  [
    "a domain name for the host",
    withSpec({
      hostname: "",
      domainname: "x",
      linux: { ...spec.linux, namespaces: [{ type: "mount" }] },
    }),
    "unable to set domainname without a private UTS namespace",
  ],
  [
    "a namespace twice",
    withLinux({ namespaces: [...defaults.namespaces, { type: "pid", path: "/x" }] }),
    'duplicated ns "pid"',
  ],
  [
    "an unknown namespace",
    withLinux({ namespaces: [{ type: "toString" as "pid" }] }),
    'unknown namespace type "toString"',
  ],
  [
    "other clocks without a time namespace",
    withLinux({ timeOffsets: { monotonic: { secs: 1 } } }),
    "only a new time namespace",
  ],
  [
    "other clocks of a time namespace that is there",
    withLinux({
      namespaces: [
        { type: "mount" },
        { type: "uts" },
        { type: "network" },
        { type: "ipc" },
        { type: "time", path: "/x" },
      ],
      timeOffsets: {},
    }),
    "only a new time namespace",
  ],
  [
    "a device of no type",
    withLinux({ devices: [{ type: "x" as "c", path: "/dev/x", major: 1, minor: 1 }] }),
    '"x" is not a valid device type for device /dev/x',
  ],
  [
    "a device without numbers",
    withLinux({ devices: [{ type: "b", path: "/dev/x" }] }),
    "major and minor number are missing",
  ],
  ["a sysctl with two lines", withLinux({ sysctl: { "net.ipv4.ip_forward": "1\n2" } }), "invalid sysctl"],
  ["a path as a sysctl", withLinux({ sysctl: { "net/../kernel/core_pattern": "x" } }), "invalid sysctl"],
  [
    "a seccomp action",
    withLinux({ seccomp: { profile: { json: '{"defaultAction":"SCMP_ACT_NOTIFY"}' } } }),
    "SCMP_ACT_NOTIFY",
  ],
])("%s is refused by name", (_, what, words) => {
  expect(() => compile(what)).toThrow(words);
});

test("who hands over the listener of an exec is made outside of the container's pid namespace", () => {
  const seccomp = { program: new Uint8Array(8), flags: 8, listener: { path: "/run/agent" } };
  const ops = compileExecPlan({ ...exec, seccomp }, features(layouts.v1));
  const joined = ops.findLastIndex(({ op }) => op === "join-process");
  expect(ops.findIndex(({ op }) => op === "seccomp-messenger")).toBeLessThan(joined);
  expect(ascending(order(ops, "clone", "seccomp-messenger", "seccomp", "enter"))).toBe(true);
});

test("a seccomp listener is connected to before the clone, and told of the process by number", () => {
  const seccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    listenerPath: "/run/agent",
    syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }],
  };
  const ops = compile({ ...withLinux({ seccomp }), bundle: "/bundle" });
  const op = ops.find((each) => each.op === "seccomp-listener");
  expect(ascending(order(ops, "seccomp-listener", "clone", "seccomp-messenger", "seccomp"))).toBe(true);
  expect(JSON.parse(op?.introduction.join("17") ?? "")).toEqual({
    ociVersion: "1.2.0",
    fds: ["seccompFd"],
    pid: 17,
    state: { ociVersion: "1.2.0", id: "box", status: "creating", pid: 17, bundle: "/bundle" },
  });
});

test("more layers than one mount takes are refused before anything is made", () => {
  const root = {
    ...launch.root,
    lower: Array.from({ length: 900 }, (_, index) => `l/${index}`),
  } as Launch["root"];
  expect(() => compile({ ...launch, root })).toThrow("900 layers");
});

test("a machine without control groups runs what asks for no limits", () => {
  const none: CgroupLayout = { mode: "none", hierarchies: [], v1: {}, swapAccounting: false };
  expect(() => compile(launch, none)).toThrow('the cgroup controller "memory" is not mounted');
  const ops = compile(withLinux({ resources: { devices: defaults.deviceRules } }), none);
  expect(ops.find(({ op }) => op === "clone")).toMatchObject({ cgroup: "" });
});

test("names that overlay would split are escaped", () => {
  const root = { ...launch.root, upper: "/a,b:c" } as Launch["root"];
  expect(compile({ ...launch, root }).find(({ op }) => op === "mount-host")).toMatchObject({
    data: expect.stringContaining("upperdir=/a\\,b\\:c"),
  });
});

describe("mounts", () => {
  const bindOf = (options: readonly string[], more: Partial<Spec["linux"]> = {}) =>
    compile(
      withSpec({
        mounts: [{ destination: "/x", type: "bind", source: "/s", options }],
        linux: { ...spec.linux, ...more },
      }),
    );
  const step = { recursive: false, set: 0, clear: 0, propagation: 0 };

  test.each<[string, readonly string[], readonly object[]]>([
    [
      "what docker asks for by default takes one call",
      ["rbind", "rro", "rprivate"],
      [{ ...step, recursive: true, set: 1, propagation: MS_PRIVATE }],
    ],
    [
      "a plain bind has nothing below",
      ["bind", "ro", "rnosuid", "rprivate"],
      [{ ...step, set: 3, propagation: MS_PRIVATE }],
    ],
    [
      "an option without r reaches the mount alone",
      ["rbind", "ro", "rprivate"],
      [
        { ...step, set: 1 },
        { ...step, recursive: true, propagation: MS_PRIVATE },
      ],
    ],
    [
      "a time replaces all others",
      ["rbind", "rnoatime"],
      [{ ...step, recursive: true, set: 0x10, clear: 0x70 }],
    ],
    ["the later word wins", ["rbind", "ro", "rw"], [{ ...step, clear: 1 }]],
    [
      "a slave can be shared further",
      ["rbind", "rslave", "rshared"],
      [
        { ...step, recursive: true, propagation: MS_SLAVE },
        { ...step, recursive: true, propagation: MS_SHARED },
      ],
    ],
    ["without options nothing is changed", [], []],
  ])("%s", (_, options, steps) => {
    expect(bindOf(options).find(({ op }) => op === "bind")).toMatchObject({ steps });
  });

  test("a bind that is shared is taken before the host's mounts are left, others are not", () => {
    expect(ascending(order(bindOf(["rbind", "rshared"]), "bind-source", "propagation", "bind"))).toBe(true);
    expect(order(bindOf(["rbind", "rprivate"]), "bind-source")).toEqual([-1]);
    const mounts = Array.from({ length: 65 }, (_each, index) => ({
      destination: `/${index}`,
      source: "/s",
      options: ["rbind", "rslave"],
    }));
    expect(() => compile(withSpec({ mounts }))).toThrow("more than 64 binds");
  });

  test.each<[Spec["linux"]["rootfsPropagation"], number, readonly object[]]>([
    ["private", MS_PRIVATE, []],
    ["rslave", MS_SLAVE, []],
    ["", MS_SLAVE, []],
    ["shared", MS_SLAVE, [{ ...step, propagation: MS_SHARED }]],
    ["rshared", MS_SLAVE, [{ ...step, recursive: true, propagation: MS_SHARED }]],
    ["unbindable", MS_PRIVATE, [{ ...step, propagation: MS_UNBINDABLE }]],
  ])("the host's mounts are never shared; the root is %p only behind the pivot", (asked, host, steps) => {
    const ops = compile(withLinux({ rootfsPropagation: asked }));
    expect(ops.find(({ op }) => op === "propagation")).toMatchObject({ flags: host | MS_REC });
    const behind = ops
      .slice(order(ops, "pivot")[0])
      .flatMap((op) => (op.op === "mount-attributes" ? op.steps : []));
    expect(behind).toEqual(steps as never);
  });

  test("what a mount was asked to be wins over a root that is shared with all below", () => {
    const ops = bindOf(["rbind", "rprivate"], { rootfsPropagation: "rshared" });
    const behind = ops.slice(order(ops, "pivot")[0]).filter(({ op }) => op === "mount-attributes");
    expect(behind).toMatchObject([{ path: "/" }, { path: "/x", steps: [{ propagation: MS_PRIVATE }] }]);
  });

  test("a relative source of a bind lies in the bundle; without one it is refused", () => {
    const what = withSpec({ mounts: [{ destination: "/x", type: "bind", source: "a/../b" }] });
    expect(compile({ ...what, bundle: "/bundle" }).find(({ op }) => op === "bind")).toMatchObject({
      source: "/bundle/b",
    });
    expect(() => compile(what)).toThrow('the source "a/../b" is not absolute');
  });

  test("a destination is relative to the root, and what is mounted onto the root is the root", () => {
    const ops = compile(withSpec({ mounts: [{ destination: "a/../..", type: "tmpfs" }] }));
    expect(ops.findLast(({ op }) => op === "root")).toMatchObject({ path: "/run/berth/root", bind: false });
    expect(ops.find(({ op }) => op === "mount")).toMatchObject({ target: "/" });
  });

  test("a file system on disk is opened read-only; what only mount(2) can say goes by it", () => {
    const mountOf = (options: readonly string[]) =>
      compile(withSpec({ mounts: [{ destination: "/x", type: "ext4", source: "/dev/sda", options }] })).find(
        ({ op }) => op === "mount",
      );
    expect(mountOf(["ro", "sync", "data=ordered"])).toMatchObject({
      data: "data=ordered,sync,ro",
      flags: 17,
    });
    expect(mountOf(["ro", "silent"])).toMatchObject({ data: "", classic: true, flags: 0x8001 });
    expect(mountOf(["iversion", "noiversion", "silent", "loud"])).not.toHaveProperty("classic");
  });
});

test.each<[string, string | undefined]>([
  ["net.ipv4.ip_forward", "net/ipv4/ip_forward"],
  ["net/ipv4/conf/eno2.100/rp_filter", "net/ipv4/conf/eno2.100/rp_filter"],
  ["net.ipv4.conf.eno2/100.rp_filter", "net/ipv4/conf/eno2.100/rp_filter"],
  ["net", undefined],
  ["net..x", undefined],
  ["net/../x", undefined],
  ["net/ ", undefined],
  ["", undefined],
])("the sysctl %p is the file %p", (name, path) => {
  expect(sysctlPath(name)).toBe(path);
});

test("where /dev is the host's nothing is made in it", () => {
  const mounts = [{ destination: "/dev", type: "bind", source: "/dev", options: ["rbind"] }];
  expect(order(compile(withSpec({ mounts })), "mknod", "symlink")).toEqual([-1, -1]);
});

describe("a process that is handed over", () => {
  const handover = { preserved: 2, console: true, keyring: "_ses.box", startFifo: "/run/oci/box/exec.fifo" };
  const handedOver = (what: Partial<typeof handover> = handover) =>
    compile({
      ...withProcess({ noNewPrivileges: true }),
      supervision: {
        ...launch.supervision,
        waitForStart: false,
        handover: { preserved: 0, console: false, ...what },
      },
    });
  const names = (ops: readonly Op[]) => ops.map(({ op }) => op);

  test("is a child of the caller's, with the caller's streams: no log, no spill", () => {
    const ops = handedOver();
    expect(names(ops).slice(0, 3)).toEqual(["supervise", "descriptors", "start-fifo"]);
    const flags = ops.flatMap((op) => (op.op === "clone" ? [op.flags] : []));
    expect(flags.map((each) => (each & 0x8000) !== 0)).toEqual([true]);
    expect(names(ops)).not.toContain("spill");
    expect(names(ops)).not.toContain("log");
  });

  test("is looked up as the user and before the filter, and waits as the last thing before exec", () => {
    expect(names(handedOver()).slice(-6)).toEqual([
      "capabilities",
      "find",
      "no-new-privs",
      "seccomp",
      "await-start",
      "exec",
    ]);
  });

  test("without a fifo it runs at once, and without further descriptors no op tells of them", () => {
    const ops = names(handedOver({}));
    for (const absent of ["descriptors", "start-fifo", "await-start", "keyring"])
      expect(ops).not.toContain(absent);
  });
});
