import { expect, test } from "bun:test";
import { decodeAs } from "./shape.ts";
import { CONTAINER_CREATE } from "./shapes.ts";

const MOUNTS = [
  { Type: "bind", Source: "/a", Target: "/b", ReadOnly: true, BindOptions: { Propagation: "rslave" } },
  { Type: "tmpfs", Target: "/c", TmpfsOptions: { SizeBytes: 4096, Mode: 0o700, Options: [["noexec"]] } },
];

test.each([
  ["texts and lists", { Image: "x", Cmd: ["a"], Env: ["A=b"], Entrypoint: null }],
  ["maps", { Labels: { a: "b" }, ExposedPorts: { "80/tcp": {} } }],
  ["numbers and switches", { HostConfig: { Memory: -1, Init: true, OomKillDisable: false } }],
  ["mounts", { HostConfig: { Mounts: MOUNTS } }],
  ["ports", { HostConfig: { PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "80" }] } } }],
  ["limits", { HostConfig: { Ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }], ConsoleSize: [0, 0] } }],
  ["health", { Healthcheck: { Test: ["NONE"], Interval: 1_000_000_000 } }],
  [
    "networks",
    { NetworkingConfig: { EndpointsConfig: { bridge: { IPAMConfig: { IPv4Address: "1.2.3.4" } } } } },
  ],
  ["what it does not know", { Future: { a: 1 }, HostConfig: { KernelMemory: 5 } }],
])("a create request keeps %s", (_, request) => {
  expect(decodeAs(CONTAINER_CREATE, request)).toEqual(request);
});

test("a command may be one text, and names may be written in any case", () => {
  expect(decodeAs(CONTAINER_CREATE, { cmd: "ls", image: "x" })).toEqual({ Cmd: ["ls"], Image: "x" });
});

test("a field called __proto__ is a field", () => {
  const decoded = decodeAs(
    CONTAINER_CREATE,
    JSON.parse('{"Labels":{"__proto__":"x"},"__proto__":{"Image":"y"}}'),
  );
  expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
  expect((decoded as { Image?: string }).Image).toBeUndefined();
});

test.each([
  [{ HostConfig: { Mounts: [{ Type: 5 }] } }, "HostConfig.Mounts[0].Type must be a string, not 5"],
  [{ Cmd: [1] }, "Cmd[0] must be a string, not 1"],
  [{ Labels: ["a=b"] }, "Labels must be an object, not a list"],
  [{ Labels: { a: {} } }, "Labels.a must be a string, not an object"],
  [{ Tty: "yes" }, 'Tty must be true or false, not "yes"'],
  [{ HostConfig: { Memory: 1e300 } }, "HostConfig.Memory must be an integer, not 1e+300"],
])("%j names the wrong field", (request, message) => {
  expect(() => decodeAs(CONTAINER_CREATE, request)).toThrow(`invalid JSON: ${message}`);
});
