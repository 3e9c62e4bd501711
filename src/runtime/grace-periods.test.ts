import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { run } from "../kernel/spawn.ts";
import { missingForContainers } from "./testbed.ts";

const missing =
  missingForContainers() ?? (Bun.which("strace") === null ? "strace is not installed" : undefined);
if (missing !== undefined) console.log(`skipped: the trace of a start, an exec and an exit: ${missing}`);

/** One container, one exec in it, both to their ends. */
const SCRIPT = `
const { Testbed } = await import("${import.meta.dir}/testbed.ts");
await using bed = new Testbed({ instance: "brt-trace-" + process.pid });
const launch = bed.launch(["sleep", "60"]);
const handle = await bed.runtime.create(launch);
await handle.start();
const exec = await bed.runtime.exec(bed.exec(launch, handle, ["true"]));
await exec.start();
await exec.exited;
await exec.release();
await handle.signal(9);
await handle.exited;
await handle.release();
`;

describe.skipIf(missing !== undefined)("nothing on the way waits for a grace period of RCU", () => {
  const path = `/tmp/berth-trace-${process.pid}`;
  afterAll(() => rmSync(path, { force: true }));

  test("no foreign pid goes into cgroup.procs, no mount is unmounted synchronously, nothing of the network is moved", async () => {
    const calls = "trace=open,openat,umount2,clone3,setns,sendto,sendmsg";
    await run("strace", ["-f", "-q", "-s", "64", "-e", calls, "-o", path, process.execPath, "-e", SCRIPT], {
      debianPackage: "strace",
    });
    const trace = readFileSync(path, "utf8").split("\n");
    expect(trace.some((line) => line.includes("clone3("))).toBe(true); // the shim was traced, too
    expect(trace.filter((line) => /open.*cgroup\.procs.*O_(WRONLY|RDWR)/.test(line))).toEqual([]);
    expect(trace.filter((line) => /umount2\(/.test(line) && !line.includes("MNT_DETACH"))).toEqual([]);
    expect(trace.filter((line) => /RTM_(SETLINK|DELLINK)|IFLA_NET_NS/.test(line))).toEqual([]);
  }, 30_000);
});
