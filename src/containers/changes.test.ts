import { expect, test } from "bun:test";
import { withoutMountPoints } from "./changes.ts";

const C = (Path: string) => ({ Path, Kind: 0 });
const A = (Path: string) => ({ Path, Kind: 1 });
const D = (Path: string) => ({ Path, Kind: 2 });

test.each([
  ["files that only carry mounts", [C("/etc"), A("/etc/hosts"), A("/etc/hostname"), A("/proc")], []],
  [
    "them, but not what was made beside them",
    [C("/etc"), A("/etc/hosts"), A("/etc/x")],
    [C("/etc"), A("/etc/x")],
  ],
  [
    "nothing of the user's",
    [C("/tmp"), A("/tmp/x"), D("/bin/y"), C("/var")],
    [C("/tmp"), A("/tmp/x"), D("/bin/y"), C("/var")],
  ],
  ["nothing that was deleted", [C("/etc"), D("/etc/hosts")], [C("/etc"), D("/etc/hosts")]],
])("diff hides %s", (_, changes, shown) => {
  expect(withoutMountPoints(changes)).toEqual(shown);
});
