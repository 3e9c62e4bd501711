/** The `mounts` of a specification, `linux.rootfsPropagation` and `root.readonly`, seen from inside a container and from the host. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { DEFAULT_CAPABILITIES } from "./capabilities.ts";
import type { Mount } from "./spec.ts";
import { bytesOf, missingForContainers, Testbed, type Wishes } from "./testbed.ts";

const missing = missingForContainers();
if (missing !== undefined) console.log(`skipped: tests that start containers: ${missing}`);

const MOUNTER = [...DEFAULT_CAPABILITIES, "CAP_SYS_ADMIN"];
const mayMount = { capabilities: { bounding: MOUNTER, effective: MOUNTER, permitted: MOUNTER } };

function host(...command: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
  return stdout.toString();
}

/** The lines of mountinfo at a path: its options, its tags (`shared:1`), its file system's options. */
function mountinfo(text: string, path: string): { options: string; tags: string; super: string }[] {
  return text
    .split("\n")
    .map((line) => line.split(" - "))
    .filter(([left]) => left?.split(" ")[4] === path)
    .map(([left = "", right = ""]) => ({
      options: left.split(" ")[5] ?? "",
      tags: left.split(" ").slice(6).join(" "),
      super: right.split(" ").slice(2).join(" "),
    }));
}

describe.skipIf(missing !== undefined)("mounts of a specification", () => {
  const bed = missing === undefined ? new Testbed() : (undefined as never);
  const shared = `${bed?.directory}/shared`;
  if (missing === undefined) {
    mkdirSync(shared);
    host("mount", "-t", "tmpfs", bed.instance, shared);
    host("mount", "--make-shared", shared);
    for (const name of ["sub", "dir", "place"]) mkdirSync(`${shared}/${name}`);
    host("mount", "-t", "tmpfs", "below", `${shared}/sub`);
    writeFileSync(`${shared}/file`, "a file\n");
  }
  afterAll(async () => {
    if (missing !== undefined) return;
    host("umount", "-R", shared);
    await bed[Symbol.asyncDispose]();
  });

  async function inside(script: string, mounts: readonly Mount[], wishes: Wishes = {}): Promise<string> {
    return (await bed.run(["sh", "-c", `(${script}) 2>&1`], { mounts, ...wishes })).output;
  }
  const seen = async (path: string, mount: Mount, wishes?: Wishes) =>
    mountinfo(await inside("cat /proc/self/mountinfo", [mount], wishes), path);
  const bind = (...options: string[]): Mount => ({
    destination: "/b",
    type: "bind",
    source: shared,
    options,
  });

  const attributes = "nosuid nodev noexec noatime nodiratime nosymfollow".split(" ");
  test.each([
    ...attributes.map((word): [string[], string, string] => [[`r${word}`], word, word]),
    [["rro"], "ro", "ro"],
    [["ro"], "ro", "rw"],
    ...attributes.map((word): [string[], string, string] => [[word], word, ""]),
    [["rstrictatime"], "rw", "rw"],
  ])(
    "the options %p of a bind are %p for itself, %p for what is mounted below",
    async (words, own, below) => {
      const text = await inside("cat /proc/self/mountinfo", [bind("rbind", ...words)]);
      expect(mountinfo(text, "/b")[0]?.options.split(",")).toContain(own);
      const options = mountinfo(text, "/b/sub")[0]?.options.split(",");
      if (below === "") expect(options).not.toContain(own);
      else expect(options).toContain(below);
      if (words[0] === "rstrictatime") expect(text).not.toMatch(/ \/b[^ ]* [^ ]*relatime/);
    },
  );

  test.each([
    ["rw", "ro"],
    ["suid", "nosuid"],
    ["dev", "nodev"],
    ["exec", "noexec"],
    ["diratime", "nodiratime"],
    ["atime", "noatime"],
    ["symfollow", "nosymfollow"],
  ])("r%s takes %s away again, of all that is mounted below", async (word, opposite) => {
    const text = await inside("cat /proc/self/mountinfo", [bind("rbind", `r${opposite}`, `r${word}`)]);
    for (const path of ["/b", "/b/sub"])
      expect(mountinfo(text, path)[0]?.options.split(",")).not.toContain(opposite);
  });

  test("each of the words that choose nothing leaves a mount as it is", async () => {
    const words =
      "defaults rrelatime relatime norelatime rnorelatime nostrictatime rnostrictatime loud silent";
    const [mount] = await seen("/b", bind("rbind", ...words.split(" ")));
    expect(mount?.options).toBe("rw,relatime");
  });

  test("a plain bind leaves out what is mounted below; without the word bind all comes along", async () => {
    const mounts: Mount[] = [bind("bind"), { destination: "/all", type: "bind", source: shared }];
    const text = await inside("cat /proc/self/mountinfo", mounts);
    expect(mountinfo(text, "/b/sub")).toEqual([]);
    expect(mountinfo(text, "/all/sub")).toHaveLength(1);
  });

  test.each<[string, readonly string[], string]>([
    ["sync", ["sync"], "sync"],
    ["dirsync", ["dirsync"], "dirsync"],
    ["lazytime", ["lazytime"], "lazytime"],
    ["mand", ["mand", "nomand", "mand"], "rw"],
    ["its own", ["size=64k", "nr_inodes=10"], "size=64k,nr_inodes=10"],
    ["iversion", ["iversion", "size=64k"], "size=64k"],
  ])("a new file system has the options of the whole of it: %s", async (_, options, expected) => {
    const [mount] = await seen("/t", { destination: "/t", type: "tmpfs", source: "tmpfs", options });
    expect(mount?.super).toContain(expected);
  });

  test("a later word takes an earlier one back", async () => {
    const options = ["sync", "async", "lazytime", "nolazytime", "iversion", "noiversion", "noexec", "exec"];
    const [mount] = await seen("/t", { destination: "/t", type: "tmpfs", options });
    expect(mount).toMatchObject({ options: "rw,relatime", super: "rw" });
  });

  test("mounts are made in the order in which they are given", async () => {
    const mounts: Mount[] = [
      { destination: "/a/b", type: "tmpfs" },
      { destination: "/a", type: "bind", source: shared },
    ];
    expect(await inside("cat /a/file; test -e /a/b || echo hidden", mounts)).toBe("a file\nhidden\n");
  });

  test("a source may be a file, a socket, a pipe; a target is made, and is what the source is", async () => {
    const listener = Bun.listen({ unix: `${bed.directory}/socket`, socket: { data: () => undefined } });
    host("mkfifo", `${bed.directory}/pipe`);
    const mounts = ["shared/file", "socket", "pipe", "shared/dir"].map((name): Mount => ({
      destination: `/made/for/${name}`,
      type: "bind",
      source: `${bed.directory}/${name}`,
    }));
    const said = await inside(
      "cd /made/for; for each in shared/file socket pipe shared/dir; do ls -ld $each; done",
      mounts,
    );
    listener.stop();
    expect(said.split("\n").map((line) => line.slice(0, 1))).toEqual(["-", "s", "p", "d", ""]);
  });

  test("a file is no place for a directory, nor a directory for a file", async () => {
    const onto = (source: string, destination: string) =>
      inside("true", [{ destination, type: "bind", source }]);
    await expect(onto(shared, "/etc/passwd")).rejects.toThrow("not a directory");
    await expect(onto(`${shared}/file`, "/etc")).rejects.toThrow("is a directory");
  });

  test("a destination is relative to the root, and cannot climb above it", async () => {
    const mounts: Mount[] = [
      { destination: "rel/../here", type: "bind", source: `${shared}/file` },
      { destination: "/../../up", type: "bind", source: `${shared}/file` },
    ];
    expect(await inside("cat /here /up", mounts)).toBe("a file\na file\n");
  });

  test("a link of the image leads inside the image", async () => {
    const lower = `${bed.directory}/layers/l/1`;
    symlinkSync("/outside", `${lower}/link`);
    symlinkSync("../../../../far/file", `${lower}/dangling`);
    mkdirSync(`${lower}/outside`);
    const mounts: Mount[] = [
      { destination: "/link/data", type: "bind", source: shared },
      { destination: "/dangling", type: "bind", source: `${shared}/file` },
    ];
    expect(await inside("cat /outside/data/file /far/file", mounts)).toBe("a file\na file\n");
    expect(existsSync("/outside") || existsSync("/far")).toBe(false);
  });

  test("what is mounted onto the root is the root", async () => {
    const other = `${bed.directory}/other`;
    host("cp", "-a", `${bed.directory}/layers/l/1`, other);
    writeFileSync(`${other}/mark`, "other\n");
    const mounts: Mount[] = [
      { destination: ".", type: "bind", source: other, options: ["bind"] },
      { destination: "/tmp", type: "tmpfs" },
    ];
    expect(await inside("cat /mark; touch /x /tmp/y; ls /dev/null", mounts)).toBe("other\n/dev/null\n");
    expect([existsSync(`${other}/x`), existsSync(`${other}/tmp/y`)]).toEqual([true, false]);
  });

  test.each<[Mount["destination"], Partial<Mount>, string]>([
    ["/proc", { type: "tmpfs" }, '"/proc" cannot be mounted because it is not of type proc'],
    ["/proc", { type: "bind", source: "/tmp" }, '"/proc" cannot be mounted because it is not of type proc'],
    ["/proc/self/attr", { type: "tmpfs" }, "is inside /proc"],
    ["/proc/sys/kernel", { type: "bind", source: "/tmp" }, "is inside /proc"],
    ["/x", { type: "bind", source: "/no/such" }, 'bind source "/no/such": no such file or directory'],
    ["/x", { type: "bind" }, "has no source"],
    ["/x", { type: "nothingfs" }, "no such device"],
    ["/x", { type: "tmpfs", options: ["shiny"] }, "fsconfig shiny: invalid argument"],
    ["/x", { type: "tmpfs", options: ["remount"] }, 'remount "/x": no such file'],
    ["/x", { type: "bind", source: "/tmp", options: ["copy-symlink"] }, 'the option "copy-symlink"'],
  ])("%s with %p is refused", async (destination, mount, words) => {
    await expect(inside("true", [{ destination, ...mount }])).rejects.toThrow(words);
  });

  test("a file of /proc that tools emulate may be covered", async () => {
    const mount = { destination: "/proc/uptime", type: "bind", source: `${shared}/file` };
    expect(await inside("cat /proc/uptime", [mount])).toBe("a file\n");
  });

  test("tmpcopyup begins with what it covers, and is read-only only then", async () => {
    const mount: Mount = { destination: "/etc", type: "tmpfs", options: ["tmpcopyup", "ro", "size=1m"] };
    const said = await inside("cat /etc/plain; touch /etc/x; grep -c ' /etc tmpfs' /proc/mounts", [mount]);
    expect(said).toBe("no programtouch: /etc/x: Read-only file system\n1\n");
  });

  test("a remount changes a mount, with the word bind, or its whole file system", async () => {
    const mounts: Mount[] = [
      { destination: "/t", type: "tmpfs", options: ["size=64k"] },
      { destination: "/t", type: "tmpfs", options: ["remount", "size=128k", "nosuid"] },
      { destination: "/u", type: "tmpfs" },
      { destination: "/u", options: ["bind", "remount", "ro"] },
    ];
    const text = await inside("cat /proc/self/mountinfo", mounts);
    expect(mountinfo(text, "/t")).toMatchObject([{ options: "rw,nosuid,relatime", super: "rw,size=128k" }]);
    expect(mountinfo(text, "/u")).toMatchObject([{ options: "ro,relatime", super: "rw" }]);
  });

  test.each(["ro", "rw"])("control groups are to be seen, %s", async (word) => {
    const mounts = [{ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: [word] }];
    const said = await inside(
      "for group in /sys/fs/cgroup/pids /sys/fs/cgroup; do test -e $group/cgroup.procs && mkdir $group/mine && echo made && rmdir $group/mine; done; true",
      mounts,
    );
    if (word === "ro") expect(said).toContain("Read-only file system");
    else expect(said).toBe("made\n");
  });

  test.skipIf(missing !== undefined || bed.features.cgroups.v2 === undefined)(
    "cgroup2 is version 2, where version 1 is there as well",
    async () => {
      const mounts = [{ destination: "/two", type: "cgroup2", source: "cgroup", options: ["ro"] }];
      const said = await inside("cat /two/cgroup.procs | grep -c .; touch /two/x", mounts);
      expect(said).toContain("Read-only file system");
      expect(Number(said.split("\n")[0])).toBeGreaterThan(0);
    },
  );

  test("kernel file systems of namespaces that are the host's show the host's", async () => {
    const namespaces = [{ type: "mount" }, { type: "ipc" }, { type: "uts" }] as const;
    const said = await inside("ls /sys/class/net; cat /proc/1/comm", [], { linux: { namespaces } });
    expect(said.split("\n")).toContain("lo");
    expect(said).toContain(readFileSync("/proc/1/comm", "utf8"));
  });

  describe("propagation", () => {
    /** Runs a container that waits between two lines of its script for the host to have done something. */
    async function together(mount: Mount, hostDoes: () => void, wishes: Wishes = {}): Promise<string> {
      const script =
        "echo ready; read line; ls /b/place; mkdir -p /b/dir/in; mount -t tmpfs in /b/dir && echo mounted; read line; true";
      const launch = bed.launch(["sh", "-c", script], {
        mounts: [mount],
        process: mayMount,
        supervision: { openStdin: true, stdinOnce: true },
        ...wishes,
      });
      const handle = await bed.runtime.create(launch);
      const stream = await handle.attach({ stdin: true, stdout: true, stderr: true });
      await handle.start();
      hostDoes();
      await stream.write(Buffer.from("\n"));
      const output = bytesOf(stream.output);
      while (!bed.logged(launch).includes("mounted")) await Bun.sleep(2);
      const ours = mountinfo(readFileSync("/proc/self/mountinfo", "utf8"), `${shared}/dir`).length;
      await stream.write(Buffer.from("\n"));
      stream.closeInput();
      await output;
      await handle.release();
      return `${bed.logged(launch).includes("from-host") ? "hears" : "deaf"}, ${ours > 0 ? "heard" : "unheard"}`;
    }
    const fromHost = () => {
      host("mount", "-t", "tmpfs", "from-host", `${shared}/place`);
      writeFileSync(`${shared}/place/from-host`, "");
    };

    test.each<[string[], string]>([
      [["rbind", "rshared"], "hears, heard"],
      [["rbind", "shared"], "hears, heard"],
      [["bind", "rslave"], "hears, unheard"],
      [["rbind", "rslave", "rshared"], "hears, unheard"],
      [["rbind", "rprivate"], "deaf, unheard"],
      [["rbind", "private"], "deaf, unheard"],
      [["rbind", "runbindable"], "deaf, unheard"],
      [["rbind"], "hears, unheard"],
    ])("a bind with %p of a shared mount: %s", async (options, expected) => {
      try {
        expect(await together(bind(...options), fromHost)).toBe(expected);
      } finally {
        host("umount", `${shared}/place`);
        if (expected.endsWith(" heard")) host("umount", `${shared}/dir`);
      }
    });

    test("a bind without a word for it is private in a private root", async () => {
      const linux = { rootfsPropagation: "rprivate" } as const;
      expect(await together(bind("rbind"), fromHost, { linux })).toBe("deaf, unheard");
      host("umount", `${shared}/place`);
    });

    test.each<["private" | "rslave" | "shared" | "rshared" | "unbindable", string, string]>([
      ["private", "", ""],
      ["rslave", "", ""],
      ["shared", "shared", ""],
      ["rshared", "shared", "shared"],
      ["unbindable", "unbindable", ""],
    ])("a root that is %s", async (rootfsPropagation, root, proc) => {
      const text = await inside("cat /proc/self/mountinfo", [bind("rbind", "rprivate")], {
        linux: { rootfsPropagation },
      });
      const tags = (path: string) => mountinfo(text, path)[0]?.tags.replace(/:\d+/, "");
      expect([tags("/"), tags("/proc"), tags("/b")]).toEqual([root, proc, ""]);
    });

    test("a new mount has the propagation that it was asked to have", async () => {
      const mount = { destination: "/t", type: "tmpfs", options: ["rshared"] };
      expect((await seen("/t", mount))[0]?.tags).toMatch(/^shared:\d+$/);
    });

    test("of a container with a shared root nothing reaches the host, nor its peers", async () => {
      const lines = () => readFileSync("/proc/self/mountinfo", "utf8").split("\n");
      const mounted = () =>
        lines().filter((line) => line.includes(bed.directory) || / - tmpfs x /.test(line)); // of others there are, too
      const before = mounted();
      const linux = { rootfsPropagation: "rshared" } as const;
      const { output } = await bed.run(
        ["sh", "-c", "mount -t tmpfs x /tmp && grep -c ' /tmp ' /proc/mounts"],
        {
          linux,
          process: mayMount,
        },
      );
      expect(output).toBe("1\n");
      expect(mounted()).toEqual(before);
    });

    test("a root that is a slave hears of mounts in its directory on the host", async () => {
      const root = `${shared}/root`;
      mkdirSync(root);
      host("cp", "-a", `${bed.directory}/layers/l/1/.`, root);
      const launch = bed.launch(["sh", "-c", "read line; ls /tmp"], {
        supervision: { openStdin: true, stdinOnce: true },
        linux: { rootfsPropagation: "rslave" },
      });
      const handle = await bed.runtime.create({ ...launch, root: { kind: "directory", path: root } });
      const stream = await handle.attach({ stdin: true, stdout: true, stderr: true });
      await handle.start();
      host("mount", "-t", "tmpfs", "late", `${root}/tmp`);
      writeFileSync(`${root}/tmp/late`, "");
      await stream.write(Buffer.from("\n"));
      await handle.exited;
      await handle.release();
      host("umount", `${root}/tmp`);
      expect(bed.logged(launch)).toBe("late\n");
    });
  });

  test("nothing of all that is mounted on the host", () => {
    expect(readdirSync(`${bed.directory}/run`).filter((name) => name !== "root")).toEqual([]);
  });
});
