/**
 * For resources.test.ts, as a program in a mount namespace of its own: a container in the hierarchies of net_cls and net_prio, which it
 * mounts where the machine has not. What it found there is printed as JSON.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeSync } from "node:fs";
import { mount, umount } from "../kernel/mounts.ts";
import { Testbed } from "./testbed.ts";

const top = mkdtempSync("/tmp/b-groups-");
const mounts = readFileSync("/proc/mounts", "utf8");
const names = ["net_cls", "net_prio"].filter(
  (name) => !new RegExp(`^\\S+ \\S+ cgroup \\S*\\b${name}\\b`, "m").test(mounts),
);

async function look(): Promise<object> {
  await using bed = new Testbed();
  const launch = bed.launch(["cat", "/proc/self/cgroup"], {
    resources: { network: { classID: 0x10_0001, priorities: [{ name: "lo", priority: 5 }] } },
  });
  const handle = await bed.runtime.create(launch);
  const group = launch.spec.linux.cgroupsPath ?? "";
  const fileOf = (controller: string, name: string) =>
    readFileSync(`${bed.features.cgroups.v1[controller]}${group}/${name}`, "utf8").trim();
  const classID = fileOf("net_cls", "net_cls.classid");
  const priorities = fileOf("net_prio", "net_prio.ifpriomap");
  await handle.start();
  await handle.exited;
  await handle.release();
  return { classID, priorities, group, groups: bed.logged(launch) };
}

function attach(name: string): void {
  mount(name, `${top}/${name}`, "cgroup", 0, name);
}

/** Whether the kernel has one of version 1 for the controller, mounted or not. */
function isHierarchy(controller: string): boolean {
  return new RegExp(`^${controller}\\t[1-9]`, "m").test(readFileSync("/proc/cgroups", "utf8"));
}

/** A hierarchy whose last groups are still on their way out at its unmount stays, and is everybody's: it is mounted once more then. */
async function forget(name: string): Promise<void> {
  for (;;) {
    umount(`${top}/${name}`);
    for (let looks = 0; looks < 50; looks++) {
      if (!isHierarchy(name)) return;
      await Bun.sleep(10);
    }
    attach(name);
  }
}

for (const name of names) {
  mkdirSync(`${top}/${name}`);
  attach(name);
}
try {
  writeSync(1, JSON.stringify(await look()));
} finally {
  for (const name of names) await forget(name);
  rmSync(top, { recursive: true });
}
