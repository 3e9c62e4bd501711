/** What is asked of a container while it comes to its end, or while somebody else is at it. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { openWithBusybox, removeEngine } from "../../test/support/embedded.ts";
import { kill, parentOf, processState, startTime } from "../kernel/processes.ts";
import { readState } from "../runtime/records.ts";
import { NO_FILTERS } from "../wire/filters.ts";
import { type Attachment, Engine } from "./engine.ts";

setDefaultTimeout(30_000); // the machine may be busy

const PLACE = `/tmp/b-meanwhile-${process.pid}`;
const AT = { root: `${PLACE}/root`, run: `${PLACE}/run` };
const FOR_EVER = new AbortController().signal;
const [SIGKILL, SIGCONT, SIGSTOP] = [9, 18, 19];
const OUTPUT = { stdin: false, stdout: true, stderr: true, stream: true, logs: false };
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("meanwhile.test.ts is left out: it needs root");

async function* bytesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function everything({ output }: Attachment): Promise<string> {
  return Buffer.concat(await Array.fromAsync(output)).toString();
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "done",
    ({ code }: { code: string }) => code,
  );

describe.if(isRoot)("meanwhile", () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await openWithBusybox(AT);
  }, 60_000);

  afterAll(() => removeEngine(engine, PLACE), 60_000);

  const list = () => engine.containers.list({ all: true, size: false, filters: NO_FILTERS });
  const remove = (id: string) => engine.containers.remove(id, { force: true, volumes: false });
  const stateOf = async (id: string) => (await engine.containers.inspect(id, { size: false })).State;
  const pidOf = async (id: string) => (await stateOf(id))?.Pid ?? expect.unreachable();
  const attach = (id: string) => engine.containers.attach(id, OUTPUT, FOR_EVER);

  async function create(...Cmd: string[]): Promise<string> {
    const request = { Image: "busybox", Cmd, HostConfig: { NetworkMode: "none" } };
    return (await engine.containers.create(undefined, request)).Id;
  }

  /** Nothing of ours happens until it has come to its end, and its shim too. */
  function standStillUntilOver(id: string): void {
    const directory = `${AT.run}/c/${id}`;
    while (!existsSync(`${directory}/exit`)) Bun.sleepSync(1);
    const { shimPid } = readState(directory) ?? expect.unreachable();
    while (processState(shimPid, startTime(shimPid) ?? 0n) === "alive") Bun.sleepSync(1);
  }

  test("who attaches in the middle of a start does not keep it from succeeding, however soon the process has ended", async () => {
    const id = await create("true");
    const starting = engine.containers.start(id);
    await new Promise(setImmediate); // its shim is at work
    const attached = await attach(id);
    standStillUntilOver(id);
    await starting;
    expect(await everything(attached)).toBe("");
    expect(await engine.containers.wait(id, "not-running", FOR_EVER)).toEqual({ StatusCode: 0 });
    expect((await stateOf(id))?.Error).toBe("");
    await remove(id);
  });

  test("who attaches, or follows the log, at the very end sees the end", async () => {
    const id = await create("sleep", "100");
    await engine.containers.start(id);
    const pid = await pidOf(id);
    kill(pid, SIGKILL);
    standStillUntilOver(id);
    const followed = engine.containers.logs(id, { ...OUTPUT, follow: true, timestamps: false }, FOR_EVER);
    const attached = attach(id);
    expect(await everything(await attached)).toBe("");
    expect(await Array.fromAsync((await followed).stream)).toEqual([]);
    await remove(id);
  });

  test("one that was stopped in the middle of its start does not run any more", async () => {
    const id = await create("sleep", "100");
    const starting = engine.containers.start(id);
    for (let tick = 0; (await stateOf(id))?.Running !== true; tick++) {
      if (tick < 300) await attach(id); // whom the start will have to connect
      await Bun.sleep(1);
    }
    await engine.containers.stop(id, { timeoutSeconds: 0 });
    expect(await stateOf(id)).toMatchObject({ Running: false, ExitCode: 137 });
    await starting;
    await remove(id);
  });

  test.each(Array.from({ length: 5 }, (_, index) => [index]))(
    "is paused and killed at once (%d)",
    async () => {
      const id = await create("sleep", "100");
      await engine.containers.start(id);
      const paused = codeOf(engine.containers.pause(id));
      await engine.containers.kill(id, "KILL");
      expect(["done", "conflict"]).toContain(await paused);
      expect(await stateOf(id)).toMatchObject({ Running: false, Paused: false, ExitCode: 137 });
      await remove(id);
    },
  );

  test("nothing is executed in one whose process has ended and whose shim has not told", async () => {
    const id = await create("sleep", "100");
    await engine.containers.start(id);
    const { Id: exec } = await engine.execs.create(id, { Cmd: ["true"] });
    const pid = await pidOf(id);
    const shim = parentOf(pid) ?? expect.unreachable();
    kill(shim, SIGSTOP);
    kill(pid, SIGKILL);
    try {
      await expect(engine.execs.start(exec, { Detach: true })).rejects.toMatchObject({
        code: "conflict",
        message: `container ${id} is not running`,
      });
    } finally {
      kill(shim, SIGCONT);
    }
    await remove(id);
  });

  test("one that is removed is not renamed, nor written to", async () => {
    const id = await create("true");
    const removed = remove(id);
    const renamed = codeOf(engine.containers.rename(id, "phantom"));
    const options = { noOverwriteDirNonDir: false, copyUIDGID: false };
    const written = codeOf(engine.containers.putArchive(id, "/", bytesOf(new Uint8Array(1024)), options));
    await removed;
    expect(await Promise.all([renamed, written])).toEqual(["not_found", "not_found"]);
    expect(await codeOf(engine.containers.inspect("phantom", { size: false }))).toBe("not_found");
    await engine.close();
    engine = await Engine.open(AT);
    expect(await list()).toEqual([]);
  });

  test("nothing is read from one that is removed", async () => {
    const id = await create("true");
    const removed = remove(id);
    const asked = [
      engine.containers.changes(id),
      engine.containers.getArchive(id, "/etc"),
      engine.containers.export(id),
      engine.containers.statPath(id, "/etc"),
    ];
    const codes = await Promise.all(asked.map(codeOf));
    await removed;
    expect(codes).toEqual(codes.map(() => "not_found"));
  });

  test("one that is started meanwhile is left alone by prune, which goes on with the others", async () => {
    const started = await create("sleep", "100");
    const other = await create("true");
    const starting = engine.containers.start(started);
    const { ContainersDeleted } = await engine.containers.prune(NO_FILTERS);
    await starting;
    expect(ContainersDeleted).toEqual([other]);
    await remove(started);
  });
});
