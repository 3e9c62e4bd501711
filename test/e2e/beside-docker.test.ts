/** Beside Debian's docker.io 20.10: what a container sees (every difference has its reason, here and in docs/runtime.md), and archives both ways. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { busyboxTar } from "../support/busybox.ts";
import { output } from "../support/command.ts";
import { Dockerd } from "../support/dockerd.ts";
import { startEngine, type TestEngine, temporaryPlace } from "../support/engine.ts";
import { has } from "../support/parts.ts";

const PROBE = resolve(`${import.meta.dir}/../../dist/native/probe`);
const here = has("root", "busybox", "dockerd");

/** Commands by what they show; each prints lines that can be compared. */
const VIEWS = {
  capabilities: "grep -E '^(Uid|Gid|Groups|Cap|NoNew|Seccomp|Speculation)' /proc/self/status",
  mounts: "awk '{print $5, $6, $(NF-2)}' /proc/self/mountinfo | sort",
  devices: "find /dev | sort | xargs stat -c '%n %F %a %u:%g %t:%T'",
  limits: "cat /proc/self/limits",
  identity: "id; pwd; umask; env | grep -v HOSTNAME | sort; hostname | wc -c",
  files: "stat -c '%n %a %u:%g' /etc/hosts /etc/hostname /etc/resolv.conf; wc -l < /etc/hosts",
  groups: "sed -E 's,/[^/]+/[0-9a-f]{64},/PARENT/ID,' /proc/self/cgroup",
  sysctls:
    "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range /proc/sys/kernel/shmmax",
  calls: "/probe",
} as const;

/** Lines that only one of them has, by view: `-` docker.io's, `+` ours. */
const DIFFERENCES: Partial<Record<keyof typeof VIEWS, readonly RegExp[]>> = {
  mounts: [
    // docker.io 20.10 leaves the tmpfs over the hierarchies writable; berth and docker of today do not.
    /^[-+] \/sys\/fs\/cgroup r[ow],nosuid,nodev,noexec,relatime tmpfs$/,
    // Masked directories are one empty tmpfs, masked files the null device, both with every restriction there is.
    /^[-+] \/(proc\/acpi|sys\/firmware) ro,(nosuid,nodev,noexec,)?relatime tmpfs$/,
    /^[-+] \/proc\/(keys|timer_list|interrupts) (rw,nosuid tmpfs|ro,nosuid,noexec,relatime devtmpfs)$/,
  ],
  // runc makes the link only where the host has the file.
  devices: [/^\+ \/dev\/core symbolic link/],
  // moby's profile of 2026 against that of 2020: each number is a system call.
  calls: [
    /^[-+] (303|31[01]|329|33[01]) /, // name_to_handle_at, process_vm_*, pkey_*: allowed since
    /^[-+] (425|426|427) /, // io_uring: refused since
    /^[-+] 4[4-6]\d /, // calls that libseccomp 2.5.4 has no name for
  ],
};

let place = "";
let berth: TestEngine;
let docker: Dockerd;

beforeAll(async () => {
  if (!here) return;
  place = await temporaryPlace();
  const image = await imageWithProbe();
  berth = await startEngine();
  const opened = await Dockerd.open(`${place}/docker`);
  if (opened === undefined) throw new Error("dockerd is gone");
  docker = opened;
  await output([...docker.client, "import", "-", "probe"], { stdin: image, timeoutMs: 60_000 });
  await berth.berth(["import", "-", "probe"], { stdin: image });
}, 90_000);

afterAll(async () => {
  await docker?.stop();
  await berth?.[Symbol.asyncDispose]();
  if (place !== "") await rm(place, { recursive: true, force: true });
}, 30_000);

async function imageWithProbe(): Promise<Uint8Array> {
  const tar = `${place}/image.tar`;
  await Bun.write(tar, await busyboxTar());
  await output(["tar", "-rf", tar, "--transform", "s,.*/,,", "--owner=0", "--group=0", PROBE]);
  return await Bun.file(tar).bytes();
}

const RUN = ["run", "--rm", "--network", "none", "probe", "sh", "-c"];

for (const [view, script] of Object.entries(VIEWS) as [keyof typeof VIEWS, string][]) {
  test.if(here)(
    `a container sees the same ${view} as under docker.io, but for what is listed`,
    async () => {
      const theirs = await output([...docker.client, ...RUN, script], { timeoutMs: 60_000 });
      const { stdout: ours } = await berth.berth([...RUN, script], { timeoutMs: 60_000 });
      expect(differences(theirs, ours).filter((line) => !isListed(view, line))).toEqual([]);
    },
    90_000,
  );
}

test.if(here)(
  "an archive that docker.io saved loads, and runs",
  async () => {
    await output([...docker.client, "tag", "probe", "from-docker:1"]);
    await output([...docker.client, "save", "-o", `${place}/docker.tar`, "from-docker:1"], {
      timeoutMs: 60_000,
    });
    const loaded = await berth.berth(["load", "-i", `${place}/docker.tar`], { timeoutMs: 60_000 });
    expect(loaded).toMatchObject({ stdout: "Loaded image: from-docker:1\n", code: 0 });
    const ran = await berth.berth(["run", "--rm", "--network", "none", "from-docker:1", "echo", "here"]);
    expect(ran).toMatchObject({ stdout: "here\n", code: 0 });
  },
  90_000,
);

test.if(here)(
  "an archive that berth saved loads into docker.io, and runs",
  async () => {
    await berth.berth(["tag", "probe", "from-berth:1"]);
    await berth.berth(["save", "-o", `${place}/berth.tar`, "from-berth:1"], { timeoutMs: 60_000 });
    const loaded = await output([...docker.client, "load", "-i", `${place}/berth.tar`], {
      timeoutMs: 60_000,
    });
    expect(loaded).toContain("Loaded image: from-berth:1");
    const words = ["run", "--rm", "--network", "none", "from-berth:1", "echo", "there"];
    expect(await output([...docker.client, ...words], { timeoutMs: 60_000 })).toBe("there\n");
  },
  90_000,
);

function isListed(view: keyof typeof VIEWS, line: string): boolean {
  return (DIFFERENCES[view] ?? []).some((pattern) => pattern.test(line));
}

function differences(theirs: string, ours: string): string[] {
  const [left, right] = [theirs.trim().split("\n"), ours.trim().split("\n")];
  const [known, found] = [new Set(left), new Set(right)];
  return [
    ...left.filter((line) => !found.has(line)).map((line) => `- ${line}`),
    ...right.filter((line) => !known.has(line)).map((line) => `+ ${line}`),
  ];
}
