import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { cgroupDirectories } from "../kernel/cgroups.ts";
import { mayExceedLimits } from "../kernel/features.ts";
import { kill } from "../kernel/libc.ts";
import { openNamespacesRuntime } from "./namespaces.ts";
import { readExit, readState } from "./records.ts";
import type { Launch } from "./runtime.ts";
import { bytesOf, missingForContainers, Testbed, textOf } from "./testbed.ts";

const missing = missingForContainers();
if (missing !== undefined) console.log(`skipped: tests that start containers: ${missing}`);
const everything = { stdin: true, stdout: true, stderr: true };

/** Docker's stream frames without their headers. */
function payloadOf(frames: Buffer): Buffer {
  const payload: Buffer[] = [];
  for (let at = 0; at < frames.length; at += 8 + frames.readUInt32BE(at + 4))
    payload.push(frames.subarray(at + 8, at + 8 + frames.readUInt32BE(at + 4)));
  return Buffer.concat(payload);
}

describe.skipIf(missing !== undefined)("a process in namespaces", () => {
  const bed = missing === undefined ? new Testbed() : (undefined as never);
  afterAll(() => bed?.[Symbol.asyncDispose]());
  const { runtime } = bed ?? {};
  const nothingLeft = ({ supervision, spec }: Launch) => {
    expect(existsSync(supervision.runDirectory)).toBe(false);
    expect(
      cgroupDirectories(bed.features.cgroups, spec.linux.cgroupsPath ?? "").filter((path) =>
        existsSync(path),
      ),
    ).toEqual([]);
  };

  test("runs as process 1 with its own name, and leaves its exit code and nothing else", async () => {
    const launch = bed.launch(["sh", "-c", "echo $$ $(hostname) $(pwd); echo $HOME >&2; exit 7"], {
      process: { cwd: "/made/here" },
    });
    const handle = await runtime.create(launch);
    await handle.start();
    expect(await handle.exited).toMatchObject({ exitCode: 7, oomKilled: false });
    await handle.release();
    expect(bed.logged(launch)).toContain(`1 ${launch.id} /made/here\n`);
    expect(bed.logged(launch)).toContain("/root\n");
    nothingLeft(launch);
  });

  test("does not wait for a start that nobody wants to give", async () => {
    expect(await bed.run(["true"], { supervision: { waitForStart: false } })).toMatchObject({ exitCode: 0 });
  });

  test.each<[string, readonly string[], string]>([
    [
      "has docker's capabilities",
      ["grep", "-E", "Cap(Prm|Eff|Bnd)", "/proc/self/status"],
      "00000000a80425fb",
    ],
    ["has none to pass on", ["grep", "-E", "Cap(Inh|Amb)", "/proc/self/status"], "0000000000000000"],
    ["is filtered", ["grep", "Seccomp:", "/proc/self/status"], "2"],
    ["has an umask", ["umask"], "0022"],
  ])("%s", async (_, args, expected) => {
    const { output } = await bed.run(["sh", "-c", args.join(" ").replace(/Cap\((.*)\)/, "'Cap($1)'")]);
    const values = output
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/).at(-1));
    expect([...new Set(values)]).toEqual([expected]);
  });

  test.each<[string, readonly string[], number, string]>([
    ["a command that is not there", ["nothing"], 127, 'exec: "nothing": executable file not found in $PATH'],
    ["a path that is not there", ["/no/thing"], 127, 'exec: "/no/thing": no such file or directory'],
    ["a file that is no program", ["/etc/plain"], 126, 'exec: "/etc/plain": permission denied'],
    ["a directory", ["/etc"], 126, 'exec: "/etc": permission denied'],
  ])("%s fails with its words", async (_, args, exitCode, words) => {
    const launch = bed.launch(args);
    const handle = await runtime.create(launch);
    await expect(handle.start()).rejects.toThrow(words);
    expect(await handle.exited).toMatchObject({ exitCode, failure: { errno: expect.any(Number) } });
    await handle.release();
    nothingLeft(launch);
  });

  test.each<[string, Parameters<Testbed["launch"]>[1], string]>([
    [
      "an unknown user",
      { process: { user: { uid: 0, gid: 0, username: "bob" } } },
      "unable to find user bob: no matching entries in passwd file",
    ],
    [
      "a missing bind source",
      { mounts: [{ destination: "/x", type: "bind", source: "/no/such", options: ["rbind"] }] },
      'bind source "/no/such"',
    ],
    ["a value no sysctl takes", { linux: { sysctl: { "net.ipv4.ip_forward": "many" } } }, "invalid argument"],
  ])("%s fails the start with its words", async (_, wishes, words) => {
    const launch = bed.launch(["true"], wishes);
    await expect(
      runtime.create(launch).then((handle) => handle.start().finally(() => handle.release())),
    ).rejects.toThrow(words);
    nothingLeft(launch);
  });

  test.each<[string, string, string]>([
    ["a name", "alice", "uid=1000(alice) gid=1000(alice) groups=44(video),1000(alice)"],
    ["a number", "1000", "uid=1000(alice) gid=1000(alice) groups=44(video),1000(alice)"],
    ["a number with a group", "1000:video", "uid=1000(alice) gid=44(video) groups=44(video)"],
    ["a number nobody has", "4242", "uid=4242 gid=0(root) groups=0(root)"],
  ])("becomes the user that is %s", async (_, username, expected) => {
    const { output } = await bed.run(["id"], { process: { user: { uid: 0, gid: 0, username } } });
    expect(output).toContain(expected);
  });

  test("a limit of the network's engine side fails the start and leaves nothing", async () => {
    const afterClone = () => Promise.reject(new Error("no network today"));
    const launch = bed.launch(["true"], { network: { afterClone, inside: [] } });
    await expect(runtime.create(launch)).rejects.toThrow("no network today");
    nothingLeft(launch);
  });

  test("a child that fails while the network is made is told in the child's words", async () => {
    const echo = async (pid: number) => {
      while (existsSync(`/proc/${pid}`)) await Bun.sleep(1);
      throw new Error("create veth: no such process");
    };
    const launch = bed.launch(["true"], {
      mounts: [{ destination: "/x", type: "bind", source: "/no/such", options: ["rbind"] }],
      network: { afterClone: echo, inside: [] },
    });
    await expect(runtime.create(launch)).rejects.toThrow('bind source "/no/such": no such file or directory');
    nothingLeft(launch);
  });

  test("what attaches before the start sees every byte, and input ends with a half-close", async () => {
    const launch = bed.launch(["sh", "-c", "echo first; cat; echo last >&2"], {
      supervision: { openStdin: true, stdinOnce: true },
    });
    const handle = await runtime.create(launch);
    const stream = await handle.attach(everything);
    await handle.start();
    await stream.write(Buffer.from("middle\n"));
    stream.closeInput();
    const frames = await bytesOf(stream.output);
    expect(payloadOf(frames).toString()).toContain("first\n"); // streams keep their own order, not one another's
    expect(payloadOf(frames).toString()).toContain("middle\n");
    expect(frames.toString()).toContain("\x02\0\0\0\0\0\0\x05last\n");
    expect((await handle.exited).exitCode).toBe(0);
    await handle.release();
  });

  test("a megabyte goes in and comes out whole", async () => {
    const launch = bed.launch(["cat"], { supervision: { openStdin: true, stdinOnce: true } });
    const handle = await runtime.create(launch);
    const stream = await handle.attach(everything);
    await handle.start();
    const sent = Buffer.alloc(1_000_000, "berth ");
    void stream.write(sent).then(() => stream.closeInput());
    expect(payloadOf(await bytesOf(stream.output)).equals(sent)).toBe(true);
    await handle.release();
  });

  test("a client that does not read holds nobody up, and misses nothing", async () => {
    const size = 8_000_000;
    const launch = bed.launch(["head", "-c", String(size), "/dev/zero"], { supervision: { log: undefined } });
    const handle = await runtime.create(launch);
    const stream = await handle.attach(everything);
    await handle.start();
    expect((await handle.exited).exitCode).toBe(0);
    expect(payloadOf(await bytesOf(stream.output))).toHaveLength(size);
    await handle.release();
  });

  test("a terminal has a size, can be resized, and is raw bytes", async () => {
    const process = { terminal: true, consoleSize: { height: 20, width: 90 } };
    const script = "stty size; read line; stty size; readlink /dev/console; test -t 0 && echo tty";
    const launch = bed.launch(["sh", "-c", script], { process, supervision: { openStdin: true } });
    const handle = await runtime.create(launch);
    const stream = await handle.attach(everything);
    await handle.start();
    const output = textOf(stream.output);
    await handle.resize(31, 101);
    await stream.write(Buffer.from("\n"));
    await handle.exited;
    const text = await output;
    expect(text).toContain("31 101\r\n");
    expect(text).toContain("tty\r\n");
    await handle.release();
  });

  test("a signal ends it with 128 and its number", async () => {
    const handle = await runtime.create(bed.launch(["sleep", "60"], { supervision: { init: true } }));
    await handle.start();
    await handle.signal(15);
    expect((await handle.exited).exitCode).toBe(143);
    await expect(handle.signal(15)).rejects.toThrow("has ended");
    await handle.release();
  });

  test("release ends what still runs", async () => {
    const launch = bed.launch(["sh", "-c", "sleep 60 & sleep 60"]);
    const handle = await runtime.create(launch);
    await handle.start();
    await handle.release();
    await handle.release();
    expect((await handle.exited).exitCode).toBe(137);
    nothingLeft(launch);
  });

  test("an exec is in the same place with the same limits, and has its own exit code", async () => {
    const launch = bed.launch(["sleep", "60"]);
    const handle = await runtime.create(launch);
    await handle.start();
    const exec = bed.exec(launch, handle, [
      "sh",
      "-c",
      "hostname; cat /proc/1/cmdline; cat /proc/self/cgroup; grep -E 'CapEff|Seccomp:' /proc/self/status; exit 3",
    ]);
    const inside = await runtime.exec(exec);
    const stream = await inside.attach(everything);
    await inside.start();
    const output = await textOf(stream.output);
    expect(await inside.exited).toMatchObject({ exitCode: 3 });
    expect(output).toContain(`${launch.id}\n`);
    expect(output).toContain("sleep\x0060");
    expect(output).toContain("00000000a80425fb");
    if (bed.features.cgroups.v1["pids"] !== undefined)
      expect(output).toContain(`:pids:/${bed.instance}/${launch.id}`);
    expect(output).toContain(`0::/${bed.instance}/${launch.id}`);
    await inside.release();
    expect(await runtime.processes(launch.id)).toEqual([handle.pid]);
    await handle.release();
  });

  test("an exec of what is not there says so; one in a process that is gone, too", async () => {
    const launch = bed.launch(["sleep", "60"]);
    const handle = await runtime.create(launch);
    await handle.start();
    const inside = await runtime.exec(bed.exec(launch, handle, ["nothing"]));
    await expect(inside.start()).rejects.toThrow("executable file not found in $PATH");
    await inside.release();
    const exec = bed.exec(launch, handle, ["true"]);
    await handle.release();
    await expect(runtime.exec(exec)).rejects.toThrow("no such process");
    expect(existsSync(exec.supervision.runDirectory)).toBe(false);
  });

  test("a paused container stands still until it goes on", async () => {
    const launch = bed.launch(["sh", "-c", "while read line; do echo $line; done"], {
      supervision: { openStdin: true, stdinOnce: true },
    });
    const handle = await runtime.create(launch);
    const stream = await handle.attach(everything);
    await handle.start();
    await runtime.pause(launch.id);
    await stream.write(Buffer.from("while frozen\n"));
    stream.closeInput();
    expect(
      await Promise.race([handle.exited.then(() => "ended"), Bun.sleep(100).then(() => "stands still")]),
    ).toBe("stands still");
    await runtime.unpause(launch.id);
    expect(await textOf(stream.output)).toContain("while frozen");
    expect((await handle.exited).exitCode).toBe(0);
    await handle.release();
  });

  test("memory beyond the limit is an OOM kill, and is told", async () => {
    const limit = 16 << 20;
    const ended = await bed.run(["tail", "/dev/zero"], {
      resources: { memory: { limit, swap: limit } },
    });
    expect(ended).toMatchObject({ oomKilled: true });
  });

  test("the next engine adopts what runs, with its output and its end", async () => {
    const launch = bed.launch(["sh", "-c", "read line; echo $line; exit 5"], {
      supervision: { openStdin: true, stdinOnce: true },
    });
    const first = await runtime.create(launch);
    await first.start();
    const next = openNamespacesRuntime({ instance: bed.instance, features: bed.features });
    const adopted = await next.adopt(
      launch.id,
      launch.supervision.runDirectory,
      launch.spec.linux.cgroupsPath,
    );
    if (adopted === undefined || !("exited" in adopted)) throw new Error("not adopted");
    expect(adopted).toMatchObject({ pid: first.pid, startTime: first.startTime });
    expect(adopted.startedAt).toBeGreaterThan(1_700_000_000_000_000_000n);
    const stream = await adopted.attach(everything);
    await stream.write(Buffer.from("across\n"));
    expect(await textOf(stream.output)).toContain("across");
    expect(await adopted.exited).toMatchObject({ exitCode: 5 });
    await adopted.release();
    nothingLeft(launch);
  });

  test("the next engine finds the exit code of what ended meanwhile", async () => {
    const launch = bed.launch(["sh", "-c", "exit 9"]);
    const first = await runtime.create(launch);
    await first.start();
    await first.exited;
    const next = openNamespacesRuntime({ instance: bed.instance, features: bed.features });
    expect(
      await next.adopt(launch.id, launch.supervision.runDirectory, launch.spec.linux.cgroupsPath),
    ).toMatchObject({ exitCode: 9 });
    expect(readExit(launch.supervision.runDirectory)).toMatchObject({ exitCode: 9 }); // kept until the caller has it safe
    await first.release();
    nothingLeft(launch);
  });

  test("what waits at the barrier for an engine that is gone never ran", async () => {
    const launch = bed.launch(["true"]);
    await runtime.create(launch);
    const next = openNamespacesRuntime({ instance: bed.instance, features: bed.features });
    expect(
      await next.adopt(launch.id, launch.supervision.runDirectory, launch.spec.linux.cgroupsPath),
    ).toBeUndefined();
    nothingLeft(launch);
  });

  test("without its shim a container is ended, and counts as killed", async () => {
    const launch = bed.launch(["sleep", "60"]);
    const handle = await runtime.create(launch);
    await handle.start();
    kill(readState(launch.supervision.runDirectory)?.shimPid ?? 0, 9);
    expect(await handle.exited).toMatchObject({ exitCode: 137 });
    await handle.release();
    nothingLeft(launch);
  });

  test("where nothing is there is nothing to adopt", async () => {
    expect(await runtime.adopt("none", `${bed.directory}/run/none`)).toBeUndefined();
  });

  test("a read-only root and a bind are what they were asked to be", async () => {
    const mounts = [
      { destination: "/in", type: "bind", source: bed.directory, options: ["rbind", "ro"] },
      {
        destination: "/new",
        type: "bind",
        source: `${bed.directory}/made`,
        options: ["rbind", "x-make-source"],
      },
    ];
    const { output } = await bed.run(["sh", "-c", "touch /a /in/a /new/a /tmp/a; ls /in"], {
      mounts,
      readonly: true,
    });
    expect(output.match(/Read-only file system/g)).toHaveLength(3);
    expect(readdirSync(`${bed.directory}/made`)).toEqual(["a"]);
  });

  test("a read-only root has its working directory all the same", async () => {
    const { output } = await bed.run(["sh", "-c", "pwd; touch x"], {
      readonly: true,
      process: { cwd: "/not/there/yet" },
    });
    expect(output).toContain("/not/there/yet\n");
    expect(output).toContain("Read-only file system");
  });

  test.skipIf(bed !== undefined && mayExceedLimits(bed.features))(
    "what takes more rights than this engine has is said, not fatal",
    async () => {
      const rlimits = [{ type: "RLIMIT_NOFILE", soft: 10_000_000, hard: 10_000_000 }];
      const handle = await runtime.create(bed.launch(["true"], { process: { rlimits, oomScoreAdj: -500 } }));
      await handle.start();
      expect(await handle.exited).toMatchObject({ exitCode: 0 });
      expect(handle.warnings.join()).toContain("CAP_SYS_RESOURCE");
      await handle.release();
    },
  );

  test("a run directory with a long name has a socket all the same", async () => {
    const launch = bed.launch(["sleep", "60"], {
      supervision: { runDirectory: `${bed.directory}/run/${"x".repeat(120)}` },
    });
    const handle = await runtime.create(launch);
    const stream = await handle.attach(everything);
    await handle.start();
    stream.close();
    expect(await runtime.adopt(launch.id, launch.supervision.runDirectory)).toMatchObject({
      pid: handle.pid,
    });
    await handle.release();
  });
});
