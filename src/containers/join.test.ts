import { expect, test } from "bun:test";
import { existsSync, readlinkSync, statSync } from "node:fs";
import { startTime } from "../kernel/processes.ts";
import type { Container } from "./container.ts";
import { holdingIn } from "./join.ts";

const started = startTime(process.pid) ?? 0n;

function runningAs(pid: number, since: bigint): Container {
  return { id: "c", handle: { pid, startTime: since } } as unknown as Container;
}

test("a namespace of another container is held until the container that joins it runs", () => {
  const held = new DisposableStack();
  const path = holdingIn(held)(runningAs(process.pid, started), "net");
  expect(statSync(path).ino).toBe(statSync("/proc/self/ns/net").ino);
  expect(readlinkSync(path)).toStartWith("net:[");
  held.dispose();
  expect(existsSync(path) && readlinkSync(path).startsWith("net:[")).toBe(false);
});

test.each([
  ["that another process has by now", process.pid, started - 1n],
  ["that nobody has any more", 2 ** 22 + 1, started],
])("no namespace is joined by a number %s", (_, pid, since) => {
  using held = new DisposableStack();
  expect(() => holdingIn(held)(runningAs(pid, since), "net")).toThrow(
    "cannot join the net namespace of a non running container: c",
  );
});
