/**
 * CVE-2021-30465 (runc): a container that shares a volume with another puts a symbolic link where the runtime has just seen a
 * directory, and the mount lands on the host. The link and the directory change places here as fast as the kernel can.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { output } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { RacedVolume, STARTS } from "./raced-volume.ts";

describe.if(has("root", "busybox"))("a volume in which another container renames all the time", () => {
  let raced: RacedVolume;
  beforeAll(async () => {
    raced = await RacedVolume.start(async (target) => {
      await target.image("climbs", {
        sh: "mkdir run; ln -s ../run/resolv.conf etc/resolv.conf; ln -s ../../../run data",
      });
    });
  }, 30_000);
  afterAll(() => raced[Symbol.asyncDispose](), 30_000);

  test("leads those outside who look at a path and then mount on it", async () => {
    const { door, source, target } = raced;
    const naive = [
      "for n in $(seq 5000); do",
      `  [ -h ${door} ] || mount --bind ${source} ${door}`,
      `  [ ! -e ${target.outside}/inside ] || { echo outside; exit; }`,
      `  umount ${door} 2>/dev/null || true`,
      "done",
    ].join("\n");
    const own = ["unshare", "--mount", "--propagation", "private", "sh", "-c", naive];
    expect(await output(own, { timeoutMs: 60_000 })).toBe("outside\n");
  }, 60_000);

  test.each([
    ["a bind below it", ["-v", "SOURCE:/data/door/mounted"]],
    ["a bind on it", ["-v", "SOURCE:/data/door"]],
    ["a tmpfs below it", ["--tmpfs", "/data/door/mounted"]],
    ["a device below it", ["--device", "/dev/null:/data/door/device"]],
    ["a working directory below it", ["-w", "/data/door/made"]],
  ])("does not lead %s outside", (_, flags) => raced.keepsInside(flags), 60_000);

  test("does not keep those from starting whose images have links that climb", async () => {
    for (let count = 0; count < STARTS; count++) {
      const bound = `${raced.source}:/data/deep`;
      const { code, stderr } = await raced.target.run("-v", bound, "climbs", "true");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    }
  }, 60_000);
});
