import { expect, test } from "bun:test";
import type { EngineEvent } from "../containers/events.ts";
import { eventPredicate } from "./event-filter.ts";

const EVENT: EngineEvent = {
  Type: "container",
  Action: "exec_create: sh -c ls",
  Actor: { ID: "abcdef", Attributes: { name: "web", image: "busybox:latest", tier: "front" } },
  scope: "local",
};

test.each<[boolean, [string, string[]][]]>([
  [true, []],
  [true, [["event", ["exec_create"]]]],
  [false, [["event", ["die"]]]],
  [true, [["type", ["image", "container"]]]],
  [true, [["container", ["web"]]]],
  [true, [["container", ["abc"]]]],
  [false, [["container", ["we"]]]],
  [true, [["image", ["busybox"]]]],
  [true, [["image", ["busybox:latest"]]]],
  [false, [["image", ["debian"]]]],
  [true, [["label", ["tier=front"]]]],
  [false, [["label", ["tier=back"]]]],
  [false, [["network", ["bridge"]]]],
  [true, [["scope", ["local"]]]],
  [
    false,
    [
      ["container", ["web"]],
      ["event", ["die"]],
    ],
  ],
])("%p for %j", (wanted, filters) => {
  expect(eventPredicate(new Map(filters))(EVENT)).toBe(wanted);
});

test("an unknown filter is refused", () => {
  expect(() => eventPredicate(new Map([["colour", ["red"]]]))).toThrow("invalid filter 'colour'");
});
