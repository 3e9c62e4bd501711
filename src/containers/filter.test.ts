import { expect, test } from "bun:test";
import { Container } from "./container.ts";
import { type FilterContext, listPredicate, prunePredicate } from "./filter.ts";
import type { ContainerState } from "./state.ts";

const RUNNING: ContainerState = {
  status: "running",
  pid: 1,
  startTime: "1",
  startedAt: "2026-01-01T00:00:00Z",
};
const EXITED: ContainerState = {
  status: "exited",
  exitCode: 3,
  oomKilled: false,
  startedAt: "2026-01-01T00:00:00Z",
  finishedAt: "2026-01-01T00:00:01Z",
  error: "",
};

function container(name: string, second: number, state: ContainerState): Container {
  return new Container(name[0]?.repeat(64) ?? "", {
    name,
    createdAt: `2026-01-01T00:00:0${second}Z`,
    state,
    spec: {
      config: { Image: "busybox", Labels: { tier: name }, ExposedPorts: { "80/tcp": {} } },
      hostConfig: { NetworkMode: name === "alpha" ? "none" : "bridge", Binds: ["/a:/data"] },
      image: { id: `sha256:${name}`, layers: [], platform: { os: "linux", architecture: "amd64" } },
    },
  });
}

const ALL = [
  container("alpha", 1, RUNNING),
  container("beta", 2, EXITED),
  container("gamma", 3, { status: "created" }),
];
const CONTEXT: FilterContext = {
  imageId: (ref) => (ref === "busybox" ? "sha256:alpha" : undefined),
  container: (ref) => ALL.find(({ name }) => name === ref) ?? expect.unreachable(),
};
const selected = (...filters: [string, string[]][]) =>
  ALL.filter(listPredicate(new Map(filters), CONTEXT)).map(({ name }) => name);

test.each<[string, string[], string[]]>([
  ["name", ["a$"], ["alpha", "beta", "gamma"]],
  ["name", ["^/al"], ["alpha"]],
  ["id", ["aaaa", "bbbb"], ["alpha", "beta"]],
  ["status", ["running", "created"], ["alpha", "gamma"]],
  ["exited", ["3"], ["beta"]],
  ["exited", ["0"], []],
  ["label", ["tier"], ["alpha", "beta", "gamma"]],
  ["label", ["tier=beta"], ["beta"]],
  ["ancestor", ["busybox"], ["alpha"]],
  ["ancestor", ["nothing"], []],
  ["before", ["beta"], ["alpha"]],
  ["since", ["beta"], ["gamma"]],
  ["network", ["none"], ["alpha"]],
  ["volume", ["/data"], ["alpha", "beta", "gamma"]],
  ["volume", ["named"], []],
  ["expose", ["80"], ["alpha", "beta", "gamma"]],
  ["expose", ["70-90/tcp"], ["alpha", "beta", "gamma"]],
  ["expose", ["80/udp"], []],
  ["publish", ["80"], []],
  ["health", ["none"], ["alpha", "beta", "gamma"]],
  ["health", ["healthy"], []],
  ["is-task", ["true"], []],
  ["is-task", ["false"], ["alpha", "beta", "gamma"]],
])("filter %s=%p", (name, values, expected) => {
  expect(selected([name, values])).toEqual(expected);
});

test("filters are all to be met", () => {
  expect(selected(["status", ["running"]], ["label", ["tier=beta"]])).toEqual([]);
});

test.each<[string, string[], string]>([
  ["colour", ["red"], "invalid filter 'colour'"],
  ["status", ["happy"], "invalid filter 'status=[happy]'"],
  ["health", ["fine"], "invalid filter 'health=[fine]'"],
  ["exited", ["x"], "invalid filter 'exited=[x]'"],
  ["expose", ["x"], "invalid filter 'expose=[x]'"],
  ["name", ["("], "invalid filter 'name=[(]'"],
])("filter %s=%p is refused", (name, values, message) => {
  expect(() => selected([name, values])).toThrow(message);
});

const pruned = (...filters: [string, string[]][]) =>
  ALL.filter(prunePredicate(new Map(filters))).map(({ name }) => name);

test("prune means what is stopped, by label and age", () => {
  expect(pruned()).toEqual(["beta", "gamma"]);
  expect(pruned(["label", ["tier=beta"]])).toEqual(["beta"]);
  expect(pruned(["label!", ["tier=beta"]])).toEqual(["gamma"]);
  expect(pruned(["until", ["2026-01-01T00:00:02Z"]])).toEqual(["beta"]);
  expect(pruned(["until", ["100000h"]])).toEqual([]);
  expect(() => pruned(["status", ["exited"]])).toThrow("invalid filter 'status'");
});
