/** Namespaces, names, kernel settings, devices, masks of a specification, seen from inside a container. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { makeFifo } from "../kernel/files.ts";
import { bytesOf, missingForContainers, Testbed, type Wishes } from "./testbed.ts";
import type { Device, Namespace, NamespaceType } from "./spec.ts";

const missing = missingForContainers();
if (missing !== undefined) console.log(`skipped: tests that start containers: ${missing}`);

describe.skipIf(missing !== undefined)("what a container has of its own", () => {
  const bed = missing === undefined ? new Testbed() : (undefined as never);
  const others = mkdtempSync("/tmp/b-others-");
  const holder = missing === undefined ? holdNamespaces(others) : (undefined as never);
  beforeAll(async () => {
    while (!existsSync(`/proc/${holder.pid}/root${others}/mounted/mark`)) await Bun.sleep(2);
  });
  afterAll(async () => {
    holder?.kill("SIGKILL"); // its children go with it
    await holder?.exited;
    rmSync(others, { recursive: true });
    await bed?.[Symbol.asyncDispose]();
  });

  const defaults: readonly Namespace[] = ["mount", "network", "uts", "pid", "ipc"].map((type) => ({
    type: type as NamespaceType,
  }));
  const inside = async (script: string, wishes: Wishes = {}) =>
    (await bed.run(["sh", "-c", `(${script}) 2>&1`], wishes)).output;
  const withLinux = (linux: Wishes["linux"]) => ({ linux: { ...linux } });

  describe("namespaces", () => {
    const FILES = {
      mount: "mnt",
      network: "net",
      uts: "uts",
      pid: "pid",
      ipc: "ipc",
      cgroup: "cgroup",
      time: "time",
    };
    const identity = (file: string) => `readlink /proc/self/ns/${file}`;

    test.each(Object.entries(FILES))("%s: a new one", async (type, file) => {
      const namespaces = [...defaults.filter((each) => each.type !== type), { type: type as NamespaceType }];
      const said = (await inside(identity(file), withLinux({ namespaces }))).trim();
      expect(said).toStartWith(`${file}:[`);
      expect(said).not.toBe(readlinkSync(`/proc/self/ns/${file}`));
    });

    const { mount: _, ...joinable } = FILES; // that one has a test of its own
    test.each(Object.entries(joinable))("%s: one that exists", async (type, file) => {
      const path = `/proc/${holder.pid}/ns/${file === "pid" || file === "time" ? `${file}_for_children` : file}`;
      const namespaces = [
        ...defaults.filter((each) => each.type !== type),
        { type: type as NamespaceType, path },
      ];
      const said = await inside(identity(file), withLinux({ namespaces }));
      expect(said.trim()).toBe(readlinkSync(path));
      expect(said.trim()).not.toBe(readlinkSync(`/proc/self/ns/${file}`));
    });

    test.each<[NamespaceType, string]>([
      ["network", "/no/such"],
      ["network", "/etc/passwd"],
      ["mount", "/no/such"],
    ])("%s: %s is none, and says so", async (type, path) => {
      const namespaces = [...defaults.filter((each) => each.type !== type), { type, path }];
      await expect(bed.run(["true"], withLinux({ namespaces }))).rejects.toThrow(`join namespace "${path}"`);
    });

    test("the mounts of others are there to be bound, and stay as they are", async () => {
      const namespaces = [
        ...defaults.slice(1),
        { type: "mount", path: `/proc/${holder.pid}/ns/mnt` },
      ] as const;
      const launch = bed.launch(["cat", "/in/mark"], {
        linux: { namespaces },
        mounts: [{ destination: "/in", type: "bind", source: `${others}/mounted` }],
      });
      const root = { kind: "directory", path: `${bed.directory}/copy` } as const;
      Bun.spawnSync(["cp", "-a", `${bed.directory}/layers/l/1`, root.path]);
      const { spec } = launch;
      const mounts = (spec.mounts ?? []).filter(({ destination }) => destination === "/in");
      const bare = { maskedPaths: [], readonlyPaths: [] };
      const handle = await bed.runtime.create({
        ...launch,
        root,
        spec: { ...spec, mounts, linux: { ...spec.linux, ...bare } },
      });
      await handle.start();
      expect(await handle.exited).toMatchObject({ exitCode: 0 });
      await handle.release();
      expect(bed.logged(launch)).toBe("of others\n");
      expect(readlinkSync(`/proc/${holder.pid}/root`)).toBe("/");
    });

    test("of time have clocks of their own, which an exec sees as well", async () => {
      const ahead = 10_000_000;
      const launch = bed.launch(["sleep", "60"], {
        linux: {
          namespaces: [...defaults, { type: "time" }],
          timeOffsets: { boottime: { secs: ahead, nanosecs: 7 }, monotonic: { secs: 5, nanosecs: 6 } },
        },
      });
      const handle = await bed.runtime.create(launch);
      await handle.start();
      const exec = await bed.runtime.exec(
        bed.exec(launch, handle, ["sh", "-c", "cat /proc/uptime /proc/self/timens_offsets"]),
      );
      const stream = await exec.attach({ stdin: true, stdout: true, stderr: true });
      await exec.start();
      const said = (await bytesOf(stream.output)).subarray(8).toString();
      await exec.release();
      await handle.release();
      expect(Number.parseFloat(said)).toBeGreaterThan(ahead);
      expect(said.replaceAll(/ +/g, " ")).toContain(`monotonic 5 6\nboottime ${ahead} 7\n`);
    });

    test("an offset that the kernel does not take fails the start with the kernel's words", async () => {
      const linux = {
        namespaces: [...defaults, { type: "time" } as const],
        timeOffsets: { boottime: { secs: -1_000_000_000 } },
      };
      await expect(bed.run(["true"], { linux })).rejects.toThrow("numerical result out of range");
    });
  });

  test("names of its own; an empty one is none", async () => {
    const launch = bed.launch(["sh", "-c", "hostname; cat /proc/sys/kernel/domainname"]);
    const { spec } = launch;
    const handle = await bed.runtime.create({
      ...launch,
      spec: { ...spec, hostname: "", domainname: "example.org" },
    });
    await handle.start();
    await handle.exited;
    await handle.release();
    expect(bed.logged(launch)).toBe(`${Bun.spawnSync(["hostname"]).stdout.toString()}example.org\n`);
  });

  test("kernel settings of its namespaces, named with dots or slashes", async () => {
    const sysctl = {
      "net.ipv4.ip_forward": "1",
      "net/ipv4/conf/lo/rp_filter": "2",
      "kernel.msgmax": "4321",
      "kernel.sem": "250 32000 32 129",
      "fs.mqueue.msg_max": "11",
      "kernel.domainname": "by.sysctl",
    };
    const files =
      "net/ipv4/ip_forward net/ipv4/conf/lo/rp_filter kernel/msgmax kernel/sem fs/mqueue/msg_max kernel/domainname";
    const said = await inside(`cd /proc/sys; cat ${files}`, withLinux({ sysctl }));
    expect(said).toBe("1\n2\n4321\n250\t32000\t32\t129\n11\nby.sysctl\n");
  });

  test("kernel settings of a network namespace that exists, but not of the host's", async () => {
    const joining = (path: string): Wishes => ({
      linux: {
        namespaces: [...defaults.filter(({ type }) => type !== "network"), { type: "network", path }],
        sysctl: { "net.ipv4.ip_default_ttl": "77" },
      },
    });
    const path = `/proc/${holder.pid}/ns/net`;
    expect(await inside("cat /proc/sys/net/ipv4/ip_default_ttl", joining(path))).toBe("77\n");
    await expect(bed.run(["true"], joining("/proc/self/ns/net"))).rejects.toThrow(
      'sysctl "net.ipv4.ip_default_ttl" not allowed in host network namespace',
    );
    expect(readFileSync("/proc/sys/net/ipv4/ip_default_ttl", "utf8")).not.toBe("77\n");
  });

  test("a loopback device that is up, in a network namespace of its own", async () => {
    expect(await inside("cat /sys/class/net/lo/operstate; cat /proc/net/route | head -1 | cut -c1-5")).toBe(
      "unknown\nIface\n",
    );
  });

  describe("devices", () => {
    const made = (devices: readonly Device[], script: string, wishes: Wishes = {}) =>
      inside(script, { ...wishes, linux: { devices, ...wishes.linux } });
    const device = (change: Partial<Device>): Device => ({
      type: "c",
      path: "/dev/x",
      major: 1,
      minor: 5,
      ...change,
    });

    test.each<[string, Partial<Device>, string]>([
      ["a character device", { fileMode: 0o640, uid: 3, gid: 4 }, "character special file 640 3:4 1,5"],
      ["an unbuffered one", { type: "u" }, "character special file 666 0:0 1,5"],
      ["a block device", { type: "b", major: 7, minor: 0x123 }, "block special file 666 0:0 7,123"],
      ["a pipe", { type: "p", fileMode: 0o711 }, "fifo 711 0:0 0,0"],
      ["one in a directory", { path: "/dev/deep/er/x" }, "character special file 666 0:0 1,5"],
      ["one that is not in /dev", { path: "/srv/x" }, "character special file 666 0:0 1,5"],
      ["a relative one", { path: "dev/../dev/x" }, "character special file 666 0:0 1,5"],
    ])("are what their fields say: %s", async (_, change, expected) => {
      const path = change.path?.startsWith("dev/") ? "/dev/x" : (change.path ?? "/dev/x");
      const said = await made([device(change)], `busybox stat -c '%F %a %u:%g %t,%T' ${path}`);
      expect(said).toBe(`${expected}\n`);
    });

    test("those that every container has, and the names of its streams; one of one's own wins", async () => {
      const zero = device({ path: "/dev/zero", fileMode: 0o600 });
      const said = await made(
        [zero],
        "cd /dev; busybox stat -c '%n %a %t,%T' null zero full random urandom tty; for each in fd stdin stdout stderr ptmx; do readlink $each; done",
      );
      expect(said).toBe(
        "null 666 1,3\nzero 600 1,5\nfull 666 1,7\nrandom 666 1,8\nurandom 666 1,9\ntty 666 5,0\n" +
          "/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n",
      );
    });

    test("without a mount on /dev they are made in the root; what stands in their place is no device", async () => {
      const launch = bed.launch(["sh", "-c", "ls -l /dev/null /dev/full | cut -c1"]);
      const without = (more: readonly Device[] = []) => ({
        ...launch,
        spec: {
          ...launch.spec,
          mounts: (launch.spec.mounts ?? []).filter(({ destination }) => !destination.startsWith("/dev")),
          linux: { ...launch.spec.linux, devices: more },
        },
      });
      const handle = await bed.runtime.create(without());
      await handle.start();
      await handle.exited;
      await handle.release();
      expect(bed.logged(launch)).toBe("c\nc\n");
      const upper = launch.root.kind === "overlay" ? launch.root.upper : "";
      mkdirSync(`${upper}/dev`, { recursive: true });
      writeFileSync(`${upper}/dev/fake`, "");
      rmSync(`${upper}/../work/work/incompat`, { recursive: true }); // it is mounted a second time
      const again = await bed.runtime.create(without([device({ path: "/dev/fake" })]));
      await expect(again.start()).rejects.toThrow('mknod "/dev/fake": file exists');
      await again.release();
    });
  });

  describe("network devices", () => {
    let count = 0;
    /** Its peer goes when the kernel has had the time to clean up the namespace. */
    const device = (more: (name: string) => readonly string[] = () => []): string => {
      const name = `d${process.pid % 100_000}x${++count}`;
      for (const words of [
        `link add ${name} mtu 1400 address 02:00:00:00:00:42 type veth peer name p${name}`.split(" "),
        ...more(name).map((each) => each.split(" ")),
      ])
        expect(Bun.spawnSync(["ip", ...words]).stderr.toString()).toBe("");
      return name;
    };
    const there = (name: string) => Bun.spawnSync(["ip", "link", "show", name]).exitCode === 0;
    const look = "busybox ip -o address; busybox ip -o link";

    test("move into the container with address, MTU and MAC, under another name", async () => {
      const name = device((self) => [
        `address add 10.98.7.6/24 broadcast + dev ${self}`,
        `-6 address add fd98::6/64 dev ${self} nodad`,
        `link set ${self} up`,
      ]);
      const said = await inside(look, withLinux({ netDevices: { [name]: { name: "inner0" } } }));
      expect(said).toContain("inner0    inet 10.98.7.6/24 brd 10.98.7.255 scope global");
      expect(said).toContain("inner0    inet6 fd98::6/64 scope global");
      expect(said).toMatch(/inner0@\S+: <[^>]*\bUP\b[^>]*> mtu 1400 .*02:00:00:00:00:42/);
      expect(said).toMatch(/lo: <LOOPBACK,UP/);
      expect(there(name)).toBe(false); // gone with its namespace: it was no hardware
    });

    test("move into a namespace that exists, and stay there", async () => {
      const name = device();
      const path = `/proc/${holder.pid}/ns/net`;
      const namespaces = [
        ...defaults.filter(({ type }) => type !== "network"),
        { type: "network", path } as const,
      ];
      const said = await inside(look, withLinux({ namespaces, netDevices: { [name]: {} } }));
      expect(said).toMatch(new RegExp(`${name}@\\S+: <[^>]*\\bUP\\b`));
      expect(there(name)).toBe(false);
      Bun.spawnSync(["nsenter", `--net=${path}`, "ip", "link", "delete", name]);
    });

    test("move into no namespace that is a pipe, and nobody waits at that", async () => {
      const name = device();
      const path = `${bed.directory}/pipe`;
      makeFifo(path, 0o600);
      const namespaces = [
        ...defaults.filter(({ type }) => type !== "network"),
        { type: "network", path } as const,
      ];
      const running = bed.run(["true"], withLinux({ namespaces, netDevices: { [name]: {} } }));
      await expect(running).rejects.toThrow(`join namespace "${path}": invalid argument`);
      Bun.spawnSync(["ip", "link", "delete", name]);
    });

    test.each<[string, Wishes["linux"], string]>([
      [
        "one that is not there",
        { netDevices: { nothing0: {} } },
        'find network device "nothing0": no such device',
      ],
      ["a name that none can have", { netDevices: { lo: { name: "a/b" } } }, 'invalid device name "a/b"'],
      [
        "two of one name",
        { netDevices: { lo: { name: "x" }, nothing0: { name: "x" } } },
        'two devices would be "x"',
      ],
      ["the loopback device", { netDevices: { lo: { name: "mine" } } }, 'move network device "lo"'],
      [
        "without a network namespace",
        { netDevices: { lo: {} }, namespaces: defaults.filter(({ type }) => type !== "network") },
        "without a private NET namespace",
      ],
      [
        "into the host's",
        {
          netDevices: { lo: {} },
          namespaces: [
            ...defaults.filter(({ type }) => type !== "network"),
            { type: "network", path: "/proc/self/ns/net" },
          ],
        },
        "to the host's network namespace",
      ],
    ])("%s is refused", async (_, linux, words) => {
      await expect(bed.run(["true"], withLinux(linux))).rejects.toThrow(words);
    });
  });

  describe("masked and read-only paths", () => {
    test("may be files, directories, links, absent, or named twice", async () => {
      const lower = `${bed.directory}/layers/l/1`;
      mkdirSync(`${lower}/secret/deep`, { recursive: true });
      writeFileSync(`${lower}/secret/deep/file`, "secret\n");
      writeFileSync(`${lower}/plain`, "secret\n");
      Bun.spawnSync(["ln", "-s", "/secret/deep", `${lower}/way`]);
      const said = await inside("cat /plain; ls /way /secret/deep; cat /etc/plain; touch /etc/x /tmp/x", {
        linux: {
          maskedPaths: ["/plain", "/plain", "/way", "/secret/deep", "/absent", "/plain/below"],
          readonlyPaths: ["/etc", "/etc", "/absent/too"],
        },
      });
      expect(said).toBe("/secret/deep:\n\n/way:\nno programtouch: /etc/x: Read-only file system\n");
    });
  });
});

/** A process with children in new namespaces of all kinds, and a file system mounted below `place`. */
function holdNamespaces(place: string): Bun.Subprocess {
  mkdirSync(`${place}/mounted`);
  const words = "--mount --net --uts --ipc --cgroup --time --pid --propagation private --kill-child".split(
    " ",
  );
  const script = `mount -t tmpfs others ${place}/mounted && echo of others >${place}/mounted/mark; exec sleep 1000`;
  return Bun.spawn(["unshare", ...words, "--fork", "sh", "-c", script], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
}
