import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { openWithBusybox, removeEngine } from "../../test/support/embedded.ts";
import { probeFeatures } from "../kernel/features.ts";
import { kill, parentOf } from "../kernel/processes.ts";
import { Demultiplexer } from "../wire/stream.ts";
import { encodeFile, END_OF_TAR } from "../lib/tar-writer.ts";
import type { HostConfig } from "../wire/schema.ts";
import { type Attachment, Engine } from "./engine.ts";

setDefaultTimeout(30_000); // the machine may be busy

const PLACE = `/tmp/b-eng-${process.pid}`;
const AT = { root: `${PLACE}/root`, run: `${PLACE}/run` };
const FOR_EVER = new AbortController().signal;
const BRIDGE = { NetworkMode: "bridge" };
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("engine.test.ts is left out: it needs root");

async function* bytesOf(...texts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield typeof text === "string" ? new TextEncoder().encode(text) : text;
}

async function everything(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

async function textOf(stream: AsyncIterable<Uint8Array>, tty = false): Promise<string> {
  const frames = new Demultiplexer();
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream)
    chunks.push(...(tty ? [chunk] : frames.push(chunk).map(({ bytes }) => bytes)));
  return Buffer.concat(chunks).toString();
}

async function rejection(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "nothing was thrown",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

describe.if(isRoot)("an engine", () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await openWithBusybox(AT);
  }, 60_000);

  afterAll(() => removeEngine(engine, PLACE), 60_000);

  async function create(command: string, hostConfig: HostConfig = {}, name?: string): Promise<string> {
    const request = {
      Image: "busybox",
      Cmd: ["sh", "-c", command],
      HostConfig: { NetworkMode: "none", ...hostConfig },
    };
    return (await engine.containers.create(name, request)).Id;
  }

  async function start(command: string, hostConfig?: HostConfig): Promise<string> {
    const id = await create(command, hostConfig);
    await engine.containers.start(id);
    return id;
  }

  function logs(id: string, options: { follow?: boolean; tail?: string } = {}): Promise<string> {
    const all = { stdout: true, stderr: true, follow: false, timestamps: false, ...options };
    return engine.containers.logs(id, all, FOR_EVER).then(({ stream }) => textOf(stream));
  }

  async function printed(id: string, text: string): Promise<void> {
    while (!(await logs(id)).includes(text)) await Bun.sleep(1);
  }

  const exit = (id: string) => engine.containers.wait(id, "not-running", FOR_EVER);
  const remove = (id: string) => engine.containers.remove(id, { force: true, volumes: false });
  const stateOf = async (id: string) => (await engine.containers.inspect(id, { size: false })).State;

  async function exec(
    id: string,
    Cmd: string[],
    more: object = {},
  ): Promise<{ output: string; code: number | null }> {
    const { Id } = await engine.execs.create(id, { Cmd, AttachStdout: true, AttachStderr: true, ...more });
    const attached = await engine.execs.start(Id, {});
    const output = attached === undefined ? "" : await textOf(attached.output, attached.tty);
    return { output, code: (await engine.execs.inspect(Id)).ExitCode };
  }

  test("runs a command, keeps its output and its exit code", async () => {
    const id = await create("echo out; echo err >&2; exit 7");
    const waited = engine.containers.wait(id, "next-exit", FOR_EVER);
    await engine.containers.start(id);
    expect(await waited).toEqual({ StatusCode: 7 });
    expect(await logs(id)).toBe("out\nerr\n");
    expect(await stateOf(id)).toMatchObject({ Status: "exited", ExitCode: 7, Running: false, Pid: 0 });
    await remove(id);
    expect(await rejection(engine.containers.inspect(id, { size: false }))).toBe(`No such container: ${id}`);
  });

  test("starts it again, with the log going on", async () => {
    const id = await start("echo again");
    await exit(id);
    await engine.containers.start(id);
    await exit(id);
    expect(await logs(id)).toBe("again\nagain\n");
    expect(await logs(id, { tail: "1" })).toBe("again\n");
    await remove(id);
  });

  test.each([
    ["nosuch", "command_not_found", 127, 'exec: "nosuch": executable file not found in $PATH'],
    ["/nosuch", "command_not_found", 127, "no such file or directory"],
    ["/etc/not-executable", "command_not_executable", 126, "permission denied"],
  ])("says why %s cannot be started", async (command, code, exitCode, words) => {
    const { Id } = await engine.containers.create(undefined, {
      Image: "busybox",
      Cmd: [command],
      HostConfig: { NetworkMode: "none" },
    });
    const failure = await engine.containers.start(Id).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(await stateOf(Id)).toMatchObject({ Status: "created", ExitCode: exitCode });
    await remove(Id);
  });

  test("removes a container that was to remove itself, and tells those who wait for it", async () => {
    const id = await create("exit 4", { AutoRemove: true });
    const removed = engine.containers.wait(id, "removed", FOR_EVER);
    await engine.containers.start(id);
    expect(await removed).toEqual({ StatusCode: 4 });
    expect(await rejection(stateOf(id))).toBe(`No such container: ${id}`);
  });

  test("stops politely, then not; kills; refuses what does not run", async () => {
    const polite = await start("trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done");
    await printed(polite, "ready");
    await engine.containers.stop(polite, {});
    expect(await stateOf(polite)).toMatchObject({ Status: "exited", ExitCode: 3 });
    const rude = await start("trap '' TERM; echo ready; while :; do sleep 0.05; done");
    await printed(rude, "ready");
    await engine.containers.stop(rude, { timeoutSeconds: 1 });
    expect(await stateOf(rude)).toMatchObject({ Status: "exited", ExitCode: 137 });
    expect(await engine.containers.stop(rude, {}).catch((error: unknown) => error)).toMatchObject({
      code: "not_modified",
    });
    expect(await rejection(engine.containers.kill(rude, undefined))).toContain(
      `container ${rude} is not running`,
    );
    await remove(polite);
    await remove(rude);
  }, 15_000);

  test("refuses to remove what runs, unless forced", async () => {
    const id = await start("sleep 100");
    expect(await rejection(engine.containers.remove(id, { force: false, volumes: false }))).toContain(
      "container is running: stop the container before removing or force remove",
    );
    await remove(id);
    expect(await rejection(stateOf(id))).toContain("No such container");
  });

  test("gives a name once", async () => {
    const id = await create("true", {}, "only-one");
    expect(await rejection(create("true", {}, "only-one"))).toBe(
      `Conflict. The container name "/only-one" is already in use by container "${id}". ` +
        "You have to remove (or rename) that container to be able to reuse that name.",
    );
    await engine.containers.rename("only-one", "another");
    expect((await engine.containers.inspect("another", { size: false })).Id).toBe(id);
    await remove("another");
  });

  test("attaches before the start: not a byte is missed, and input arrives", async () => {
    const { Id } = await engine.containers.create(undefined, {
      Image: "busybox",
      Cmd: ["sh", "-c", "echo first; cat"],
      OpenStdin: true,
      StdinOnce: true,
      HostConfig: { NetworkMode: "none" },
    });
    const both = { stdin: true, stdout: true, stderr: true, stream: true, logs: false };
    const attached: Attachment = await engine.containers.attach(Id, both, FOR_EVER);
    const output = textOf(attached.output);
    await engine.containers.start(Id);
    await attached.write(new TextEncoder().encode("typed\n"));
    attached.closeInput();
    expect(await output).toBe("first\ntyped\n");
    await remove(Id);
  });

  test("follows a log to its end, and shows all of it to who attaches late", async () => {
    const id = await start("mkfifo /go; echo one; read line </go; echo two");
    const late = await engine.containers.attach(
      id,
      { stdin: false, stdout: true, stderr: true, stream: true, logs: true },
      FOR_EVER,
    );
    const both = Promise.all([logs(id, { follow: true }), textOf(late.output)]);
    await printed(id, "one");
    await exec(id, ["sh", "-c", "echo >/go"]);
    expect(await both).toEqual(["one\ntwo\n", "one\ntwo\n"]);
    await remove(id);
  });

  test("a terminal is detached from by its keys, and the process goes on", async () => {
    const { Id } = await engine.containers.create(undefined, {
      Image: "busybox",
      Cmd: ["sh", "-c", "stty -echo; read line; echo got $line; sleep 100"],
      OpenStdin: true,
      Tty: true,
      HostConfig: { NetworkMode: "none", ConsoleSize: [24, 80] },
    });
    const all = { stdin: true, stdout: true, stderr: true, stream: true, logs: false };
    const attached = await engine.containers.attach(Id, all, FOR_EVER);
    await engine.containers.start(Id);
    await engine.containers.resize(Id, 30, 100);
    await attached.write(Uint8Array.of(0x10, 0x11));
    await textOf(attached.output, true);
    expect(await stateOf(Id)).toMatchObject({ Running: true });
    expect((await exec(Id, ["sh", "-c", "stty size < /dev/console"])).output).toContain("30 100");
    await remove(Id);
  });

  test("executes commands, with exit codes, users, variables and directories of their own", async () => {
    const id = await start("sleep 100");
    expect(
      await exec(id, ["sh", "-c", "echo $A in $PWD as $(id -u); exit 5"], {
        Env: ["A=b"],
        WorkingDir: "/tmp",
        User: "ada",
      }),
    ).toEqual({
      output: "b in /tmp as 1000\n",
      code: 5,
    });
    const { Id } = await engine.execs.create(id, { Cmd: ["nosuch"], AttachStdout: true });
    expect(await engine.execs.start(Id, {}).catch((error: unknown) => error)).toMatchObject({
      code: "command_not_found",
    });
    expect(await engine.execs.inspect(Id)).toMatchObject({ Running: false, ExitCode: 127 });
    expect(await rejection(engine.execs.start(Id, {}))).toContain("has already run");
    await remove(id);
  });

  test("pauses and goes on; a paused container takes no exec, and can be stopped", async () => {
    const id = await start("sleep 100");
    await engine.containers.pause(id);
    expect(await stateOf(id)).toMatchObject({ Status: "paused", Running: true, Paused: true });
    expect(await rejection(engine.execs.create(id, { Cmd: ["true"] }))).toContain(
      "unpause the container before exec",
    );
    expect(await rejection(engine.containers.pause(id))).toContain("is already paused");
    await engine.containers.unpause(id);
    expect(await stateOf(id)).toMatchObject({ Status: "running" });
    await engine.containers.pause(id);
    await engine.containers.stop(id, { timeoutSeconds: 1 });
    expect(await stateOf(id)).toMatchObject({ Status: "exited" });
    await remove(id);
  }, 15_000);

  test("a container that ends while it is being paused is told to be none that runs", async () => {
    for (let round = 0; round < 20; round++) {
      const id = await start("while :; do :; done");
      const pausing = engine.containers.pause(id).catch((error: unknown) => error);
      await engine.containers.kill(id, "KILL");
      const refused = { code: "conflict", message: expect.stringContaining("is not running") };
      expect([undefined, expect.objectContaining(refused)]).toContainEqual(await pausing);
      await exit(id);
      await remove(id);
    }
  });

  test("copies files in and out, of running and of stopped containers", async () => {
    const archive = Buffer.concat([encodeFile("given.txt" as never, "hello"), END_OF_TAR]);
    const copy = { noOverwriteDirNonDir: false, copyUIDGID: false };
    const stopped = await create("cat /tmp/given.txt; sleep 100");
    await engine.containers.putArchive(stopped, "/tmp", bytesOf(archive), copy);
    expect(await engine.containers.statPath(stopped, "/tmp/given.txt")).toMatchObject({
      name: "given.txt",
      size: 5,
    });
    await engine.containers.start(stopped);
    await engine.containers.putArchive(stopped, "/root", bytesOf(archive), copy);
    expect((await exec(stopped, ["cat", "/root/given.txt"])).output).toBe("hello");
    const { stream } = await engine.containers.getArchive(stopped, "/root/given.txt");
    expect((await everything(stream)).toString()).toContain("hello");
    expect(await rejection(engine.containers.statPath(stopped, "/nowhere"))).toContain(
      "Could not find the file /nowhere",
    );
    const changes = await engine.containers.changes(stopped);
    expect(changes).toContainEqual({ Path: "/root/given.txt", Kind: 1 });
    const exported = await engine.containers.export(stopped);
    expect((await everything(exported)).length).toBeGreaterThan(1 << 20);
    await remove(stopped);
  }, 20_000);

  test("lists with filters, and inspects every field", async () => {
    const id = await create("sleep 100", {}, "listed");
    const list = (filters: [string, string][], all = true) =>
      engine.containers.list({
        all,
        size: true,
        filters: new Map(filters.map(([name, value]) => [name, [value]])),
      });
    expect((await list([["name", "list"]]))[0]).toMatchObject({
      Id: id,
      Names: ["/listed"],
      Image: "busybox",
      Command: "sh -c 'sleep 100'",
      State: "created",
      Status: "Created",
      Ports: [],
      Mounts: [],
      SizeRw: 0,
    });
    expect(await list([["name", "list"]], false)).toEqual([]);
    expect(
      await list([
        ["ancestor", "busybox"],
        ["status", "created"],
        ["id", id.slice(0, 6)],
      ]),
    ).toHaveLength(1);
    expect(await list([["ancestor", "nothing"]])).toEqual([]);
    expect(await rejection(list([["colour", "red"]]))).toBe("invalid filter 'colour'");
    expect(await rejection(list([["status", "happy"]]))).toBe("invalid filter 'status=[happy]'");
    const inspected = await engine.containers.inspect("listed", { size: true });
    expect(inspected).toMatchObject({ Name: "/listed", Path: "sh", Args: ["-c", "sleep 100"], SizeRw: 0 });
    await remove(id);
  });

  test("tells what happened", async () => {
    const before = String(Date.now() / 1000 - 0.01); // an event's clock may be some milliseconds behind this one, or ahead
    const id = await create("exit 1", { AutoRemove: true });
    const gone = engine.containers.wait(id, "removed", FOR_EVER);
    await engine.containers.start(id);
    await gone;
    const until = String(Date.now() / 1000 + 0.01);
    const actions: string[] = [];
    for await (const event of engine.system.events(
      { since: before, until, filters: new Map([["container", [id]]]) },
      FOR_EVER,
    ))
      actions.push(event.Action ?? "");
    expect(actions).toEqual(["create", "start", "die", "destroy"]);
  });

  test("refuses by name what it does not do", async () => {
    expect(await rejection(create("true", { PortBindings: { "80/tcp": [] } }))).toContain(
      "HostConfig.PortBindings",
    );
    expect(await rejection(engine.containers.create(undefined, { Image: "nosuch" }))).toContain(
      "No such image: nosuch",
    );
  });

  test("lets nobody else have its root", async () => {
    expect(await rejection(Engine.open(AT))).toContain(`pid ${process.pid}`);
  });

  test("finds nothing lost, and goes on where the engine before it has ended", async () => {
    const gate = { Binds: [`${PLACE}/gate:/gate`] };
    const opened = "until [ -e /gate/open ]; do sleep 0.01; done";
    mkdirSync(`${PLACE}/gate`);
    const running = await start(`echo before; ${opened}; echo after; sleep 100`, gate);
    const ending = await start(`${opened}; exit 9`, gate);
    const removing = await start(opened, { ...gate, AutoRemove: true });
    const paused = await start("sleep 100");
    await engine.containers.pause(paused);
    const { Id: execId } = await engine.execs.create(running, { Cmd: ["sh", "-c", `${opened}; exit 6`] });
    await engine.execs.start(execId, { Detach: true });
    await engine.close();
    writeFileSync(`${PLACE}/gate/open`, "");
    const ends = [`c/${ending}`, `c/${removing}`, `x/${execId}`].map((name) => `${AT.run}/${name}/exit`);
    const log = `${AT.root}/containers/${running}/${running}-json.log`;
    while (!ends.every((path) => existsSync(path)) || !readFileSync(log, "utf8").includes("after"))
      await Bun.sleep(5);
    engine = await Engine.open(AT);
    expect(await stateOf(running)).toMatchObject({ Status: "running" });
    expect(await stateOf(ending)).toMatchObject({ Status: "exited", ExitCode: 9 });
    expect(await stateOf(paused)).toMatchObject({ Status: "paused" });
    expect(await rejection(stateOf(removing))).toContain("No such container");
    expect((await engine.execs.inspect(execId)).ExitCode).toBe(6);
    expect(await logs(running)).toBe("before\nafter\n");
    expect((await exec(running, ["echo", "here"])).output).toBe("here\n");
    expect(await engine.system.fsck({ repair: false })).toEqual([]);
    await engine.containers.stop(running, { timeoutSeconds: 0 });
    expect(await stateOf(running)).toMatchObject({ Status: "exited", ExitCode: 137 });
    await Promise.all([running, ending, paused].map(remove));
    expect(await engine.system.fsck({ repair: false })).toEqual([]);
    expect(readdirSync(`${AT.run}/c`)).toEqual([]);
  }, 20_000);

  test("knows the exit code of an exec whose shim was killed as soon as its output has ended", async () => {
    const id = await start("sleep 100");
    const { Id: execId } = await engine.execs.create(id, { Cmd: ["sleep", "100"], AttachStdout: true });
    const attachment = await engine.execs.start(execId, {});
    const { Pid: pid = 0 } = await engine.execs.inspect(execId);
    kill(parentOf(pid) ?? expect.unreachable(), 9);
    await textOf(attachment?.output ?? bytesOf());
    expect(await engine.execs.inspect(execId)).toMatchObject({ Running: false, ExitCode: 137 });
    await remove(id);
  });

  test("judges nothing of a --rm container that has just ended, and is still being taken away", async () => {
    const id = await create("exit 0", { AutoRemove: true });
    const removed = engine.containers.wait(id, "removed", FOR_EVER);
    await engine.containers.start(id);
    await removed;
    expect(await engine.system.fsck({ repair: false })).toEqual([]);
    expect(existsSync(`${AT.root}/containers/${id}`)).toBe(false);
  });

  test("judges nothing of a container that is just being started, and takes nothing of it away", async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => create("sleep 100", BRIDGE)));
    const starts: Promise<void>[] = [];
    const looks = ids.map((id) => {
      starts.unshift(engine.containers.start(ids[ids.length - 1 - starts.length] ?? id)); // the youngest first
      return engine.system.fsck({ repair: true });
    });
    await Promise.all(starts);
    expect((await Promise.all(looks)).flat()).toEqual([]);
    for (const id of ids) expect((await exec(id, ["echo", "runs"])).output).toBe("runs\n");
    await Promise.all(ids.map(remove));
  });

  test("ends when nothing is being taken away any more", async () => {
    const id = await create("i=0; while [ $i -lt 3000 ]; do : >/$i; i=$((i + 1)); done");
    await engine.containers.start(id);
    await engine.containers.wait(id, "not-running", FOR_EVER);
    await remove(id);
    await engine.close();
    const left = readdirSync(`${AT.root}/tmp`);
    engine = await Engine.open(AT);
    expect(left).toEqual([]);
  });

  test("opens although something that is left cannot be removed, and says what", async () => {
    const { mountpoint } =
      probeFeatures().cgroups.v2 ?? probeFeatures().cgroups.hierarchies[0] ?? expect.unreachable();
    const instance = `b${new Bun.CryptoHasher("sha256").update(AT.root).digest("hex").slice(0, 6)}`;
    const group = `${mountpoint}/${instance}/left`;
    const left = (repaired: boolean) => [expect.objectContaining({ kind: "cgroup", id: "left", repaired })];
    await engine.close();
    mkdirSync(group, { recursive: true });
    expect(Bun.spawnSync(["mount", "-t", "tmpfs", "left", group]).exitCode).toBe(0);
    try {
      engine = await Engine.open(AT);
      expect(await engine.system.fsck({ repair: true })).toEqual(left(false));
    } finally {
      Bun.spawnSync(["umount", group]);
    }
    expect(await engine.system.fsck({ repair: true })).toEqual(left(true));
    expect(existsSync(group)).toBe(false);
  });

  test("knows the exit codes of execs from before, and does not announce their ends again", async () => {
    const id = await start("sleep 100");
    const { Id: execId } = await engine.execs.create(id, { Cmd: ["sh", "-c", "exit 4"] });
    await engine.execs.start(execId, { Detach: true });
    while ((await engine.execs.inspect(execId)).ExitCode === null) await Bun.sleep(1);
    await engine.close();
    const reopened = Date.now() / 1000;
    engine = await Engine.open(AT);
    expect((await engine.execs.inspect(execId)).ExitCode).toBe(4);
    const actions: string[] = [];
    const past = { since: String(reopened), until: String(Date.now() / 1000), filters: new Map() };
    for await (const { Action } of engine.system.events(past, new AbortController().signal))
      actions.push(Action ?? "");
    expect(actions).not.toContain("exec_die");
    await remove(id);
  }, 20_000);
});
