import { expect, test } from "bun:test";
import type { Spec } from "../runtime/spec.ts";
import { withCgroup } from "./cgroup.ts";

const spec = (cgroupsPath?: string): Spec => ({
  ociVersion: "1.2.0",
  process: { user: { uid: 0, gid: 0 }, args: ["true"], cwd: "/" },
  root: { path: "rootfs" },
  linux: { namespaces: [], ...(cgroupsPath === undefined ? {} : { cgroupsPath }) },
});

test.each([
  ["an absolute path", "/docker/abc", "/docker/abc"],
  ["a relative one, below the root", "docker/abc", "/docker/abc"],
  ["none: the container's name", undefined, "/id"],
  ["one that wants to go up", "/../../x/./y", "/x/y"],
])("the control group of %s", (_, asked, given) => {
  expect(withCgroup(spec(asked), "id").linux.cgroupsPath).toBe(given);
});
