/** buildah and Podman with berth as their runtime, as far as they run on this machine at all. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { command, type CommandResult, output } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { Place, removeEmptyGroups } from "./bundle.ts";

const here = has("root", "busybox", "buildah");
const podmanHere = here && has("podman");
let place: Place;
let container = "";

/** Everything of theirs is in our place. */
const storage = () => [
  "--root",
  `${place.path}/b`,
  "--runroot",
  `${place.path}/r`,
  "--storage-driver",
  "vfs",
];
const buildah = (...words: readonly string[]): Promise<CommandResult> =>
  command(["buildah", ...storage(), ...words]);

beforeAll(async () => {
  if (!here) return;
  place = await Place.make();
  await mkdir(`${place.path}/r`);
  container = (await output(["buildah", ...storage(), "from", "scratch"])).trim();
  const mounted = (await output(["buildah", ...storage(), "mount", container])).trim();
  await output(["cp", "-a", `${place.path}/rootfs/.`, mounted]);
}, 60_000);
afterAll(async () => {
  if (!here) return;
  await buildah("umount", "--all");
  await removeEmptyGroups("libpod_parent/conmon", "libpod_parent");
  await place[Symbol.asyncDispose]();
}, 60_000);

test.if(here)("buildah run: output and exit code", async () => {
  const run = (script: string) =>
    buildah("run", "--isolation", "oci", "--runtime", place.berth, container, "--", "sh", "-c", script);
  expect(await run("echo in; id -u")).toMatchObject({ stdout: "in\n0\n", code: 0 });
  expect(await run("exit 3")).toMatchObject({ code: 3 });
});

test.if(podmanHere)(
  "podman run: where limits cannot rise berth warns, and runc refuses the start",
  async () => {
    const flags = ["--cgroup-manager", "cgroupfs", "--runtime", place.berth];
    const words = ["run", "--rm", "--network", "host", "--rootfs", `${place.path}/rootfs`, "echo", "in"];
    expect(await command(["podman", ...storage(), ...flags, ...words])).toMatchObject({
      stdout: "in\n",
      code: 0,
    });
  },
);
