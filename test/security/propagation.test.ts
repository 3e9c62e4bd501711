/** What a container mounts must not appear on the host, nor its umounts: on a host whose "/" is shared, as systemd makes it. */
import { describe, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../support/engine.ts";
import { has } from "../support/parts.ts";

/** Of the engine's alone: what others mount on this machine meanwhile does not come along. */
const SHARED = [
  "unshare",
  "--mount",
  "--propagation",
  "private",
  "sh",
  "-c",
  'mount --make-rshared / && exec "$@"',
  "sh",
];

describe.if(has("root", "busybox"))("on a host with a shared root", () => {
  test.each([
    ["no bind", []],
    ["a private bind", ["-v", "/srv:/data"]],
    ["a bind that follows the host", ["-v", "/srv:/data:rslave"]],
    ["a bind that is shared", ["-v", "/srv:/data:rshared"]],
  ])(
    "a container with %s leaves the host's mounts as they are",
    async (_, flags) => {
      await using engine = await startEngine({
        image: "busybox",
        wrapper: SHARED,
      });
      const before = await mountsOf(engine);
      const { code } = await engine.berth(["run", "--rm", "--network", "none", ...flags, "busybox", "true"]);
      const id = await engine.berth(["run", "-d", "--network", "none", ...flags, "busybox", "sleep", "100"]);
      expect(await mountsOf(engine)).toEqual(before);
      await engine.berth(["exec", id.stdout.trim(), "true"]);
      await engine.berth(["rm", "-f", id.stdout.trim()]);
      expect(await mountsOf(engine)).toEqual(before);
      expect(code).toBe(0);
    },
    30_000,
  );
});

/** Without those of other tests, which come and go. */
async function mountsOf({ pid, place }: TestEngine): Promise<string[]> {
  const text = await Bun.file(`/proc/${pid}/mountinfo`).text();
  const targets = text.split("\n").map((line) => line.split(" ")[4] ?? "");
  return targets.filter(
    (target) => target !== "" && (!target.startsWith("/tmp/") || target.startsWith(place)),
  );
}
