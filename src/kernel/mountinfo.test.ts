import { expect, test } from "bun:test";
import { mountHolding, parseMountinfo } from "./mountinfo.ts";

const mounts = parseMountinfo(
  [
    "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw",
    "23 22 0:5 / /srv rw shared:2 master:7 - tmpfs tmpfs rw",
    "24 23 0:6 / /srv/with\\040space rw - tmpfs tmpfs rw",
    "25 23 0:7 / /srv/with\\040space rw unbindable - tmpfs tmpfs rw",
    "",
  ].join("\n"),
);

test.each([
  ["/", "/", ["shared:1"]],
  ["/srvs/x", "/", ["shared:1"]],
  ["/srv", "/srv", ["shared:2", "master:7"]],
  ["/srv/x/y", "/srv", ["shared:2", "master:7"]],
  ["/srv/with space/x", "/srv/with space", ["unbindable"]],
])("%s is on the mount %s", (path, mountpoint, tags) => {
  expect(mountHolding(path, mounts)).toEqual({ mountpoint, tags });
});

test("this process has mounts", () => {
  expect(mountHolding("/proc/self").mountpoint).toBe("/proc");
});
