/** Each op that a plan may hold, seen from inside the container. */
import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createBridge, setLinkUp } from "../../src/kernel/netlink-link.ts";
import { concat } from "../../src/kernel/netlink-message.ts";
import type { AttributeStep } from "../../src/runtime/mount-steps.ts";
import { hooksDoneFrame } from "../../src/runtime/frames.ts";
import type { Op } from "../../src/runtime/op.ts";
import { has } from "../support/parts.ts";
import { ALLOW_ALL, instruction, NEW_LISTENER } from "./support/filter.ts";
import { Place } from "./support/place.ts";
import {
  becoming,
  DEFAULT_CAPABILITIES,
  CLONE_NEWNS,
  containerPlan,
  MS_NODEV,
  MS_NOSUID,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  PATH,
  MS_SHARED,
  MS_SILENT,
  supervision,
} from "./support/plan.ts";
import { failureOf, runContainer, Shim } from "./support/shim.ts";

const root = test.if(has("root", "busybox"));
const ATTRIBUTE_READONLY = 1;
const ATTRIBUTE_NOEXEC = 8;

/** What a shell prints in a container whose plan holds these ops besides docker's. */
async function shell(
  place: Place,
  script: string,
  options: { mounts?: Op[]; inside?: Op[]; capabilities?: bigint; env?: string[] } = {},
): Promise<string> {
  const { stdout, stderr } = await runContainer(place, {
    argv: ["sh", "-c", `(${script}) 2>&1`],
    ...options,
  });
  return stdout + stderr;
}

function bind(source: string, target: string, more: Partial<Extract<Op, { op: "bind" }>> = {}): Op {
  return {
    op: "bind",
    source,
    target,
    recursive: false,
    makeSource: false,
    steps: [],
    ...more,
  };
}

function step(change: Partial<AttributeStep>): AttributeStep {
  return { recursive: false, set: 0, clear: 0, propagation: 0, ...change };
}

function mountOp(target: string, more: Partial<Extract<Op, { op: "mount" }>> = {}): Op {
  return {
    op: "mount",
    source: "tmpfs",
    target,
    type: "tmpfs",
    flags: 0,
    data: "",
    api: false,
    optional: false,
    ...more,
  };
}

describe("mount", () => {
  root("takes flags and options, and makes its target", async () => {
    using place = new Place();
    const mount = mountOp("/new/deep/er", {
      flags: MS_NOSUID | MS_NODEV | MS_RDONLY,
      data: "size=64k,mode=750",
    });
    const said = await shell(place, "grep deep /proc/mounts; stat -c %a /new/deep/er; touch /new/deep/er/x", {
      mounts: [mount],
    });
    expect(said).toContain("tmpfs /new/deep/er tmpfs ro,nosuid,nodev,relatime,size=64k,mode=750");
    expect(said).toContain("750\n");
    expect(said).toContain("Read-only file system");
  });

  root("of a tmpfs keeps the mode of the directory below, unless it says its own", async () => {
    using place = new Place();
    mkdirSync(`${place.extra}/mode`);
    chmodSync(`${place.extra}/mode`, 0o2711);
    mkdirSync(`${place.extra}/other`);
    const mounts = [mountOp("/mode"), mountOp("/other", { data: "mode=700" }), mountOp("/made")];
    expect(await shell(place, "stat -c %a /mode /other /made", { mounts })).toBe("2711\n700\n1777\n");
  });

  root("that is optional gives a warning where the kernel has no such thing", async () => {
    using place = new Place();
    const mounts = [mountOp("/x", { type: "nothingfs", optional: true })];
    const plan = containerPlan(place, { argv: ["true"], mounts });
    await using shim = await Shim.launch(place, plan);
    shim.start();
    const warning = await shim.control.next("warning");
    expect(warning).toMatchObject({ errno: 19, object: "/x", op: plan.findIndex((op) => op === mounts[0]) });
    expect((await shim.exited()).exitCode).toBe(0);
  });

  root("changes the flags of a mount that is there", async () => {
    using place = new Place();
    const mounts: Op[] = [
      { op: "mount-attributes", path: "/dev", steps: [step({ set: ATTRIBUTE_READONLY })] },
    ];
    const said = await shell(
      place,
      "touch /dev/x; grep ' /dev ' /proc/mounts; echo x >/dev/null && echo fine",
      { mounts },
    );
    expect(said).toContain("Read-only file system");
    expect(said).toMatch(/tmpfs \/dev tmpfs ro,nosuid(?!.*noatime)/);
    expect(said).toContain("fine");
  });

  root("changes a mount that is there, and the file system itself", async () => {
    using place = new Place();
    const mounts: Op[] = [
      mountOp("/x", { data: "size=64k" }),
      { op: "remount", target: "/x", flags: MS_RDONLY | MS_NOSUID, data: "size=128k" },
    ];
    const said = await shell(place, "touch /x/y; grep ' /x ' /proc/mounts", { mounts });
    expect(said).toContain("Read-only file system");
    expect(said).toContain("tmpfs /x tmpfs ro,nosuid,relatime,size=128k");
    using other = new Place();
    const nothing: Op[] = [{ op: "remount", target: "/tmp", flags: MS_RDONLY, data: "" }];
    expect(await failureOf(other, containerPlan(other, { argv: ["true"], mounts: nothing }))).toMatchObject({
      errno: 22,
      object: 'remount "/tmp"',
    });
  });

  root("goes by mount(2) for flags that only it knows, and has its propagation all the same", async () => {
    using place = new Place();
    const steps = [step({ propagation: MS_SHARED })];
    const mounts = [mountOp("/x", { classic: true, flags: MS_SILENT | MS_NODEV, data: "mode=711", steps })];
    const said = await shell(place, "grep ' /x ' /proc/self/mountinfo; stat -c %a /x", { mounts });
    expect(said).toMatch(/nodev,relatime shared:\d+ - tmpfs/);
    expect(said).toEndWith("711\n");
  });

  root("of a tmpfs begins with what it covers, as it was there", async () => {
    using place = new Place();
    place.put("up/deep/file", "content\n", 0o4751);
    place.put("up/empty", "");
    symlinkSync("/nowhere/at/all", `${place.extra}/up/link`);
    Bun.spawnSync(["mkfifo", "-m", "640", `${place.extra}/up/pipe`]);
    chmodSync(`${place.extra}/up/deep`, 0o1777);
    chownSync(`${place.extra}/up/deep/file`, 5, 6);
    chmodSync(`${place.extra}/up/deep/file`, 0o4751); // a change of owner has taken it away
    utimesSync(`${place.extra}/up/deep/file`, 1000, 2000);
    const said = await shell(
      place,
      `cd /up; cat deep/file; stat -c '%n %F %a %u:%g' deep deep/file empty pipe; stat -c %Y deep/file;
       readlink link; echo new >deep/file; grep -c ' /up tmpfs' /proc/mounts`,
      { mounts: [mountOp("/up", { copyUp: true })] },
    );
    expect(said).toBe(
      "content\ndeep directory 1777 0:0\ndeep/file regular file 4751 5:6\nempty regular empty file 644 0:0\n" +
        "pipe fifo 640 0:0\n2000\n/nowhere/at/all\n1\n",
    );
    expect(readFileSync(`${place.extra}/up/deep/file`, "utf8")).toBe("content\n");
  });

  root("of a tmpfs by mount(2) begins with what it covers, too", async () => {
    using place = new Place();
    place.put("up/file", "content\n");
    const mounts = [mountOp("/up", { classic: true, flags: MS_SILENT, copyUp: true })];
    expect(await shell(place, "cat /up/file; grep -c ' /up tmpfs' /proc/mounts", { mounts })).toBe(
      "content\n1\n",
    );
  });

  root.each<[string, (place: Place) => void, string, number]>([
    ["more than it holds", (place) => place.put("up/large", Buffer.alloc(100_000)), "size=64k", 28],
    ["a bottomless tree", (place) => place.put(`up/${"d/".repeat(120)}x`, ""), "", 40],
  ])("of a tmpfs that covers %s is an error", async (_, fill, data, errno) => {
    using place = new Place();
    fill(place);
    const mounts = [mountOp("/up", { copyUp: true, data })];
    expect(await failureOf(place, containerPlan(place, { argv: ["true"], mounts }))).toMatchObject({
      errno,
      object: "tmpcopyup",
    });
  });

  root("of the host resolves short names in a working directory", async () => {
    using place = new Place();
    place.put("mark", "found\n");
    await using shim = await Shim.container(place, { argv: ["cat", "/mark"], shortNames: true });
    shim.start();
    await shim.exited();
    expect(place.entries().map(({ log }) => log)).toEqual(["found\n"]);
  });
});

describe("bind", () => {
  root("brings a directory and a file of the host inside, writable", async () => {
    using place = new Place();
    mkdirSync(`${place.top}/volume`);
    writeFileSync(`${place.top}/hosts`, "127.0.0.1 localhost\n");
    const mounts = [bind(`${place.top}/volume`, "/data/volume"), bind(`${place.top}/hosts`, "/etc/hosts")];
    expect(await shell(place, "cat /etc/hosts; echo kept >/data/volume/file", { mounts })).toBe(
      "127.0.0.1 localhost\n",
    );
    expect(readFileSync(`${place.top}/volume/file`, "utf8")).toBe("kept\n");
  });

  root("read-only reaches what is mounted below, and nothing of the host's own mount", async () => {
    using place = new Place();
    mkdirSync(`${place.top}/volume/below`, { recursive: true });
    const below: Op = {
      op: "mount-host",
      source: "tmpfs",
      target: `${place.top}/volume/below`,
      type: "tmpfs",
      flags: 0,
      data: "",
      workingDirectory: "",
    };
    const set = ATTRIBUTE_READONLY | ATTRIBUTE_NOEXEC;
    const steps = [step({ recursive: true, set, propagation: MS_PRIVATE })];
    const mounts = [below, bind(`${place.top}/volume`, "/data", { recursive: true, steps })];
    const said = await shell(place, "touch /data/x; touch /data/below/x; grep ' /data ' /proc/mounts", {
      mounts,
    });
    expect(said.match(/Read-only file system/g)).toHaveLength(2);
    expect(said).toContain("noexec");
    writeFileSync(`${place.top}/volume/still-writable`, "");
  });

  root("may be of a source that was taken before; a slot that does not exist is an error", async () => {
    using place = new Place();
    mkdirSync(`${place.top}/volume`);
    const taken: Op = {
      op: "bind-source",
      slot: 63,
      source: `${place.top}/made/here`,
      recursive: false,
      makeSource: true,
    };
    const mounts = [taken, bind("whatever", "/data", { slot: 63 })];
    expect(await shell(place, "echo kept >/data/file", { mounts })).toBe("");
    expect(readFileSync(`${place.top}/made/here/file`, "utf8")).toBe("kept\n");
    using other = new Place();
    expect(
      await failureOf(other, containerPlan(other, { argv: ["true"], mounts: [{ ...taken, slot: 64 }] })),
    ).toMatchObject({ errno: 22, object: "slot 64 of a bind source" });
  });

  root("over /proc is only of a procfs", async () => {
    using place = new Place();
    const failed = await failureOf(
      place,
      containerPlan(place, { argv: ["true"], mounts: [bind("/tmp", "/proc", { procfs: true })] }),
    );
    expect(failed).toMatchObject({
      errno: 22,
      object: '"/proc" cannot be mounted because it is not of type proc',
    });
    using other = new Place();
    const inside = await failureOf(
      other,
      containerPlan(other, { argv: ["true"], mounts: [bind("/proc/self", "/proc", { procfs: true })] }),
    );
    expect(inside).toMatchObject({ errno: 22 });
    using third = new Place();
    const mounts = [bind("/proc", "/proc", { procfs: true })];
    expect(await shell(third, `test -e /proc/${process.pid} && echo host`, { mounts })).toBe("host\n");
  });

  root("makes a source that is missing, as docker -v does, else names it", async () => {
    using place = new Place();
    const source = `${place.top}/made/for/me`;
    expect(
      await shell(place, "stat -c %F /data", { mounts: [bind(source, "/data", { makeSource: true })] }),
    ).toBe("directory\n");
    expect(statSync(source).mode & 0o777).toBe(0o755);
    using other = new Place();
    const missing = `${other.top}/missing`;
    const failed = await failureOf(
      other,
      containerPlan(other, { argv: ["true"], mounts: [bind(missing, "/data")] }),
    );
    expect(failed).toMatchObject({ errno: 2, object: `bind source "${missing}"` });
  });

  root.each([
    ["relative", "../run/deep/resolv.conf"],
    ["absolute", "/run/deep/resolv.conf"],
    ["leading outside", "../../../../../run/deep/resolv.conf"],
  ])("follows a dangling symlink of the image inside the root: %s", async (_, link) => {
    using place = new Place();
    mkdirSync(`${place.extra}/etc`);
    symlinkSync(link, `${place.extra}/etc/resolv.conf`);
    writeFileSync(`${place.top}/resolv.conf`, "nameserver 1.2.3.4\n");
    const mounts = [bind(`${place.top}/resolv.conf`, "/etc/resolv.conf")];
    const said = await shell(place, "cat /run/deep/resolv.conf /etc/resolv.conf; readlink /etc/resolv.conf", {
      mounts,
    });
    expect(said).toBe(`nameserver 1.2.3.4\nnameserver 1.2.3.4\n${link}\n`);
    expect(existsSync("/run/deep")).toBe(false);
  });

  root("onto a symlink that leads in circles is an error", async () => {
    using place = new Place();
    symlinkSync("b", `${place.extra}/a`);
    symlinkSync("a", `${place.extra}/b`);
    const failed = await failureOf(
      place,
      containerPlan(place, { argv: ["true"], mounts: [bind("/tmp", "/a/x")] }),
    );
    expect(failed).toMatchObject({ errno: 40 });
  });

  root("through a symlinked directory ends inside", async () => {
    using place = new Place();
    symlinkSync("/var/real", `${place.extra}/link`);
    mkdirSync(`${place.top}/volume`);
    writeFileSync(`${place.top}/volume/here`, "");
    const mounts = [bind(`${place.top}/volume`, "/link/data")];
    expect(await shell(place, "ls /var/real/data", { mounts })).toBe("here\n");
  });
});

describe("files", () => {
  root(
    "directories have the mode and owner that were asked for, and stay as they are when they are there",
    async () => {
      using place = new Place();
      mkdirSync(`${place.extra}/kept`, { mode: 0o700 });
      const mounts: Op[] = [
        { op: "directory", path: "/a/b", mode: 0o1777, uid: 5, gid: 6 },
        { op: "directory", path: "/kept", mode: 0o777, uid: 5, gid: 6 },
      ];
      expect(await shell(place, "stat -c '%a %u %g' /a /a/b /kept", { mounts })).toBe(
        "755 0 0\n1777 5 6\n700 0 0\n",
      );
    },
  );

  root("nodes and symlinks are made once", async () => {
    using place = new Place();
    const node: Op = { op: "mknod", path: "/dev/extra", mode: 0o20640, major: 1, minor: 5, uid: 3, gid: 4 };
    const link: Op = { op: "symlink", target: "somewhere", path: "/dev/link" };
    const mounts = [node, node, link, { ...link, target: "elsewhere" }];
    expect(await shell(place, "stat -c '%a %u %g %t %T' /dev/extra; readlink /dev/link", { mounts })).toBe(
      "640 3 4 1 5\nsomewhere\n",
    );
  });

  root("a node in whose place something else stands is an error", async () => {
    using place = new Place();
    place.put("srv/node", "no device");
    const node: Op = { op: "mknod", path: "/srv/node", mode: 0o20666, major: 1, minor: 5, uid: 0, gid: 0 };
    expect(await failureOf(place, containerPlan(place, { argv: ["true"], mounts: [node] }))).toMatchObject({
      errno: 17,
      object: 'mknod "/srv/node"',
    });
  });

  root("read-only paths and masks of what is absent are nothing", async () => {
    using place = new Place();
    const mounts: Op[] = [
      { op: "readonly-path", path: "/absent/at/all" },
      { op: "mask", path: "/etc/passwd/below" },
      { op: "mask", path: "/etc/group" },
      { op: "mask", path: "/home" },
      { op: "readonly-path", path: "/etc" },
    ];
    const said = await shell(place, "wc -c </etc/group; touch /home/x; touch /etc/x", { mounts });
    expect(said).toStartWith("0\n");
    expect(said.match(/Read-only file system/g)).toHaveLength(2);
  });

  root("the root can be read-only while the mounts in it are not", async () => {
    using place = new Place();
    const said = await shell(place, "touch /x; touch /dev/shm/x && echo fine", {
      inside: [{ op: "readonly-root" }],
    });
    expect(said).toContain("Read-only file system");
    expect(said).toContain("fine");
  });

  root("the root can be entered where the mounts are shared with others", async () => {
    using place = new Place();
    const plan: Op[] = [
      ...supervision(place, { argv: [] }),
      { op: "clone", flags: CLONE_NEWNS, cgroup: "" },
      { op: "root", path: place.lower, bind: false },
      { op: "chroot" },
      ...becoming({ argv: ["ls", "/"] }),
    ];
    await using shim = await Shim.launch(place, plan);
    expect((await shim.exited()).exitCode).toBe(0);
    expect(place.entries().map(({ log }) => log.trim())).toContain("bin");
  });

  root("a directory of the host can be the root", async () => {
    using place = new Place();
    const plan: Op[] = [
      ...supervision(place, { argv: [] }),
      { op: "clone", flags: CLONE_NEWNS, cgroup: "" },
      { op: "propagation", path: "/", flags: MS_REC | MS_PRIVATE },
      { op: "root", path: place.lower, bind: true },
      { op: "pivot" },
      ...becoming({ argv: ["ls", "/"] }),
    ];
    await using shim = await Shim.launch(place, plan);
    expect((await shim.exited()).exitCode).toBe(0);
    expect(place.entries().map(({ log }) => log.trim())).toContain("bin");
  });
});

describe("settings", () => {
  root("names", async () => {
    using place = new Place();
    const inside: Op[] = [
      { op: "hostname", name: "other" },
      { op: "domainname", name: "example.org" },
    ];
    expect(await shell(place, "hostname; cat /proc/sys/kernel/domainname", { inside })).toBe(
      "other\nexample.org\n",
    );
  });

  root("sysctls of its own namespaces", async () => {
    using place = new Place();
    const inside: Op[] = [
      { op: "sysctl", name: "net/ipv4/ip_unprivileged_port_start", value: "0" },
      { op: "sysctl", name: "kernel/msgmax", value: "4321" },
    ];
    const said = await shell(
      place,
      "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax",
      { inside },
    );
    expect(said).toBe("0\n4321\n");
    using other = new Place();
    const wrong: Op[] = [{ op: "sysctl", name: "net/nothing", value: "1" }];
    expect(await failureOf(other, containerPlan(other, { argv: ["true"], inside: wrong }))).toMatchObject({
      errno: 2,
      object: "sysctl net/nothing=1",
    });
  });

  root("the network by messages, all of them acknowledged", async () => {
    using place = new Place();
    const bridge = createBridge({ name: "br7", mac: "02:00:00:00:00:07", mtu: 1400 });
    const messages = concat([setLinkUp(1), bridge]);
    const inside: Op[] = [{ op: "netlink", label: "lo up", messages, count: 2 }];
    const said = await shell(place, "ip -o link | cut -d: -f2,3 | cut -c1-40", { inside });
    expect(said).toContain("lo: <LOOPBACK,UP");
    expect(said).toContain("br7: ");
    using other = new Place();
    const failed = await failureOf(
      other,
      containerPlan(other, {
        argv: ["true"],
        inside: [{ op: "netlink", label: "up", messages: setLinkUp(4711), count: 1 }],
      }),
    );
    expect(failed).toMatchObject({ errno: 19, object: "netlink: up" });
  });

  root("messages of which more are expected than there are do not wait for ever", async () => {
    using place = new Place();
    const inside: Op[] = [{ op: "netlink", label: "lo up", messages: setLinkUp(1), count: 2 }];
    const failed = await failureOf(place, containerPlan(place, { argv: ["true"], inside }));
    expect(failed).toMatchObject({ errno: 11, object: "netlink: lo up" });
  });

  root("limits; one that may not rise is given as far as it goes, with a warning", async () => {
    using place = new Place();
    const inside: Op[] = [
      { op: "rlimit", resource: 7, soft: 100n, hard: 200n },
      { op: "rlimit", resource: 4, soft: 0n, hard: 0n },
    ];
    expect(await shell(place, "ulimit -Sn; ulimit -Hn; ulimit -c", { inside })).toBe("100\n200\n0\n");
    using other = new Place();
    const plan = containerPlan(other, {
      argv: ["sh", "-c", "ulimit -Hn"],
      inside: [{ op: "rlimit", resource: 7, soft: 300n, hard: 1n << 30n }],
    });
    const index = plan.findLastIndex(({ op }) => op === "rlimit");
    await using shim = await Shim.launch(other, plan);
    shim.start();
    const messages = await shim.control.rest();
    const warned = messages.some(
      (message) => message.type === "warning" && message.op === index && message.errno === 1,
    );
    const failed = messages.some((message) => message.type === "failed");
    expect(failed ? "failed" : warned || other.entries()[0]?.log === `${1 << 30}\n`).toBe(true);
  });

  root("umask, and the score that the kernel kills by", async () => {
    using place = new Place();
    const inside: Op[] = [
      { op: "umask", mask: 0o77 },
      { op: "oom-score", value: 321 },
    ];
    expect(await shell(place, "umask; cat /proc/self/oom_score_adj", { inside })).toBe("0077\n321\n");
    using other = new Place();
    expect(await shell(other, "umask; touch /tmp/f; stat -c %a /tmp/f")).toBe("0022\n644\n");
  });

  const none = "0".repeat(16);
  const docker = "00000000a80425fb";
  const bindService = "0000000000000400";
  const all = (mask: bigint) => ({ effective: mask, permitted: mask, inheritable: 0n, ambient: 0n });
  root.each([
    ["docker's", "", all(DEFAULT_CAPABILITIES), [none, docker, docker, docker, none]],
    ["root gets none without permission", "", all(0n), [none, docker, docker, docker, none]],
    ["of a user: gone at the exec", "ada", all(1024n), [none, none, none, docker, none]],
    [
      "of a user: ambient ones stay",
      "ada",
      { effective: 1024n, permitted: 1024n, inheritable: 1024n, ambient: 1024n },
      [bindService, bindService, bindService, docker, bindService],
    ],
  ])("capabilities, %s", async (_, user, capabilitySets, expected) => {
    using place = new Place();
    const script = "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | cut -f2 | tr '\\n' ' '";
    const plan = containerPlan(place, { argv: ["sh", "-c", script], user, capabilitySets });
    await using shim = await Shim.launch(place, plan);
    shim.start();
    await shim.exited();
    expect(place.entries()[0]?.log.trim().split(" ")).toEqual(expected);
  });

  root("no new privileges, and a seccomp filter", async () => {
    using place = new Place();
    const program = concat([
      instruction(0x20, 0, 0, 0), // the number of the system call
      instruction(0x15, 0, 1, 83), // mkdir(2)
      instruction(0x06, 0, 0, 0x00050001), // EPERM
      instruction(0x06, 0, 0, 0x7fff0000), // allowed
    ]);
    const inside: Op[] = [{ op: "no-new-privs" }, { op: "seccomp", flags: 0, program }];
    const said = await shell(
      place,
      "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status | cut -f2; mkdir /tmp/x",
      { inside },
    );
    expect(said).toContain("1\n2\n");
    expect(said).toContain("Operation not permitted");
  });

  root("a seccomp listener goes to who waits for it, with what it is told of the process", async () => {
    using place = new Place();
    const { promise: told, resolve } = Promise.withResolvers<string>();
    using agent = Bun.listen({
      unix: `${place.top}/agent`,
      socket: { data: (_, bytes) => resolve(bytes.toString()) },
    });
    const before: Op[] = [
      {
        op: "seccomp-listener",
        path: agent.unix,
        introduction: ["<", " is the process, ", ">"],
        entering: false,
      },
    ];
    const inside: Op[] = [
      { op: "seccomp-messenger" },
      { op: "seccomp", flags: NEW_LISTENER, program: ALLOW_ALL },
    ];
    await using shim = await Shim.container(place, { argv: ["true"], before, inside });
    shim.start();
    const { pid } = await shim.running();
    expect(await told).toBe(`<${pid} is the process, ${pid}>`);
    expect((await shim.exited()).exitCode).toBe(0);
  });

  root("a filter for a listener that nobody was named for is not loaded", async () => {
    using place = new Place();
    const inside: Op[] = [
      { op: "seccomp-messenger" },
      { op: "seccomp", flags: NEW_LISTENER, program: ALLOW_ALL },
    ];
    const { object } = await failureOf(place, containerPlan(place, { argv: ["true"], inside }));
    expect(object).toContain("send to seccomp listener");
  });
});

describe("how it runs", () => {
  root.each<[string, Op, string, string]>([
    [
      "a policy",
      { op: "scheduler", policy: 3, flags: 0, nice: 5, priority: 0, runtime: 0, deadline: 0, period: 0 },
      "cut -d' ' -f19,41 /proc/self/stat",
      "5 3\n",
    ],
    ["an I/O priority", { op: "io-priority", value: (2 << 13) | 6 }, "ionice -p $$", "best-effort: prio 6\n"],
    [
      "CPUs",
      { op: "affinity", cpus: [1n, 0n] },
      "grep Cpus_allowed_list /proc/self/status",
      "Cpus_allowed_list:\t0\n",
    ],
    ["a personality", { op: "personality", persona: 8 }, "uname -m", "i686\n"],
    [
      "a memory policy",
      { op: "memory-policy", mode: 2, nodes: [1n] },
      "head -n 1 /proc/self/numa_maps | cut -d' ' -f2",
      "bind:0\n",
    ],
    [
      "the memory policy that all have",
      { op: "memory-policy", mode: 0, nodes: [] },
      "head -n 1 /proc/self/numa_maps | cut -d' ' -f2",
      "default\n",
    ],
  ])("%s is the program's", async (_, op, script, expected) => {
    using place = new Place();
    expect(await shell(place, script, { inside: [op] })).toBe(expected);
  });

  root.each<[string, Op, number, string]>([
    [
      "a policy",
      { op: "scheduler", policy: 99, flags: 0, nice: 0, priority: 0, runtime: 0, deadline: 0, period: 0 },
      22,
      "sched_setattr policy 99",
    ],
    ["an I/O priority", { op: "io-priority", value: 7 << 13 }, 22, "ioprio_set 0xe000"],
    ["CPUs", { op: "affinity", cpus: [0n] }, 22, "sched_setaffinity"],
    ["a memory policy", { op: "memory-policy", mode: 99, nodes: [] }, 22, "set_mempolicy 0x63"],
  ])("%s that the kernel does not take fails by its name", async (_, op, errno, object) => {
    using place = new Place();
    expect(await failureOf(place, containerPlan(place, { argv: ["true"], inside: [op] }))).toMatchObject({
      errno,
      object,
    });
  });
});

describe("a hook", () => {
  function hook(script: string, more: Partial<Extract<Op, { op: "hook" }>> = {}): Op {
    return {
      op: "hook",
      name: "the hook",
      path: "/bin/sh",
      argv: ["sh", "-c", script],
      env: [PATH, "A=1"],
      state: ["<", ">"],
      timeoutMs: 0,
      atRoot: false,
      ...more,
    };
  }

  root("before the pivot is the host's program in the root; behind it the container's", async () => {
    using place = new Place();
    const mounts = [hook("cat >state; pwd >>state; readlink /proc/self/exe >>state", { atRoot: true })];
    const inside = [hook("(cat; echo; pwd; echo $A; umask) >/dev/shm/state")];
    const said = await shell(place, "cat /state /dev/shm/state", { mounts, inside });
    expect(said).toMatch(new RegExp(`^<1>${place.root}\\n/\\S+\\n<1>\\n/\\n1\\n0022\\n$`));
  });

  root("keeps no descriptor of ours", async () => {
    using place = new Place();
    const inside = [
      hook("for fd in 3 4 5 6 7 8 9; do test -e /proc/self/fd/$fd && echo $fd; done >/dev/shm/open; true"),
    ];
    expect(await shell(place, "cat /dev/shm/open", { inside })).toBe("");
  });

  root.each<[string, Op, number, string]>([
    [
      "that fails is told with its output",
      hook("echo why >&2; exit 7"),
      0,
      'the hook "/bin/sh" exited with 7: why\n',
    ],
    [
      "that is killed is told with its signal",
      hook("kill -9 $$"),
      0,
      'the hook "/bin/sh" was ended by signal 9',
    ],
    [
      "that takes too long is ended",
      hook("exec sleep 60", { timeoutMs: 1000 }),
      0,
      'the hook "/bin/sh" ran past its timeout of 1 seconds',
    ],
    ["that is not there is told by its path", hook("", { path: "/no/hook" }), 2, 'the hook "/no/hook"'],
    ["without arguments is none", hook("", { argv: [], env: [] }), 7, "the hook with 0 arguments"],
  ])("%s", async (_, op, errno, object) => {
    using place = new Place();
    expect(await failureOf(place, containerPlan(place, { argv: ["true"], inside: [op] }))).toMatchObject({
      errno,
      object,
    });
  });

  root("waits for its barrier, and a start that comes early opens both", async () => {
    using place = new Place();
    const plan = containerPlan(place, {
      argv: ["true"],
      mounts: [{ op: "barrier", for: "hooks" }, hook("true")],
    });
    await using shim = await Shim.launch(place, plan);
    expect(await shim.control.next("barrier")).toMatchObject({ barrier: 1 });
    shim.control.send(hooksDoneFrame());
    await shim.control.next("state", ({ phase }) => phase === 2);
    shim.start();
    expect((await shim.exited()).exitCode).toBe(0);
    using other = new Place();
    await using early = await Shim.launch(
      other,
      containerPlan(other, { argv: ["true"], mounts: [{ op: "barrier", for: "hooks" }] }),
    );
    early.start();
    expect((await early.exited()).exitCode).toBe(0);
  });
});

describe("the host", () => {
  root("mkdir and write before the clone; what may fail is a warning", async () => {
    using place = new Place();
    writeFileSync(`${place.top}/file`, "");
    const before: Op[] = [
      { op: "mkdir", path: `${place.top}/made`, mode: 0o711, existOk: false },
      { op: "mkdir", path: `${place.top}/made`, mode: 0o711, existOk: true },
      { op: "write", path: `${place.top}/file`, data: "written", optional: false },
      { op: "write", path: `${place.top}/absent`, data: "written", optional: true },
    ];
    await using shim = await Shim.container(place, { argv: ["true"], before });
    shim.start();
    await shim.exited();
    expect(statSync(`${place.top}/made`).mode & 0o777).toBe(0o711);
    expect(readFileSync(`${place.top}/file`, "utf8")).toBe("written");
  });

  root("keeps nothing: no mount, no process", async () => {
    using place = new Place();
    await runContainer(place, { argv: ["true"] });
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(place.top);
  });
});
