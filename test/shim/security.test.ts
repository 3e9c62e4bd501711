/** What an image or a process in a container may try against the host. Each case succeeds for the attacker where its countermeasure is missing. */
import { describe, expect, test } from "bun:test";
import { copyFileSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { mknod } from "../../src/kernel/files.ts";
import { has } from "../support/parts.ts";
import { Place } from "./support/place.ts";
import { containerPlan, execPlan } from "./support/plan.ts";
import { failureOf, runContainer, Shim } from "./support/shim.ts";

const root = test.if(has("root", "busybox"));
const EVERYTHING = ((1n << 41n) - 1n) & ~(1n << 24n);
const descriptors = Array.from({ length: 40 }, (_, index) => index + 3);

describe("the host's null device", () => {
  root("covers a masked file and cannot be changed there", async () => {
    using place = new Place();
    const before = lstatSync("/dev/null");
    const script =
      "chmod 000 /proc/keys; chown 5 /proc/keys; echo x >/proc/keys && cat /proc/keys && echo fine";
    const { stdout, stderr } = await runContainer(place, { argv: ["sh", "-c", script] });
    expect(lstatSync("/dev/null")).toMatchObject({ mode: before.mode, uid: before.uid });
    expect(stderr).toContain("Read-only file system");
    expect(stdout).toBe("fine\n");
  });

  root("is no standard stream of the container", async () => {
    using place = new Place();
    const before = lstatSync("/dev/null");
    const script = "chmod 640 /proc/self/fd/0; stat -Lc '%a %d %i' /dev/null /proc/self/fd/0";
    const { stdout } = await runContainer(place, { argv: ["sh", "-c", script] });
    const [own, standard] = stdout.split("\n");
    expect(lstatSync("/dev/null").mode).toBe(before.mode);
    expect(own).toStartWith("640 ");
    expect(standard).toBe(own ?? "");
  });

  root(
    "is no standard stream of a further process, even when the container has put something in its place",
    async () => {
      using place = new Place();
      using other = new Place();
      const before = lstatSync("/dev/null");
      await using shim = await Shim.container(place, {
        argv: ["sh", "-c", "rm /dev/null; ln -s zero /dev/null; echo ready; exec sleep 60"],
      });
      const client = await shim.attach();
      shim.start();
      await client.until("ready");
      const target = await shim.running();
      await using exec = await Shim.exec(other, target, {
        argv: ["sh", "-c", "chmod 000 /proc/self/fd/0; cat; echo end"],
      });
      const output = await exec.attach();
      exec.start();
      expect(await output.output()).toMatchObject({ stdout: "end\n" });
      expect(lstatSync("/dev/null").mode).toBe(before.mode);
    },
  );
});

describe("descriptors of the shim", () => {
  root("lead no exec to a program of the host", async () => {
    using place = new Place();
    copyFileSync("/bin/busybox", `${place.run}/echo`);
    const path = `PATH=${descriptors.map((fd) => `/proc/self/fd/${fd}`).join(":")}`;
    const failed = await failureOf(
      place,
      containerPlan(place, { argv: ["echo", "from the host"], env: [path] }),
    );
    expect(failed).toMatchObject({ errno: 2, object: 'exec: "echo"' });
  });

  root.each(descriptors.slice(0, 12))("give no working directory outside: %d", async (fd) => {
    using place = new Place();
    const failed = await failureOf(
      place,
      containerPlan(place, { argv: ["true"], cwd: `/proc/self/fd/${fd}` }),
    );
    expect(failed).toMatchObject({ object: expect.stringContaining("working directory") });
  });

  root("are closed in the child long before its exec", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["true"] });
    const { pid } = await shim.control.next("state", ({ phase }) => phase === 2);
    const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    expect(links.filter((link) => link.startsWith("socket:"))).toHaveLength(1);
    const others = links.filter((link) => !/^(socket|pipe):/.test(link)).toSorted();
    // Standard input, the null device of masks, the root, the empty directory of masks.
    expect(others).toEqual(["/dev/null", "/dev/null", place.root, `${place.root}/proc/acpi`]);
  });

  root("are none of the program's", async () => {
    using place = new Place();
    const { stdout } = await runContainer(place, { argv: ["ls", "/proc/self/fd"] });
    expect(stdout).toBe("0\n1\n2\n3\n"); // 3 is the directory that ls reads
  });
});

describe("a process that enters a container", () => {
  root("cannot be looked into from there before its exec", async () => {
    using place = new Place();
    using other = new Place();
    await using shim = await Shim.container(place, { argv: ["sh"], flags: 2 });
    const client = await shim.attach();
    shim.start();
    const target = await shim.running();
    // It waits at the barrier with the container's own privileges, which is when a tracer would come.
    const plan = execPlan(other, target, {
      argv: ["true"],
      barrier: false,
    });
    await using exec = await Shim.launch(other, [...plan.slice(0, -1), { op: "barrier" }, ...plan.slice(-1)]);
    await exec.control.next("state", ({ phase }) => phase === 2);
    client.write(
      "for p in /proc/[0-9]*; do case $p in /proc/1|/proc/$$) ;; *) readlink $p/root || echo refused ;; esac; done; echo done\n",
    );
    const said = await client.until("done");
    expect(said).toContain("refused");
    exec.start();
    expect((await exec.exited()).exitCode).toBe(0);
  });
});

describe("names that are too long are refused, not cut", () => {
  root("options of a mount", async () => {
    using place = new Place();
    const mount = {
      op: "mount",
      source: "tmpfs",
      target: "/tmp",
      type: "tmpfs",
      flags: 0,
      api: false,
      optional: false,
    } as const;
    const data = `${"mode=755,".repeat(500)}mode=700`;
    const failed = await failureOf(
      place,
      containerPlan(place, { argv: ["true"], mounts: [{ ...mount, data }] }),
    );
    expect(failed).toMatchObject({ errno: 7 });
  });

  root("sysctl", async () => {
    using place = new Place();
    const name = `net/ipv4/conf/${"all/../".repeat(40)}all/forwarding`;
    const inside = [{ op: "sysctl", name, value: "1" } as const];
    expect(await failureOf(place, containerPlan(place, { argv: ["true"], inside }))).toMatchObject({
      errno: 36,
    });
  });

  root("a working directory of 2000 components is made without a deep stack", async () => {
    using place = new Place();
    const cwd = "/d".repeat(2000);
    const { stdout } = await runContainer(place, { argv: ["pwd"], cwd });
    expect(stdout).toBe(`${cwd}\n`);
  });
});

describe("an image that is hostile", () => {
  root("has a device for /etc/passwd: it is not even opened", async () => {
    using place = new Place();
    mkdirSync(`${place.extra}/etc`);
    mknod(`${place.extra}/etc/passwd`, 0o20600, 250, 250); // to open it would be ENXIO
    expect(await failureOf(place, containerPlan(place, { argv: ["true"] }))).toMatchObject({
      errno: 22,
      object: "read /etc/passwd",
    });
  });

  root.each(["proc", "dev", "sys"])("has a symlink for /%s", async (name) => {
    using place = new Place();
    symlinkSync("/tmp", `${place.extra}/${name}`);
    const failed = await failureOf(place, containerPlan(place, { argv: ["true"] }));
    expect(failed).toMatchObject({ errno: 40, object: expect.stringContaining(`mount point "/${name}`) });
  });

  root("has a symlink to the host for /etc/passwd: it stays inside", async () => {
    using place = new Place();
    mkdirSync(`${place.extra}/etc`);
    symlinkSync("../../../../../../../etc/elsewhere", `${place.extra}/etc/passwd`);
    place.put("etc/elsewhere", "eve:x:77:78::/:/bin/sh\n");
    const { stdout } = await runContainer(place, { argv: ["id", "-u"], user: "eve" });
    expect(stdout).toBe("77\n");
  });

  root("has 100 MB of /etc/group: refused before it is read", async () => {
    using place = new Place();
    place.put("etc/group", Buffer.alloc(100 << 20, "x"));
    expect(await failureOf(place, containerPlan(place, { argv: ["true"] }))).toMatchObject({ errno: 27 });
  });

  root("has covered /dev/pts/ptmx: no terminal is taken from there", async () => {
    using place = new Place();
    using other = new Place();
    const script = "touch /tmp/fake; mount -o bind /tmp/fake /dev/pts/ptmx; echo ready; exec sleep 60";
    await using shim = await Shim.container(place, { argv: ["sh", "-c", script], capabilities: EVERYTHING });
    const client = await shim.attach();
    shim.start();
    await client.until("ready");
    const plan = execPlan(other, await shim.running(), { argv: ["true"], terminal: true });
    expect(await failureOf(other, plan)).toMatchObject({
      errno: 18,
      object: "dev/pts/ptmx is no pty multiplexer",
    });
  });
});
