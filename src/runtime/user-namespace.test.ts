import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { makeFifo } from "../kernel/files.ts";
import { probeFeatures } from "../kernel/features.ts";
import type { IdRange } from "../lib/id-map.ts";
import { openNamespacesRuntime } from "./namespaces.ts";
import { missingForContainers, Testbed, textOf, type Wishes } from "./testbed.ts";

const missing = missingForContainers();
if (missing !== undefined) console.log(`skipped: containers in user namespaces: ${missing}`);

const BASE = 300_000;
const range = (containerID: number, hostID: number, size: number): IdRange => ({ containerID, hostID, size });
const RANGES = [range(0, BASE, 1000), range(1000, 900_000, 64_000)];

describe.if(missing === undefined)("in a user namespace", () => {
  const bed = new Testbed();
  afterAll(() => bed[Symbol.asyncDispose]());

  function wishes({ linux, ...more }: Wishes = {}, map: readonly IdRange[] = RANGES): Wishes {
    const { namespaces } = bed.launch(["true"]).spec.linux;
    const users = {
      namespaces: [...namespaces, { type: "user" } as const],
      uidMappings: map,
      gidMappings: map,
    };
    return { ...more, linux: { ...users, ...linux } };
  }

  function directory(name: string, owner: number): string {
    const path = `${bed.directory}/${name}`;
    mkdirSync(path, { mode: 0o755 });
    chownSync(path, owner, owner);
    return path;
  }

  test("root is root inside and one of the mapped ids outside, also in several ranges", async () => {
    const { output, exitCode } = await bed.run(
      ["sh", "-c", "id -u; id -g; id -G; cat /proc/self/uid_map"],
      wishes(),
    );
    expect(exitCode).toBe(0);
    const lines = output.split("\n").map((line) => line.trim().replaceAll(/\s+/g, " "));
    expect(lines.slice(0, 5)).toEqual(["0", "0", "0", "0 300000 1000", "1000 900000 64000"]);
  });

  test("the process is nobody of the host's, and another user is another id", async () => {
    const launch = bed.launch(
      ["sleep", "60"],
      wishes({ process: { user: { uid: 1000, gid: 1000, username: "alice" } } }),
    );
    const handle = await bed.runtime.create(launch);
    try {
      await handle.start();
      const status = readFileSync(`/proc/${handle.pid}/status`, "utf8");
      expect(status).toContain("Uid:\t900000\t900000\t900000\t900000");
      expect(status).toContain("Groups:\t300044 900000"); // video, of /etc/group
    } finally {
      await handle.release();
    }
  });

  test.each([
    ["of this machine", probeFeatures()],
    [
      "before 6.15, whose overlays want their layers attached",
      { ...probeFeatures(), kernelVersion: [6, 1] } as const,
    ],
  ])(
    "what it makes is stored with the plain ids, and the image's files are its root's: a kernel %s",
    async (_, features) => {
      const script = "echo new >/new; chown 5:6 /new; rm /etc/plain; stat -c %u:%g /bin/busybox /etc /new";
      const launch = bed.launch(["sh", "-c", `${script}; busybox ${script.split("; ").at(-1)}`], wishes());
      const runtime = openNamespacesRuntime({ instance: bed.instance, features });
      const handle = await runtime.create(launch);
      await handle.start();
      await handle.exited;
      await handle.release();
      expect(bed.logged(launch)).toEndWith("0:0\n0:0\n5:6\n");
      const { upper } = launch.root.kind === "overlay" ? launch.root : { upper: "" };
      const { uid, gid } = statSync(`${upper}/new`);
      expect([uid, gid]).toEqual([5, 6]);
      expect(statSync(`${upper}/etc/plain`).isCharacterDevice()).toBe(true); // a whiteout
    },
  );

  test("a plain bind shows the host's owners as nobody; with idmap they are the container's", async () => {
    const source = directory("binds", 0);
    writeFileSync(`${source}/file`, "", { mode: 0o600 });
    const mounts = ["plain", "mapped"].map((name) => ({
      destination: `/${name}`,
      type: "bind",
      source,
      options: ["bind", ...(name === "mapped" ? ["idmap"] : [])],
    }));
    const script =
      "busybox stat -c %u /plain/file /mapped/file; cat /plain/file && echo read; touch /plain/x; cat /mapped/file && touch /mapped/y && echo mapped";
    const { output } = await bed.run(["sh", "-c", script], wishes({ mounts }));
    expect(output).toContain("65534\n0\n");
    expect(output).toContain("mapped\n");
    expect(output).not.toContain("read\n");
    expect(statSync(`${source}/y`).uid).toBe(0);
    expect(statSync(`${source}/x`, { throwIfNoEntry: false })).toBeUndefined();
  });

  test("what it makes in a plain bind belongs to the mapped id", async () => {
    const source = directory("own", BASE);
    const mounts = [{ destination: "/own", type: "bind", source, options: ["bind"] }];
    await bed.run(["sh", "-c", "echo a >/own/a"], wishes({ mounts }));
    expect(statSync(`${source}/a`).uid).toBe(BASE);
  });

  test("a mount's own mappings count, with a user namespace and without", async () => {
    const source = directory("mapped", 7000);
    const uidMappings = [range(7000, BASE + 3, 1)];
    const mount = {
      destination: "/m",
      type: "bind",
      source,
      options: ["rbind", "ridmap"],
      uidMappings,
      gidMappings: uidMappings,
    };
    const show = ["busybox", "stat", "-c", "%u:%g", "/m"];
    expect((await bed.run(show, wishes({ mounts: [mount] }))).output).toBe("3:3\n");
    expect((await bed.run(show, { mounts: [mount] })).output).toBe(`${BASE + 3}:${BASE + 3}\n`);
  });

  test("time namespaces, control groups and hooks are its own, too", async () => {
    const { namespaces } = bed.launch(["true"]).spec.linux;
    const linux = {
      namespaces: [...namespaces, ...(["user", "time", "cgroup"] as const).map((type) => ({ type }))],
      timeOffsets: { boottime: { secs: 1_000_000_000 } },
    };
    const own = directory("hook", BASE);
    chmodSync(bed.directory, 0o711);
    const launch = bed.launch(
      ["sh", "-c", "cat /proc/uptime; head -n 1 /proc/self/cgroup"],
      wishes({ linux }),
    );
    const touch = (path: string) => ({ path: "/usr/bin/touch", args: ["touch", path] });
    const hooks = { createRuntime: [touch(`${own}/outside`)], createContainer: [touch(`${own}/inside`)] };
    const handle = await bed.runtime.create({ ...launch, spec: { ...launch.spec, hooks } });
    await handle.start();
    await handle.exited;
    await handle.release();
    expect(bed.logged(launch)).toMatch(/^10\d{8}\..*\n\d+:.*:\/\n$/);
    expect(statSync(`${own}/outside`).uid).toBe(0); // by the engine
    expect(statSync(`${own}/inside`).uid).toBe(BASE); // by the container's root
  });

  test("an id that is not mapped is told as such", async () => {
    const process = { user: { uid: 70_000, gid: 0, username: "70000" } };
    expect(bed.run(["true"], wishes({ process }))).rejects.toThrow(
      "an id that the container's user namespace does not have",
    );
  });

  test("the devices work, belong to its root, and no other can be made", async () => {
    const devices = [{ type: "c", path: "/dev/net/tun", major: 10, minor: 200, uid: 0, gid: 5 }] as const;
    const script =
      "echo x >/dev/null && head -c1 /dev/zero | busybox wc -c; busybox stat -c %u:%g:%a /dev /dev/null /dev/net /dev/net/tun; busybox mknod /dev/sda b 8 0 || echo refused";
    const { output } = await bed.run(["sh", "-c", script], wishes({ linux: { devices } }));
    expect(output).toContain("1\n0:0:755\n0:0:666\n0:0:755\n0:5:666\n");
    expect(output).toContain("refused\n");
  });

  test("a terminal is its user's", async () => {
    const launch = bed.launch(
      ["sh", "-c", "tty; busybox stat -c %u /dev/pts/0; busybox ls -n /dev/console"],
      wishes({ process: { terminal: true, user: { uid: 0, gid: 0, username: "alice" } } }),
    );
    const handle = await bed.runtime.create(launch);
    try {
      const stream = await handle.attach({ stdin: false, stdout: true, stderr: true });
      await handle.start();
      expect(await textOf(stream.output)).toContain("/dev/pts/0\r\n1000\r\n");
    } finally {
      await handle.release();
    }
  });

  test("standard output can be opened again by its user", async () => {
    const process = { user: { uid: 0, gid: 0, username: "alice" } };
    expect((await bed.run(["sh", "-c", "echo again >/dev/stdout"], wishes({ process }))).output).toBe(
      "again\n",
    );
  });

  test("an exec enters it and becomes whom it names inside", async () => {
    const launch = bed.launch(["sleep", "60"], wishes());
    const handle = await bed.runtime.create(launch);
    try {
      await handle.start();
      const log = { path: `${bed.directory}/exec-log`, maxBytes: 1 << 20, maxFiles: 1 };
      const target = bed.exec(
        launch,
        handle,
        ["sh", "-c", "id -u; busybox stat -c %u /proc/self/stat; echo again >/dev/stdout"],
        {
          process: { user: { uid: 0, gid: 0, username: "alice" } },
          supervision: { log, waitForStart: true },
        },
      );
      const exec = await bed.runtime.exec({ ...target, idMap: { uid: RANGES, gid: RANGES } });
      await exec.start();
      expect(readFileSync(`/proc/${handle.pid}/status`, "utf8")).toContain(`Uid:\t${BASE}\t`);
      expect((await exec.exited).exitCode).toBe(0);
      await exec.release();
      expect(bed.logged({ ...launch, supervision: { ...launch.supervision, log } })).toBe(
        "1000\n1000\nagain\n",
      );
    } finally {
      await handle.release();
    }
  });

  test("it has every right over what is its own and none over the host's", async () => {
    const script = [
      "hostname changed && hostname",
      "mount -t tmpfs t /tmp && echo mounted",
      "mount -t proc proc /tmp && echo proc",
      "echo 1 >/proc/sys/kernel/panic || echo panic refused",
      "grep CapEff /proc/self/status",
    ].join("; ");
    const process = { capabilities: undefined } as never;
    const { output } = await bed.run(
      ["sh", "-c", script],
      wishes({ process, linux: { seccomp: undefined as never, readonlyPaths: [], maskedPaths: [] } }),
    );
    expect(output).toContain("changed\nmounted\nproc\n");
    expect(output).toContain("panic refused\n");
    expect(output).toContain("CapEff:\t000001ffffffffff\n"); // of its own namespace, whatever the engine lacks
  });

  test.each([
    ["that of a process", (pid: number) => `/proc/${pid}/ns/user`],
    ["one that is mounted or linked somewhere", (pid: number) => `${bed.directory}/users-${pid}`],
  ])("another container joins it by path: %s", async (_, pathOf) => {
    const first = bed.launch(["sleep", "60"], wishes());
    const handle = await bed.runtime.create(first);
    try {
      await handle.start();
      const { namespaces } = bed.launch(["true"]).spec.linux;
      const path = pathOf(handle.pid);
      if (!existsSync(path)) symlinkSync(`/proc/${handle.pid}/ns/user`, path);
      const network = { type: "network", path: `/proc/${handle.pid}/ns/net` } as const;
      const others = namespaces.filter(({ type }) => type !== "network");
      const linux = { namespaces: [...others, network, { type: "user" as const, path }] };
      const { output } = await bed.run(
        ["sh", "-c", "readlink /proc/self/ns/user; readlink /proc/self/ns/net; id -u"],
        {
          linux,
        },
      );
      const links = ["user", "net"].map((name) => `${readlinkSync(`/proc/${handle.pid}/ns/${name}`)}\n`);
      expect(output).toBe(`${links.join("")}0\n`);
    } finally {
      await handle.release();
    }
  });

  test("a pipe in the place of a namespace is refused, not waited at", async () => {
    const path = `${bed.directory}/pipe`;
    makeFifo(path, 0o600);
    const { namespaces } = bed.launch(["true"]).spec.linux;
    const linux = { namespaces: [...namespaces, { type: "user" as const, path }] };
    await expect(bed.run(["true"], { linux })).rejects.toThrow(`join namespace "${path}": invalid argument`);
  });
});
