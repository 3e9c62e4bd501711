/** CVE-2022-24769, CVE-2022-29162, CVE-2022-27650 (docker, runc, crun): inheritable capabilities were not empty. And nothing wider than docker's defaults. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

const DEFAULT = "00000000a80425fb";
const NONE = "0000000000000000";
const STATUS = "grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups)' /proc/self/status";

describe.if(has("root", "busybox"))("privileges", () => {
  let target: Target;
  let id: string;
  beforeAll(async () => {
    target = await Target.start();
    id = await target.start("busybox", "sleep", "300");
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  function fields(text: string): Record<string, string> {
    return Object.fromEntries(text.split("\n").flatMap((line) => (line === "" ? [] : [line.split(/:\s*/)])));
  }

  test("of root are docker's fourteen capabilities, none of them inheritable or ambient", async () => {
    const expected = {
      CapInh: NONE,
      CapPrm: DEFAULT,
      CapEff: DEFAULT,
      CapBnd: DEFAULT,
      CapAmb: NONE,
      Seccomp: "2",
    };
    expect(fields(await target.shell(STATUS))).toMatchObject(expected);
    const { stdout } = await target.engine.berth(["exec", id, "sh", "-c", STATUS]);
    expect(fields(stdout)).toMatchObject(expected);
  }, 30_000);

  test("of another user are none, and stay within the bounding set", async () => {
    const expected = { CapInh: NONE, CapPrm: NONE, CapEff: NONE, CapBnd: DEFAULT, CapAmb: NONE };
    expect(fields(await target.shell(STATUS, "-u", "1000"))).toMatchObject(expected);
    const { stdout } = await target.engine.berth(["exec", "-u", "1000", id, "sh", "-c", STATUS]);
    expect(fields(stdout)).toMatchObject(expected);
  }, 30_000);

  test("that are added are not inheritable either, and end at exec of another user", async () => {
    const root = fields(await target.shell(STATUS, "--cap-add", "NET_ADMIN"));
    expect(root).toMatchObject({ CapInh: NONE, CapAmb: NONE, CapEff: "00000000a80435fb" });
    const user = fields(await target.shell(STATUS, "--cap-add", "NET_ADMIN", "-u", "1000"));
    expect(user).toMatchObject({ CapInh: NONE, CapAmb: NONE, CapEff: NONE });
    expect(fields(await target.shell(STATUS, "--cap-drop", "ALL"))).toMatchObject({
      CapBnd: NONE,
      CapEff: NONE,
    });
  }, 30_000);

  test("cannot be won back when no-new-privileges is asked", async () => {
    const text = await target.shell(STATUS, "-u", "1000", "--security-opt", "no-new-privileges");
    expect(fields(text)).toMatchObject({ CapEff: NONE, NoNewPrivs: "1", Seccomp: "2" });
    expect(fields(await target.shell(STATUS))).toMatchObject({ NoNewPrivs: "0" });
  }, 30_000);

  test("of the host's groups are not brought along", async () => {
    expect(await target.shell("id -G", "-u", "1234:5678")).toBe("5678\n");
  }, 30_000);

  test("do not suffice for what the seccomp profile and the device list forbid", async () => {
    const script = [
      "unshare -U true && echo user namespace",
      "unshare -m true && echo mount namespace",
      "mknod /disk b 8 0 && head -c1 /disk && echo disk",
      "mknod /mem c 1 1 && head -c1 /mem && echo memory",
      "mount -t proc proc /mnt && echo mount",
      "chroot /proc/1/root true && nsenter -t 1 -m true && echo nsenter",
    ];
    expect((await target.run("busybox", "sh", "-c", script.join("; "))).stdout).toBe("");
  }, 30_000);
});
