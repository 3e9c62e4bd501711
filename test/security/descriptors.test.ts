/** CVE-2016-9962, CVE-2024-21626: what the runtime has open must not be open in the container, nor reachable through its processes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Place } from "../oci/bundle.ts";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

const LIST =
  'for each in /proc/self/fd/*; do [ -e $each ] && echo "${each##*/} $(readlink $each)"; done; true';

/** All but what the shell itself opened for the listing. */
function described(text: string): string[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.filter(
    (line) => !/^\d+ (pipe:\[\d+\]|\/dev\/null|\/dev\/pts\/0|\/dev\/console|\/proc\/\d+\/fd)$/.test(line),
  );
}

describe.if(has("root", "busybox"))("open descriptors", () => {
  let target: Target;
  let id: string;
  beforeAll(async () => {
    target = await Target.start();
    id = await target.start("busybox", "sleep", "300");
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  test.each([
    ["a container", []],
    ["a container with input", ["-i"]],
    ["a container with an init", ["--init"]],
    ["a container with a read-only root", ["--read-only"]],
    ["a privileged container", ["--privileged"]],
  ])(
    "%s has its three streams and nothing else",
    async (_, flags) => {
      const text = await target.shell(`ls /proc/self/fd | wc -l; ${LIST}`, ...flags);
      expect(text.split("\n")[0]).toBe("4"); // 0, 1, 2, and the directory that ls reads
      expect(described(text.slice(2))).toEqual([]);
    },
    30_000,
  );

  test("so has an exec", async () => {
    const { stdout } = await target.engine.berth([
      "exec",
      id,
      "sh",
      "-c",
      `ls /proc/self/fd | wc -l; ${LIST}`,
    ]);
    expect(stdout.split("\n")[0]).toBe("4");
    expect(described(stdout.slice(2))).toEqual([]);
  }, 30_000);

  test("the init's own are closed", async () => {
    expect(await target.shell("ls /proc/1/fd 2>/dev/null | wc -l", "--init")).toBe("0\n");
  }, 30_000);

  test("standard input without -i is the container's own null device, not the host's", async () => {
    const same = "[ $(stat -Lc %d:%i /proc/self/fd/0) = $(stat -c %d:%i /dev/null) ] && echo same";
    expect(await target.shell(same)).toBe("same\n");
    expect((await target.engine.berth(["exec", id, "sh", "-c", same])).stdout).toBe("same\n");
  }, 30_000);

  test("a process that waits inside sees nothing of an exec on its way in", async () => {
    // Looks at the descriptors of every new process, as fast as a shell can; a directory of the host would show by its path.
    const watch = `while :; do for p in /proc/[0-9]*; do ls -l $p/fd 2>/dev/null; done; done | grep -m1 -e '${target.engine.place}' -e memfd`;
    const spy = await target.start("busybox", "sh", "-c", watch);
    for (let count = 0; count < 30; count++) await target.engine.berth(["exec", spy, "true"]);
    const { stdout } = await target.engine.berth(["logs", spy]);
    expect(stdout).toBe("");
    await target.engine.berth(["rm", "-f", spy]);
  }, 60_000);

  test("descriptors that berth oci is to preserve are the caller's, never its own", async () => {
    await using place = await Place.make();
    await place.configure("ls /proc/self/fd");
    for (const number of ["1", "2", "12"]) {
      const { code, stderr } = await place.call(place.berth, ["run", "--preserve-fds", number, "d1"]);
      expect(stderr).toContain("the descriptor 3 that is to be preserved is not open");
      expect(code).toBe(1);
    }
    const activated = await place.call(place.berth, ["run", "d1"], { env: { LISTEN_FDS: "99999999999" } });
    expect(activated.stderr).toContain("the descriptor 3 that is to be preserved is not open");
  }, 30_000);
});
