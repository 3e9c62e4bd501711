import { expect, test } from "bun:test";
import { compareVersions } from "../wire/versions.ts";
import { toCurrent } from "./compat.ts";

const client = (version: string) => ({ since: (wanted: string) => compareVersions(version, wanted) >= 0 });

test.each([
  ["1.24", { AutoRemove: false, IpcMode: "shareable", ConsoleSize: null, Annotations: null }],
  ["1.39", { AutoRemove: true, IpcMode: "shareable", ConsoleSize: null, Annotations: null }],
  ["1.42", { AutoRemove: true, ConsoleSize: [24, 80], Annotations: null }],
  ["1.50", { AutoRemove: true, ConsoleSize: [24, 80], Annotations: { a: "b" } }],
])("a create request of version %s means today's", (version, expected) => {
  const HostConfig = { AutoRemove: true, ConsoleSize: [24, 80], Annotations: { a: "b" }, PidsLimit: -1 };
  const { HostConfig: current } = toCurrent({ Image: "x", HostConfig }, client(version));
  expect(current).toEqual({ ...expected, NetworkMode: "bridge", PidsLimit: null });
});

test("two networks at once exist since 1.44", () => {
  const request = { NetworkingConfig: { EndpointsConfig: { a: {}, b: {} } } };
  expect(() => toCurrent(request, client("1.43"))).toThrow("multiple network endpoints: a, b");
  expect(toCurrent(request, client("1.44"))).toMatchObject(request);
});
