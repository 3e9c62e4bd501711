/** What an engine could leave behind in the kernel and on disk. */
import { readdir, readFile, readlink } from "node:fs/promises";
import { command } from "./command.ts";

/** All that bears the name of the instance or lies below its place, one line each, sorted. */
async function traces(instance: string, place: string): Promise<string[]> {
  const found = await Promise.all([
    mounts(place),
    links(instance),
    cgroups(instance),
    processes(place),
    tables(instance),
    directories(place),
  ]);
  return found.flat().toSorted();
}

/** How long what goes away by itself (a veth behind its namespace, a directory in the trash) may take. */
const SETTLING_MS = 10_000;

/** What is still there, besides what `isOwned`, when everything has had time to go. */
export async function leaks(
  instance: string,
  place: string,
  isOwned: (line: string) => boolean = () => false,
): Promise<string[]> {
  const deadline = Date.now() + SETTLING_MS;
  for (;;) {
    const left = (await traces(instance, place)).filter((line) => !isOwned(line));
    if (left.length === 0 || Date.now() > deadline) return left;
    await Bun.sleep(20);
  }
}

async function mounts(place: string): Promise<string[]> {
  const table = await readFile("/proc/self/mountinfo", "utf8");
  return table
    .split("\n")
    .filter((line) => line.includes(place))
    .map((line) => `mount ${line.split(" ")[4]}`);
}

/** The bridge, and whatever is plugged into it. */
async function links(instance: string): Promise<string[]> {
  const { stdout } = await command(["ip", "-o", "link"]);
  const mine = stdout.split("\n").filter((line) => line.includes(`${instance}0`));
  return mine.map((line) => `link ${line.split(": ")[1]}`);
}

async function cgroups(instance: string): Promise<string[]> {
  const { stdout } = await command([
    "find",
    "/sys/fs/cgroup",
    "-mindepth",
    "2",
    "-type",
    "d",
    "-path",
    `*/${instance}/*`,
  ]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => `cgroup ${line}`);
}

/** Engines, shims and workers that name the place in an argument, a working directory or an open file. */
async function processes(place: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    if (await holds(pid, place)) found.push(`process ${pid} ${await commandLine(pid)}`);
  }
  return found;
}

async function holds(pid: string, place: string): Promise<boolean> {
  if ((await commandLine(pid)).includes(place)) return true;
  const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const targets = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")));
  return targets.some((target) => target.startsWith(place));
}

async function commandLine(pid: string): Promise<string> {
  return (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ").trim();
}

async function tables(instance: string): Promise<string[]> {
  const { stdout } = await command(["nft", "list", "tables"]);
  return stdout.split("\n").filter((line) => line.includes(instance));
}

/** What containers own on disk and in the run directory. */
async function directories(place: string): Promise<string[]> {
  const owned = ["root/containers", "root/tmp", "run/c", "run/x"].map(async (folder) => {
    const names = await readdir(`${place}/${folder}`).catch(() => []);
    return names.map((name) => `directory ${folder}/${name}`);
  });
  return (await Promise.all(owned)).flat();
}
