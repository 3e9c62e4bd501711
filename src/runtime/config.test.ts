import { describe, expect, test } from "bun:test";
import { parseConfig, parseProcess, parseResources } from "./config.ts";

const least = { ociVersion: "1.0.2", root: { path: "rootfs" }, process: { cwd: "/", args: ["true"] } };
const config = (more: Record<string, unknown> = {}) => JSON.stringify({ ...least, ...more });
const withProcess = (more: Record<string, unknown>) => config({ process: { ...least.process, ...more } });

describe("parseConfig()", () => {
  test("fills in what may be missing: root's user, no namespaces", () => {
    expect(parseConfig(config())).toEqual({
      ociVersion: "1.0.2",
      root: { path: "rootfs" },
      process: { cwd: "/", args: ["true"], user: { uid: 0, gid: 0 } },
      linux: { namespaces: [] },
    });
  });

  test("ignores fields that it does not know, and null, as Go programs write it", () => {
    const linux = { namespaces: null, shiny: true, resources: { memory: null, devices: null } };
    const spec = parseConfig(config({ shiny: 1, linux, hooks: null, annotations: { a: "b" } }));
    expect(spec.linux).toEqual({ namespaces: [], resources: {} });
    expect(spec.annotations).toEqual({ a: "b" });
    expect(spec).not.toHaveProperty("shiny");
    expect(spec).not.toHaveProperty("hooks");
  });

  test("ignores what is for other systems: sections of theirs, command line and user name of Windows", () => {
    const others = { windows: {}, solaris: { a: 1 }, zos: {}, freebsd: {} };
    const spec = parseConfig(
      config({
        ...others,
        process: { ...least.process, commandLine: "x", user: { uid: 5, gid: 6, username: "root" } },
      }),
    );
    expect(spec.process.user).toEqual({ uid: 5, gid: 6 });
  });

  test("does not let berth's own fields in: a profile by name, groups by name", () => {
    const seccomp = { defaultAction: "SCMP_ACT_ALLOW", profile: "default" };
    const spec = parseConfig(
      config({ linux: { seccomp }, process: { ...least.process, user: { additionalGroups: ["docker"] } } }),
    );
    expect(spec.linux.seccomp).toEqual({ defaultAction: "SCMP_ACT_ALLOW" });
    expect(spec.process.user).toEqual({ uid: 0, gid: 0 });
  });

  test("keeps 64 bits where each counts, and takes more than 2^53 for no limit elsewhere", () => {
    const most = "18446744073709551615";
    const text = config({
      process: { ...least.process, rlimits: [{ type: "RLIMIT_CORE", soft: "MOST", hard: "MOST" }] },
      linux: {
        seccomp: {
          defaultAction: "SCMP_ACT_ALLOW",
          syscalls: [{ names: ["a"], action: "x", args: [{ index: 0, value: "MOST", op: "x" }] }],
        },
        resources: {
          memory: { limit: 9_223_372_036_854_771_712, swap: -1 },
          hugepageLimits: [{ pageSize: "2MB", limit: "MOST" }],
        },
      },
    }).replaceAll('"MOST"', most);
    const { process, linux } = parseConfig(text);
    expect(process.rlimits?.[0]).toMatchObject({ soft: 2n ** 64n - 1n, hard: 2n ** 64n - 1n });
    expect(linux.seccomp).toMatchObject({ syscalls: [{ args: [{ value: 2n ** 64n - 1n }] }] });
    expect(linux.resources?.memory).toEqual({ limit: 9_223_372_036_854_771_712, swap: -1 });
    expect(linux.resources?.hugepageLimits?.[0]?.limit).toBeLessThan(2 ** 63);
  });
});

test.each<[string, string]>([
  ["", "this is no JSON"],
  ["[1]", "config.json: expected an object, not [1]"],
  ["{}", "ociVersion: is missing"],
  [config({ ociVersion: "2.0.0" }), "ociVersion: 2.0.0 is none that berth knows"],
  [config({ ociVersion: "newest" }), 'ociVersion: expected a version as 1.2.0, not "newest"'],
  [config({ process: undefined }), "process: is missing"],
  [config({ root: undefined }), "root: is missing"],
  [config({ root: {} }), "root.path: is missing"],
  [config({ root: { path: 1 } }), "root.path: expected a string, not 1"],
  [config({ vm: { kernel: { path: "/k" } } }), "vm: this runtime runs containers"],
  [withProcess({ cwd: undefined }), "process.cwd: is missing"],
  [withProcess({ args: "true" }), 'process.args: expected a list, not "true"'],
  [withProcess({ args: ["true", 1] }), "process.args[1]: expected a string, not 1"],
  [withProcess({ terminal: "yes" }), 'process.terminal: expected true or false, not "yes"'],
  [
    withProcess({ user: { uid: "x" } }),
    'process.user.uid: expected an integer from 0 to 4294967295, not "x"',
  ],
  [withProcess({ user: { uid: -1 } }), "process.user.uid: expected an integer from 0 to 4294967295, not -1"],
  [
    withProcess({ user: { gid: 4294967296 } }),
    "process.user.gid: expected an integer from 0 to 4294967295, not 4294967296",
  ],
  [
    withProcess({ user: { additionalGids: [1, 1.5] } }),
    "process.user.additionalGids[1]: expected an integer",
  ],
  [withProcess({ oomScoreAdj: 1e300 }), "process.oomScoreAdj: expected an integer"],
  [withProcess({ rlimits: [{ type: "RLIMIT_CORE", soft: 0 }] }), "process.rlimits[0].hard: is missing"],
  [
    config({ linux: { resources: { rdma: { mlx: { hcaHandles: -2 } } } } }),
    "linux.resources.rdma.mlx.hcaHandles: expected an integer from 0",
  ],
  [config({ linux: { sysctl: { "net.a": 1 } } }), "linux.sysctl.net.a: expected a string, not 1"],
  [config({ linux: { namespaces: [{ path: "/x" }] } }), "linux.namespaces[0].type: is missing"],
  [config({ hooks: { poststop: [{ args: [] }] } }), "hooks.poststop[0].path: is missing"],
  [
    config({ mounts: [{ destination: { deep: "x".repeat(100) } }] }),
    'mounts[0].destination: expected a string, not {"deep":"xxx',
  ],
  [`${config()} `.padEnd((4 << 20) + 1), "the JSON text is longer than 4194304 bytes"],
])("what has no right form is refused by the path of its field: %.60s: %s", (text, words) => {
  expect(() => parseConfig(text)).toThrow(words);
});

test("a process alone and resources alone are checked by the same fields", () => {
  expect(parseProcess('{"cwd":"/","args":["id"],"user":{"uid":7,"gid":8,"username":"x"}}')).toEqual({
    cwd: "/",
    args: ["id"],
    user: { uid: 7, gid: 8 },
  });
  expect(() => parseProcess('{"args":[]}')).toThrow("process.cwd: is missing");
  expect(parseResources('{"pids":{"limit":5},"memory":null}')).toEqual({ pids: { limit: 5 } });
  expect(() => parseResources('{"cpu":{"shares":-5}}')).toThrow(
    "linux.resources.cpu.shares: expected an integer",
  );
});
