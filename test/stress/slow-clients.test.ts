/** Clients that read nothing for a while, or are many: each gets everything, and the container waits for none of them. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { output } from "../support/command.ts";
import { BERTH } from "../support/engine.ts";
import { has } from "../support/parts.ts";
import { until } from "../shim/support/within.ts";
import { Watcher } from "./watcher.ts";
import { MEGABYTE, residentBytes, signal, sockets, Subject } from "./subject.ts";

const GIGABYTE = 1_000_000_000;
/** What is printed again and again; lines of 1 kB, so that their number is not where the time goes. */
const PIECE_BYTES = 10_000_000;
const TALK = `for i in $(seq ${GIGABYTE / PIECE_BYTES}); do cat $PIECE; done`;
const LIMIT = 400;
const CLIENT_MEMORY = 1.5 * MEGABYTE;
const TIMEOUT_MS = 240_000;

describe.if(has("root", "busybox"))("clients", () => {
  const subject = new Subject();

  /** A file of random text for TALK, and the words that show it to a container. */
  async function piece(): Promise<{ path: string; options: string[] }> {
    const path = `${subject.engine.place}/piece`;
    await output([
      "sh",
      "-c",
      `head -c ${PIECE_BYTES} /dev/urandom | base64 -w 1000 | head -c ${PIECE_BYTES} > ${path}`,
    ]);
    return { path, options: ["-v", `${path}:/piece:ro`, "-e", "PIECE=/piece"] };
  }

  /** `CLI attach c` into a digest. */
  async function digesting(cli: string): Promise<{ pid: number; digest: Promise<string> }> {
    const { engine } = subject;
    const shell = Bun.spawn(["sh", "-c", `${cli} attach --no-stdin c | md5sum`], {
      env: { ...engine.env, ...engine.client },
      stdout: "pipe",
      stderr: "inherit",
    });
    return { pid: await childOf(shell.pid, "attach"), digest: shell.stdout.text() };
  }

  /** Starts a container that says `script` when it is told to; gives its shim. */
  async function waiting(script: string, ...options: string[]): Promise<number> {
    const patient = `until [ -e /go ]; do usleep 1000; done; ${script}`;
    await subject.told("run", "-d", "--name", "c", ...options, "busybox", "sh", "-c", patient);
    return await subject.shimOf("c");
  }

  test(
    "that are stopped for all of 1 GB hold up nobody, cost no memory, and get every byte when they go on",
    async () => {
      // Stopped until the container has written everything and has ended: more than any minute would show.
      const { path, options } = await piece();
      const shim = await waiting(TALK, "--log-opt", "max-size=10g", ...options);
      const alone = sockets(shim);
      const clients = await Promise.all([BERTH, ...(has("docker") ? ["docker"] : [])].map(digesting));
      await until("the clients to be attached", () => sockets(shim) === alone + clients.length);
      const before = residentBytes(subject.engine.pid);
      for (const { pid } of clients) await signal("STOP", pid);
      await subject.told("exec", "c", "touch", "/go");
      expect(await subject.told("wait", "c")).toBe("0\n");
      expect(peakBytes(shim)).toBeLessThan(MEGABYTE);
      const { pid: engine } = subject.engine;
      await until("the engine to hold no more", () => residentBytes(engine) < before + 64 * MEGABYTE); // its heap breathes
      for (const { pid } of clients) await signal("CONT", pid);
      const shell = { env: { ...subject.engine.client, PIECE: path }, timeoutMs: TIMEOUT_MS };
      const digest = await output(["sh", "-c", `(${TALK}) | md5sum`], shell);
      for (const client of clients) expect(await client.digest).toBe(digest);
      expect(await output(["sh", "-c", `${BERTH} logs c | md5sum`], shell)).toBe(digest);
    },
    TIMEOUT_MS,
  );

  test("200 at one container get the same, all of it and in order", async () => {
    const shim = await waiting("seq 1 100000; echo end >&2");
    const watchers = await Promise.all(
      Array.from({ length: 200 }, () => Watcher.attach(subject.engine, "c")),
    );
    const before = residentBytes(subject.engine.pid);
    await subject.told("exec", "c", "touch", "/go");
    const expected = `${Array.from({ length: 100_000 }, (_, at) => at + 1).join("\n")}\n`;
    for (const watcher of watchers)
      expect(await watcher.output()).toEqual({ stdout: expected, stderr: "end\n" });
    expect(residentBytes(subject.engine.pid)).toBeLessThan(before + watchers.length * CLIENT_MEMORY);
    await until("the shim to end", () => !readdirSync("/proc").includes(String(shim)));
  }, 60_000);

  test(`beyond ${LIMIT} are refused by name, and find room when another one has gone`, async () => {
    await waiting("echo end");
    const watchers: Watcher[] = [];
    for (let count = 0; count < LIMIT; count++) watchers.push(await Watcher.attach(subject.engine, "c"));
    const refusal =
      /^1: .*container [0-9a-f]{64} has 400 clients attached, which is the limit: disconnect one first\n$/;
    expect(await subject.told("attach", "--no-stdin", "c")).toMatch(refusal);
    expect(await subject.told("logs", "-f", "c")).toMatch(refusal);
    watchers.pop()?.close();
    await until("the place of the one that left", async () => {
      const late = await Watcher.attach(subject.engine, "c").catch(() => undefined);
      if (late !== undefined) watchers.push(late);
      return late !== undefined;
    });
    await subject.told("exec", "c", "touch", "/go");
    for (const watcher of watchers) expect(await watcher.output()).toEqual({ stdout: "end\n", stderr: "" });
  }, 60_000);
});

/** The child of a shell whose command line has that word. */
async function childOf(shell: number, word: string): Promise<number> {
  let found = 0;
  await until(`the process with "${word}"`, () => {
    const children = readFileSync(`/proc/${shell}/task/${shell}/children`, "utf8").split(" ").filter(Boolean);
    found = Number(children.find((pid) => commandLine(pid).includes(word)) ?? 0);
    return found !== 0;
  });
  return found;
}

function commandLine(pid: string): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
}

/** The most memory that it ever had. */
function peakBytes(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}
