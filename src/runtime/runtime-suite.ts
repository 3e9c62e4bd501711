/** What every driver of `Runtime` does: one suite that all of them pass. A driver that cannot do something says so, with the reason. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { cgroupDirectories } from "../kernel/cgroups.ts";
import { kill } from "../kernel/libc.ts";
import { BerthError, type ErrorCode } from "../lib/error.ts";
import { exitCodeOf } from "./failure.ts";
import { readExit, readState } from "./records.ts";
import type { Launch, ProcessHandle, Runtime } from "./runtime.ts";
import {
  bytesOf,
  missingForContainers,
  openedBy,
  shutDown,
  Testbed,
  type TestbedOptions,
  textOf,
  type Wishes,
  payloadOf,
} from "./testbed.ts";

export interface Subject {
  /** What the tests are about: "a process in namespaces". */
  readonly title: string;
  /** Absent: berth's own driver. */
  readonly open?: TestbedOptions["open"];
  /** Why none of it can run here. */
  readonly missing?: string | undefined;
  /** Titles of tests that it does not pass, and why. */
  readonly cannot?: Readonly<Record<string, string>>;
}

type Check = (title: string, work: () => Promise<void>) => void;
interface Kit {
  readonly bed: Testbed;
  readonly runtime: Runtime;
  readonly check: Check;
}

export function runtimeSuite({ title, open, missing = missingForContainers(), cannot = {} }: Subject): void {
  if (missing !== undefined) console.log(`left out: ${title}: ${missing}`);
  describe.skipIf(missing !== undefined)(title, () => {
    const bed = missing === undefined ? new Testbed({ ...(open && { open }) }) : (undefined as never);
    afterAll(() => bed?.[Symbol.asyncDispose]());
    const excused = new Map(Object.entries(cannot));
    const check: Check = (claim, work) => {
      const reason = excused.get(claim);
      excused.delete(claim);
      if (reason === undefined) return test(claim, work);
      if (missing === undefined) console.log(`${title} cannot: ${claim}: ${reason}`);
      test.skip(claim, work);
    };
    const kit: Kit = { bed, runtime: bed?.runtime, check };
    for (const part of [appearance, failures, streams, ends, execs, recovery, files]) part(kit);
    test("nothing is excused that is no test", () => expect([...excused.keys()]).toEqual([]));
  });
}

/** Programs ignore it. */
const SIGWINCH = 28;
const everything = { stdin: true, stdout: true, stderr: true };

export function nothingLeft(bed: Testbed, { supervision, spec }: Launch): void {
  expect(existsSync(supervision.runDirectory)).toBe(false);
  const groups = cgroupDirectories(bed.features.cgroups, spec.linux.cgroupsPath ?? "");
  expect(groups.filter((path) => existsSync(path))).toEqual([]);
}

function released(handle: ProcessHandle): ProcessHandle & AsyncDisposable {
  return Object.assign(handle, { [Symbol.asyncDispose]: () => handle.release() });
}

/** Some drivers find out at create(), others at start(). */
export async function startedAndReleased(runtime: Runtime, launch: Launch): Promise<void> {
  const handle = await runtime.create(launch);
  await handle.start().finally(() => handle.release());
}

function appearance({ bed, runtime, check }: Kit): void {
  check("runs as process 1 with its own name, and leaves its exit code and nothing else", async () => {
    const launch = bed.launch(["sh", "-c", "echo $$ $(hostname) $(pwd); echo $HOME >&2; exit 7"], {
      process: { cwd: "/made/here" },
    });
    const handle = await runtime.create(launch);
    await handle.start();
    expect(await handle.exited).toMatchObject({ exitCode: 7, oomKilled: false });
    await handle.release();
    expect(bed.logged(launch)).toContain(`1 ${launch.id} /made/here\n`);
    expect(bed.logged(launch)).toContain("/root\n");
    nothingLeft(bed, launch);
  });

  check("does not wait for a start that nobody wants to give", async () => {
    expect(await bed.run(["true"], { supervision: { waitForStart: false } })).toMatchObject({ exitCode: 0 });
  });

  const looks: readonly [title: string, command: string, expected: string][] = [
    ["has docker's capabilities", "grep -E 'Cap(Prm|Eff|Bnd)' /proc/self/status", "00000000a80425fb"],
    ["has none to pass on", "grep -E 'Cap(Inh|Amb)' /proc/self/status", "0000000000000000"],
    ["is filtered", "grep Seccomp: /proc/self/status", "2"],
    ["has an umask", "umask", "0022"],
  ];
  for (const [title, command, expected] of looks)
    check(title, async () => {
      const { output } = await bed.run(["sh", "-c", command]);
      const values = output
        .trim()
        .split("\n")
        .map((line) => line.split(/\s+/).at(-1));
      expect([...new Set(values)]).toEqual([expected]);
    });

  const users: readonly [title: string, username: string, expected: string][] = [
    ["a name", "alice", "uid=1000(alice) gid=1000(alice) groups=44(video),1000(alice)"],
    ["a number", "1000", "uid=1000(alice) gid=1000(alice) groups=44(video),1000(alice)"],
    ["a number with a group", "1000:video", "uid=1000(alice) gid=44(video) groups=44(video)"],
    ["a number nobody has", "4242", "uid=4242 gid=0(root) groups=0(root)"],
  ];
  for (const [title, username, expected] of users)
    check(`becomes the user that is ${title}`, async () => {
      const { output } = await bed.run(["id"], { process: { user: { uid: 0, gid: 0, username } } });
      expect(sorted(output.trim())).toBe(sorted(expected));
    });
}

/** The kernel sorts the groups, gVisor does not. */
function sorted(identity: string): string {
  const [before, groups = ""] = identity.split(" groups=");
  return `${before} groups=${groups.split(",").toSorted().join(",")}`;
}

function failures({ bed, runtime, check }: Kit): void {
  const commands: readonly [title: string, args: readonly string[], exitCode: number, code: string][] = [
    ["a command that is not there", ["nothing"], 127, "command_not_found"],
    ["a path that is not there", ["/no/thing"], 127, "command_not_found"],
    ["a file that is no program", ["/etc/plain"], 126, "command_not_executable"],
    ["a directory", ["/etc"], 126, "command_not_executable"],
  ];
  for (const [title, args, exitCode, code] of commands)
    check(`${title} fails the start, and says which of the two it is`, async () => {
      const launch = bed.launch(args);
      await expect(startedAndReleased(runtime, launch)).rejects.toMatchObject({ code });
      expect(exitCodeOf(new BerthError(code as ErrorCode, ""))).toBe(exitCode);
      nothingLeft(bed, launch);
    });

  const impossible: readonly [title: string, wishes: Wishes][] = [
    ["an unknown user", { process: { user: { uid: 0, gid: 0, username: "bob" } } }],
    [
      "a missing bind source",
      { mounts: [{ destination: "/x", type: "bind", source: "/no/such", options: ["rbind"] }] },
    ],
    ["a value no sysctl takes", { linux: { sysctl: { "net.ipv4.ip_forward": "many" } } }],
  ];
  for (const [title, wishes] of impossible)
    check(`${title} fails the start and leaves nothing`, async () => {
      const launch = bed.launch(["true"], wishes);
      await expect(startedAndReleased(runtime, launch)).rejects.toBeInstanceOf(BerthError);
      nothingLeft(bed, launch);
    });

  check("a limit of the network's engine side fails the start and leaves nothing", async () => {
    const afterClone = () => Promise.reject(new Error("no network today"));
    const launch = bed.launch(["true"], { network: { afterClone, inside: [] } });
    await expect(runtime.create(launch)).rejects.toThrow("no network today");
    nothingLeft(bed, launch);
  });
}

function streams({ bed, runtime, check }: Kit): void {
  check("what attaches before the start sees every byte, and input ends with a half-close", async () => {
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

  check("a megabyte goes in and comes out whole", async () => {
    const launch = bed.launch(["cat"], { supervision: { openStdin: true, stdinOnce: true } });
    const handle = await runtime.create(launch);
    const stream = await handle.attach(everything);
    await handle.start();
    const sent = Buffer.alloc(1_000_000, "berth ");
    void stream.write(sent).then(() => stream.closeInput());
    expect(payloadOf(await bytesOf(stream.output)).equals(sent)).toBe(true);
    await handle.release();
  });

  check("a client that does not read holds nobody up, and misses nothing", async () => {
    const size = 8_000_000;
    const launch = bed.launch(["head", "-c", String(size), "/dev/zero"], { supervision: { log: undefined } });
    const handle = await runtime.create(launch);
    const stream = await handle.attach(everything);
    await handle.start();
    expect((await handle.exited).exitCode).toBe(0);
    expect(payloadOf(await bytesOf(stream.output))).toHaveLength(size);
    await handle.release();
  });

  check("a terminal has a size, can be resized, and is raw bytes", async () => {
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
}

function ends({ bed, runtime, check }: Kit): void {
  check("SIGKILL ends it with 137", async () => {
    const handle = await runtime.create(bed.launch(["sleep", "60"]));
    await handle.start();
    await handle.signal(9);
    expect((await handle.exited).exitCode).toBe(137);
    await expect(handle.signal(9)).rejects.toThrow("has ended");
    await handle.release();
  });

  check("a signal reaches the program, which may do what it likes", async () => {
    const launch = bed.launch(["sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done"]);
    const handle = await runtime.create(launch);
    const stream = await handle.attach(everything);
    await handle.start();
    for await (const chunk of stream.output) if (Buffer.from(chunk).includes("ready")) break;
    await handle.signal(15);
    expect((await handle.exited).exitCode).toBe(9);
    await handle.release();
  });

  check("release ends what still runs", async () => {
    const launch = bed.launch(["sh", "-c", "sleep 60 & sleep 60"]);
    const handle = await runtime.create(launch);
    await handle.start();
    await handle.release();
    await handle.release();
    expect((await handle.exited).exitCode).toBe(137);
    nothingLeft(bed, launch);
  });

  check("a paused container stands still until it goes on", async () => {
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

  check("memory beyond the limit is an OOM kill, and is told", async () => {
    const limit = 16 << 20;
    const ended = await bed.run(["tail", "/dev/zero"], {
      resources: { memory: { limit, swap: limit } },
    });
    expect(ended).toMatchObject({ oomKilled: true });
  });
}

function execs({ bed, runtime, check }: Kit): void {
  const inside = async (script: string): Promise<{ output: string; exitCode: number; launch: Launch }> => {
    const launch = bed.launch(["sleep", "60"]);
    await using handle = released(await runtime.create(launch));
    await handle.start();
    await using exec = released(await runtime.exec(bed.exec(launch, handle, ["sh", "-c", script])));
    const stream = await exec.attach(everything);
    await exec.start();
    const output = payloadOf(await bytesOf(stream.output)).toString();
    return { output, exitCode: (await exec.exited).exitCode, launch };
  };

  check("an exec is in the same place, and has its own exit code", async () => {
    // runc's start ends before its process has become the program.
    const script =
      "until grep -q sleep /proc/1/cmdline; do sleep 0.01; done; hostname; cat /proc/1/cmdline; exit 3";
    const { output, exitCode, launch } = await inside(script);
    expect(exitCode).toBe(3);
    expect(output).toBe(`${launch.id}\nsleep\x0060\0`);
  });

  check("an exec has the rights and the filter of the container", async () => {
    const { output } = await inside("grep -E 'CapEff|Seccomp:' /proc/self/status");
    expect(output).toMatch(/CapEff:\s*00000000a80425fb\nSeccomp:\s*2\n/);
  });

  check("an exec is in the control groups of the container", async () => {
    const { output, launch } = await inside("cat /proc/self/cgroup");
    if (bed.features.cgroups.v1["pids"] !== undefined)
      expect(output).toContain(`:pids:/${bed.instance}/${launch.id}`);
    if (bed.features.cgroups.v2 !== undefined) expect(output).toContain(`0::/${bed.instance}/${launch.id}`);
  });

  check("an exec that has ended leaves no process", async () => {
    const launch = bed.launch(["sleep", "60"]);
    await using handle = released(await runtime.create(launch));
    await handle.start();
    const before = await runtime.processes(launch.id);
    await using exec = released(await runtime.exec(bed.exec(launch, handle, ["true"])));
    await exec.start();
    await exec.exited;
    const after = await runtime.processes(launch.id);
    expect(after).toContain(handle.pid);
    // Of before, not all need be left: the kernel lists runc's own steps to a start until they have ended.
    expect(after.filter((pid) => !before.includes(pid))).toEqual([]);
  });

  check("an exec of what is not there says so; one in a process that is gone, too", async () => {
    const launch = bed.launch(["sleep", "60"]);
    const handle = await runtime.create(launch);
    await handle.start();
    const absent = await runtime.exec(bed.exec(launch, handle, ["nothing"]));
    await expect(absent.start()).rejects.toMatchObject({ code: "command_not_found" });
    await absent.release();
    const exec = bed.exec(launch, handle, ["true"]);
    await handle.release();
    await expect(runtime.exec(exec)).rejects.toThrow("no such process");
    expect(existsSync(exec.supervision.runDirectory)).toBe(false);
  });
}

function recovery({ bed, runtime, check }: Kit): void {
  check("the next engine adopts what runs, with its output and its end", async () => {
    const launch = bed.launch(["sh", "-c", "read line; echo $line; exit 5"], {
      supervision: { openStdin: true, stdinOnce: true },
    });
    const first = await runtime.create(launch);
    await first.start();
    const next = bed.open();
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
    nothingLeft(bed, launch);
  });

  check("the next engine finds the exit code of what ended meanwhile", async () => {
    const launch = bed.launch(["sh", "-c", "exit 9"]);
    const first = await runtime.create(launch);
    await first.start();
    await first.exited;
    const next = bed.open();
    expect(
      await next.adopt(launch.id, launch.supervision.runDirectory, launch.spec.linux.cgroupsPath),
    ).toMatchObject({ exitCode: 9 });
    expect(readExit(launch.supervision.runDirectory)).toMatchObject({ exitCode: 9 }); // kept until the caller has it safe
    await first.release();
    nothingLeft(bed, launch);
  });

  check("what waits at the barrier for an engine that is gone never ran", async () => {
    const launch = bed.launch(["true"]);
    await runtime.create(launch);
    const next = bed.open();
    expect(
      await next.adopt(launch.id, launch.supervision.runDirectory, launch.spec.linux.cgroupsPath),
    ).toBeUndefined();
    nothingLeft(bed, launch);
  });

  check("without its shim a container is ended, and counts as killed", async () => {
    const launch = bed.launch(["sleep", "60"]);
    const handle = await runtime.create(launch);
    await handle.start();
    kill(readState(launch.supervision.runDirectory)?.shimPid ?? 0, 9);
    expect(await handle.exited).toMatchObject({ exitCode: 137 });
    await handle.release();
    nothingLeft(bed, launch);
  });

  check("goes on where the connection to its shim is lost: no output, no end is missing", async () => {
    const launch = bed.launch(["sh", "-c", "read line; echo $line; exit 5"], {
      supervision: { openStdin: true, stdinOnce: true },
    });
    const { result: handle, sockets } = await openedBy(() => runtime.create(launch));
    const stream = await handle.attach(everything);
    await handle.start();
    shutDown(sockets);
    await handle.signal(SIGWINCH).catch(() => undefined); // answered when the loss is noticed
    await stream.write(Buffer.from("across\n"));
    expect(await textOf(stream.output)).toContain("across");
    expect(await handle.exited).toEqual({ exitCode: 5, oomKilled: false, finishedAt: expect.any(BigInt) });
    expect(bed.logged(launch)).toBe("across\n");
    await handle.release();
    nothingLeft(bed, launch);
  });

  check("is ended by a signal right behind a connection that is lost, and not counted as lost", async () => {
    const launch = bed.launch(["sleep", "60"]);
    const { result: handle, sockets } = await openedBy(() => runtime.create(launch));
    await handle.start();
    shutDown(sockets);
    await handle.signal(9);
    expect(await handle.exited).toEqual({ exitCode: 137, oomKilled: false, finishedAt: expect.any(BigInt) });
    await handle.release();
    nothingLeft(bed, launch);
  });

  check("where nothing is there is nothing to adopt", async () => {
    expect(await runtime.adopt("none", `${bed.directory}/run/none`)).toBeUndefined();
  });

  check("a run directory with a long name has a socket all the same", async () => {
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
}

function files({ bed, check }: Kit): void {
  check("a read-only root and a bind are what they were asked to be", async () => {
    const mounts = [
      { destination: "/in", type: "bind", source: bed.directory, options: ["rbind", "ro"] },
      {
        destination: "/new",
        type: "bind",
        source: `${bed.directory}/made`,
        options: ["rbind", "x-make-source"],
      },
    ];
    const { output } = await bed.run(["sh", "-c", "touch /a /in/a /new/a /bin/a; ls /in"], {
      mounts,
      readonly: true,
    });
    expect(output.match(/Read-only file system/g)).toHaveLength(3);
    expect(readdirSync(`${bed.directory}/made`)).toEqual(["a"]);
  });

  check("a read-only root has its working directory all the same", async () => {
    const { output } = await bed.run(["sh", "-c", "pwd; touch x"], {
      readonly: true,
      process: { cwd: "/not/there/yet" },
    });
    expect(output).toContain("/not/there/yet\n");
    expect(output).toContain("Read-only file system");
  });
}
