/** CVE-2020-15257 (containerd): a shim listened on an abstract socket, which a container in the host's network namespace could call. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { has } from "../support/parts.ts";
import { shimOf, Target } from "./hostile.ts";

describe.if(has("root", "busybox"))("sockets of the engine and its shims", () => {
  let target: Target;
  let id: string;
  beforeAll(async () => {
    target = await Target.start();
    id = await target.start("busybox", "sleep", "300");
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  /** Inodes of the sockets that a process has. */
  function inodesOf(pid: number): Set<string> {
    const links = readdirSync(`/proc/${pid}/fd`).map((fd) => targetOf(`/proc/${pid}/fd/${fd}`));
    return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  }

  /** Lines of a table in /proc/net that belong to the engine or to a shim. */
  async function ours(table: string, column: number): Promise<string[]> {
    const inodes = [target.engine.pid, await shimOf(id, target)].map(inodesOf);
    const lines = (await Bun.file(`/proc/net/${table}`).text()).split("\n").slice(1);
    return lines.filter((line) => inodes.some((set) => set.has(line.trim().split(/\s+/)[column] ?? "")));
  }

  test("have names in the file system, or none", async () => {
    const names = (await ours("unix", 6)).map((line) => line.trim().split(/\s+/)[7]);
    expect(names.filter((name) => name?.startsWith("@"))).toEqual([]);
    expect(names).toContain(target.engine.socket);
  });

  test("are of no network: there is no TCP, no UDP, no raw one", async () => {
    for (const table of ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"])
      expect(await ours(table, 9)).toEqual([]);
  });

  test("are not in sight of a container, in the host's network namespace either", async () => {
    const { stdout } = await target.engine.berth([
      "run",
      "--rm",
      "--network",
      "host",
      "busybox",
      "sh",
      "-c",
      "grep @ /proc/net/unix",
    ]);
    expect(stdout).not.toMatch(/berth|shim/);
    const script = `ls ${target.engine.run} /run/berth 2>/dev/null; true`;
    expect(
      (await target.engine.berth(["run", "--rm", "--network", "host", "busybox", "sh", "-c", script])).stdout,
    ).toBe("");
  }, 30_000);
});

/** "" of a descriptor that has been closed since it was listed. */
function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
