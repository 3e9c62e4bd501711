import { expect, test } from "bun:test";
import { CAPABILITIES, DEFAULT_CAPABILITIES } from "../runtime/capabilities.ts";
import { defaultSpec } from "../runtime/defaults.ts";
import type { ContainerConfig, HostConfig, Mount } from "../wire/schema.ts";
import { type OciContext, toOci } from "./oci.ts";

const FILES = { hosts: "/c/hosts", hostname: "/c/hostname", resolvConf: "/c/resolv.conf" };
const CONTEXT: OciContext = {
  defaults: defaultSpec(),
  capabilities: { all: CAPABILITIES, defaults: DEFAULT_CAPABILITIES },
  files: FILES,
  join: {},
  unifiedCgroups: false,
  cgroupsPath: "/berth/id",
  findDevices: (path) =>
    path === "/dev/fuse" ? [{ type: "c", path, major: 10, minor: 229 }] : path === "/dev" ? [] : undefined,
  findDevice: (path) => (path === "/dev/vda" ? { major: 254, minor: 0 } : undefined),
};

function derive(
  hostConfig: HostConfig = {},
  config: ContainerConfig = {},
  context: Partial<OciContext> = {},
) {
  const image = { id: "sha256:1", layers: ["l/1"], platform: { os: "linux", architecture: "amd64" } };
  const whole = { Cmd: ["sh", "-c", "true"], Hostname: "box", ...config };
  return toOci(
    { config: whole, hostConfig: { NetworkMode: "bridge", ...hostConfig }, image },
    { ...CONTEXT, ...context },
  );
}

const mountAt = (hostConfig: HostConfig, path: string, context: Partial<OciContext> = {}) =>
  derive(hostConfig, {}, context).mounts?.filter(({ destination }) => destination === path);
const typesOf = (hostConfig: HostConfig, context: Partial<OciContext> = {}) =>
  derive(hostConfig, {}, context).linux.namespaces.map(({ type, path }) => (path ? `${type}=${path}` : type));

test("what asks for nothing gets docker's defaults", () => {
  const { process, linux, hostname, root } = derive();
  expect(hostname).toBe("box");
  expect(root.readonly).toBe(false);
  expect(process).toMatchObject({
    args: ["sh", "-c", "true"],
    cwd: "/",
    terminal: false,
    noNewPrivileges: false,
  });
  expect(process.capabilities?.effective?.toSorted()).toEqual([...DEFAULT_CAPABILITIES].toSorted());
  expect(process.capabilities).toMatchObject({ inheritable: [], ambient: [] });
  expect(linux.seccomp).toEqual({ profile: "default" });
  expect(linux.maskedPaths).toContain("/proc/kcore");
  expect(linux.resources?.devices?.[0]).toEqual({ allow: false, type: "a", access: "rwm" });
  expect(linux.sysctl).toEqual({
    "net.ipv4.ip_unprivileged_port_start": "0",
    "net.ipv4.ping_group_range": "0 2147483647",
  });
});

test.each<[string, HostConfig, string[]]>([
  ["by default", {}, ["mount", "network", "pid", "ipc", "uts"]],
  ["without a network", { NetworkMode: "none" }, ["mount", "network", "pid", "ipc", "uts"]],
  ["of the host", { NetworkMode: "host", PidMode: "host", IpcMode: "host", UTSMode: "host" }, ["mount"]],
  [
    "with control groups of its own",
    { CgroupnsMode: "private" },
    ["mount", "network", "pid", "ipc", "uts", "cgroup"],
  ],
])("namespaces %s", (_, hostConfig, types) => {
  expect(typesOf(hostConfig)).toEqual(types);
});

test("namespaces of other containers are joined by path", () => {
  const join = { network: "/n", ipc: "/i", pid: "/p" };
  const modes = { NetworkMode: "container:a", IpcMode: "container:b", PidMode: "container:c" };
  expect(typesOf(modes, { join })).toEqual(["mount", "network=/n", "pid=/p", "ipc=/i", "uts"]);
});

test("control groups of version 2 are private by default", () => {
  expect(typesOf({}, { unifiedCgroups: true })).toContain("cgroup");
  expect(typesOf({ CgroupnsMode: "host" }, { unifiedCgroups: true })).not.toContain("cgroup");
});

test("privileged: all capabilities, no filter, nothing masked, /sys writable, all devices", () => {
  const { process, linux, mounts } = derive({ Privileged: true });
  expect(process.capabilities?.bounding).toEqual([...CAPABILITIES]);
  expect(linux.seccomp).toBeUndefined();
  expect(linux.maskedPaths).toEqual([]);
  expect(linux.readonlyPaths).toEqual([]);
  expect(linux.resources?.devices?.at(-1)).toEqual({ allow: true, access: "rwm" });
  for (const path of ["/sys", "/sys/fs/cgroup"])
    expect(mounts?.find(({ destination }) => destination === path)?.options).not.toContain("ro");
});

test("the container's own files are mounted, unless the user has others", () => {
  const paths = (hostConfig: HostConfig) => derive(hostConfig).mounts?.flatMap(({ source }) => source ?? []);
  expect(paths({})).toEqual(expect.arrayContaining(["/c/hosts", "/c/hostname", "/c/resolv.conf"]));
  expect(paths({ Binds: ["/mine:/etc/hosts"] })).not.toContain("/c/hosts");
});

test("a mount of the user's replaces the default at its place, a /dev all that is below it", () => {
  expect(mountAt({ Tmpfs: { "/dev/shm": "size=1m" } }, "/dev/shm")).toHaveLength(1);
  expect(mountAt({ Binds: ["/dev:/dev"] }, "/dev/pts")).toEqual([]);
});

test.each<[string, HostConfig, object[]]>([
  ["64 MB", {}, [{ type: "tmpfs", options: expect.arrayContaining(["size=67108864"]) }]],
  [
    "as large as asked",
    { ShmSize: 4096 },
    [{ type: "tmpfs", options: expect.arrayContaining(["size=4096"]) }],
  ],
  ["the host's", { IpcMode: "host" }, [{ type: "bind", source: "/dev/shm" }]],
  ["absent", { IpcMode: "none" }, []],
])("/dev/shm is %s", (_, hostConfig, expected) => {
  expect(mountAt(hostConfig, "/dev/shm")).toMatchObject(expected);
});

test("/dev/shm of a shared IPC namespace is that of its owner", () => {
  expect(mountAt({ IpcMode: "container:a" }, "/dev/shm", { sharedShm: "/run/shm/a" })).toMatchObject([
    { type: "bind", source: "/run/shm/a" },
  ]);
});

test("binds carry their options", () => {
  expect(mountAt({ Binds: ["/a:/b:ro,rslave"] }, "/b")).toEqual([
    { type: "bind", source: "/a", destination: "/b", options: ["rbind", "rro", "rslave", "x-make-source"] },
  ]);
  expect(mountAt({ Binds: ["/a:/b:rw,shared"] }, "/b")).toMatchObject([
    { options: ["rbind", "shared", "x-make-source"] },
  ]);
  expect(derive({ Binds: ["/a:/b:shared"] }).linux.rootfsPropagation).toBe("rprivate");
});

test.each<[string, NonNullable<Mount["BindOptions"]>, readonly string[]]>([
  ["enabled", {}, ["rbind", "rro", "rprivate"]],
  ["disabled", { NonRecursive: true }, ["bind", "rro", "rprivate"]],
  ["writable", { ReadOnlyNonRecursive: true }, ["rbind", "ro", "rprivate"]],
  ["readonly", { ReadOnlyForceRecursive: true }, ["rbind", "rro", "rprivate"]],
])("a read-only bind with bind-recursive=%s has its options", (_, BindOptions, options) => {
  const mount = { Type: "bind", Source: "/a", Target: "/b", ReadOnly: true, BindOptions } as const;
  expect(mountAt({ Mounts: [mount] }, "/b")).toMatchObject([{ options }]);
});

test("limits and user, groups, directory, score, terminal size", () => {
  const { process, linux } = derive(
    {
      Memory: 64 << 20,
      MemorySwap: 128 << 20,
      NanoCpus: 1.5e9,
      PidsLimit: 7,
      BlkioDeviceReadBps: [{ Path: "/dev/vda", Rate: 1000 }],
      OomScoreAdj: 100,
      GroupAdd: ["wheel"],
      Ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }],
      ConsoleSize: [24, 80],
    },
    { User: "ada", WorkingDir: "/srv", Tty: true },
  );
  expect(linux.resources).toMatchObject({
    memory: { limit: 64 << 20, swap: 128 << 20 },
    cpu: { quota: 150_000, period: 100_000 },
    pids: { limit: 7 },
    blockIO: { throttleReadBpsDevice: [{ major: 254, minor: 0, rate: 1000 }] },
  });
  expect(process).toMatchObject({
    user: { username: "ada", additionalGroups: ["wheel"] },
    cwd: "/srv",
    oomScoreAdj: 100,
    rlimits: [{ type: "RLIMIT_NOFILE", soft: 1, hard: 2 }],
    terminal: true,
    consoleSize: { height: 24, width: 80 },
  });
});

test("a device is made, and allowed as asked", () => {
  const { linux } = derive({
    Devices: [{ PathOnHost: "/dev/fuse", PathInContainer: "/dev/f", CgroupPermissions: "r" }],
    DeviceCgroupRules: ["c 1:* rw"],
  });
  expect(linux.devices).toEqual([{ type: "c", path: "/dev/f", major: 10, minor: 229 }]);
  expect(linux.resources?.devices?.slice(-2)).toEqual([
    { allow: true, type: "c", major: 10, minor: 229, access: "r" },
    { allow: true, type: "c", major: 1, minor: -1, access: "rw" },
  ]);
});

test.each<[string, HostConfig, string]>([
  ["capability", { CapAdd: ["FLY"] }, 'invalid CapAdd: unknown capability: "CAP_FLY"'],
  ["ulimit", { Ulimits: [{ Name: "wishes", Soft: 1, Hard: 1 }] }, "invalid ulimit type: wishes"],
  [
    "ulimit order",
    { Ulimits: [{ Name: "nofile", Soft: 2, Hard: 1 }] },
    "soft limit must be less than or equal to hard",
  ],
  ["device", { Devices: [{ PathOnHost: "/dev/none" }] }, "no such file or directory"],
  ["device rule", { DeviceCgroupRules: ["x"] }, "invalid device cgroup rule format: 'x'"],
  ["block device", { BlkioDeviceReadBps: [{ Path: "/dev/none", Rate: 1 }] }, "no such device"],
  ["security option", { SecurityOpt: ["magic"] }, 'invalid --security-opt 2: "magic"'],
  ["profile by name", { SecurityOpt: ["seccomp=mine.json"] }, "opening seccomp profile (mine.json) failed"],
  ["AppArmor", { SecurityOpt: ["apparmor=mine"] }, "does not support AppArmor profiles yet"],
  ["sysctl of the host", { Sysctls: { "kernel.panic": "1" } }, "is not in a separate kernel namespace"],
  [
    "sysctl of a shared network",
    { NetworkMode: "host", Sysctls: { "net.ipv4.ip_forward": "1" } },
    "is not in a separate",
  ],
  ["sysctl with a line break", { Sysctls: { "net.x": "1\n2" } }, "is malformed"],
  ["sysctl that climbs", { Sysctls: { "net/../kernel.panic": "1" } }, "is malformed"],
])("an unknown or impossible %s is refused", (_, hostConfig, message) => {
  expect(() => derive(hostConfig)).toThrow(message);
});

test.each<[string, HostConfig, object]>([
  ["all but one", { CapAdd: ["ALL"], CapDrop: ["net_raw"] }, { has: "CAP_SYS_ADMIN", not: "CAP_NET_RAW" }],
  ["only one", { CapAdd: ["CAP_NET_ADMIN"], CapDrop: ["ALL"] }, { has: "CAP_NET_ADMIN", not: "CAP_CHOWN" }],
  [
    "one more and one less",
    { CapAdd: ["SYS_TIME"], CapDrop: ["CHOWN"] },
    { has: "CAP_SYS_TIME", not: "CAP_CHOWN" },
  ],
])("capabilities: %s", (_, hostConfig, expected) => {
  const names = derive(hostConfig).process.capabilities?.effective ?? [];
  const { has, not } = expected as { has: string; not: string };
  expect(names).toContain(has);
  expect(names).not.toContain(not);
});

test("security options are read", () => {
  const { process, linux } = derive({
    SecurityOpt: [
      "no-new-privileges",
      "seccomp={}",
      "systempaths=unconfined",
      "label=disable",
      "apparmor:unconfined",
    ],
  });
  expect(process.noNewPrivileges).toBe(true);
  expect(linux.seccomp).toEqual({ profile: { json: "{}" } });
  expect(linux.maskedPaths).toEqual([]);
});

test("in a user namespace its mappings are named, our files are its root's, and what is not mapped is left out", () => {
  const ids = [{ containerID: 0, hostID: 100_000, size: 3 }];
  const spec = {
    config: { Cmd: ["true"], Hostname: "box" },
    hostConfig: { NetworkMode: "none", Binds: ["/a:/a:idmap", "/b:/b"] },
    image: { id: "sha256:1", layers: ["l/1"], platform: { os: "linux", architecture: "amd64" } },
    idMap: { uid: ids, gid: ids },
  };
  const { linux, mounts = [] } = toOci(spec, CONTEXT);
  expect(linux.namespaces).toContainEqual({ type: "user" });
  expect([linux.uidMappings, linux.gidMappings]).toEqual([ids, ids]);
  const optionsAt = (path: string) => mounts.find(({ destination }) => destination === path)?.options;
  expect(optionsAt("/etc/hosts")).toContain("idmap");
  expect(optionsAt("/a")).toContain("idmap");
  expect(optionsAt("/b")).not.toContain("idmap");
  expect(optionsAt("/dev/pts")).not.toContain("gid=5");
  expect(linux.sysctl?.["net.ipv4.ping_group_range"]).toBe("0 2");
  const joined = toOci(spec, { ...CONTEXT, join: { user: "/proc/7/ns/user" } });
  expect(joined.linux.namespaces).toContainEqual({ type: "user", path: "/proc/7/ns/user" });
});
