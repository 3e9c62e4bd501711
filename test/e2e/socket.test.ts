/** Whoever speaks badly on the socket, or goes away in the middle, harms nobody. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { command } from "../support/command.ts";
import { BERTH, startEngine, type TestEngine } from "../support/engine.ts";
import { has } from "../support/parts.ts";
import { until } from "../shim/support/within.ts";

/** Sends bytes, and gives what comes back until the other side closes or `waitMs` have gone by. */
async function say(socket: string, chunks: Iterable<string | Uint8Array>, waitMs = 10_000): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let answer = "";
  const connection = await Bun.connect({
    unix: socket,
    socket: {
      data: (_, data) => void (answer += data.toString("latin1")),
      close: () => resolve(),
      error: () => resolve(),
    },
  });
  for (const chunk of chunks) connection.write(chunk);
  connection.flush();
  const late = setTimeout(resolve, waitMs);
  await promise;
  clearTimeout(late);
  connection.terminate();
  return answer;
}

describe.if(has("root", "busybox"))("the socket", () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({ image: "busybox" });
  }, 30_000);
  afterAll(() => engine[Symbol.asyncDispose](), 30_000);

  async function isWell(): Promise<void> {
    const { stdout } = await engine.berth(["run", "--rm", "--network", "none", "busybox", "echo", "well"]);
    expect(stdout).toBe("well\n");
  }

  test("garbage is answered with 400", async () => {
    expect(await say(engine.socket, ["\0\x01garbage\r\n\r\n"])).toStartWith("HTTP/1.1 400");
    await isWell();
  }, 20_000);

  test("half a request does not block the next one", async () => {
    const half = say(
      engine.socket,
      ["POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"],
      1500,
    );
    await isWell();
    await half;
    expect((await engine.berth(["ps", "-aq"])).stdout).toBe("");
  }, 20_000);

  test("100 MB of JSON are refused, and not kept in memory", async () => {
    const before = await memory(engine.pid);
    const size = 100 << 20;
    const body = new ReadableStream({
      start: () => undefined,
      pull: feed(size),
    });
    const response = await fetch("http://berth/containers/create", {
      unix: engine.socket,
      method: "POST",
      body,
      headers: { "Content-Type": "application/json" },
    }).catch(() => undefined);
    expect(response === undefined || response.status >= 400).toBe(true);
    expect((await memory(engine.pid)) - before).toBeLessThan(64 << 10);
    await isWell();
  }, 60_000);

  test.each([
    ["no JSON", "POST", "/containers/create", "not json"],
    ["JSON of another shape", "POST", "/containers/create", "[1,2]"],
    ["a field of another type", "POST", "/containers/create", '{"Image":5}'],
    ["deep nesting", "POST", "/containers/create", "[".repeat(100_000)],
    ["a bad filter", "GET", "/containers/json?filters=nonsense", undefined],
    [
      "an unknown filter",
      "GET",
      `/containers/json?filters=${encodeURIComponent('{"nosuch":["x"]}')}`,
      undefined,
    ],
    ["a bad signal", "POST", "/containers/none/kill?signal=%00", undefined],
  ])(
    "%s is answered with 4xx and a message",
    async (_, method, path, body) => {
      const response = await fetch(`http://berth${path}`, {
        unix: engine.socket,
        method,
        ...(body === undefined ? {} : { body, headers: { "Content-Type": "application/json" } }),
      });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
      expect(((await response.json()) as { message: string }).message).not.toBe("");
    },
    20_000,
  );

  test("an unknown path is 404, a version that is too new is 400", async () => {
    expect((await engine.api("GET", "/v1.50/nosuch")).status).toBe(404);
    expect((await engine.api("GET", "/v9.99/version")).status).toBe(400);
  });

  test.each([
    ["logs -f", ["logs", "-f", "c"]],
    ["attach", ["attach", "c"]],
    ["events", ["events"]],
    ["wait", ["wait", "c"]],
  ])(
    "a client that is gone in the middle of %s leaves nothing behind",
    async (_, words) => {
      await engine.berth([
        "run",
        "-d",
        "--name",
        "c",
        "busybox",
        "sh",
        "-c",
        "while :; do echo x; sleep 0.01; done",
      ]);
      const before = await descriptors(engine.pid);
      for (let i = 0; i < 5; i++) await engine.berth(words, { timeoutMs: 150 });
      await isWell();
      // The engine hears of each end on its own time.
      await until("as few descriptors as before", async () => (await descriptors(engine.pid)) <= before + 2);
      expect((await engine.berth(["rm", "-f", "c"])).code).toBe(0);
    },
    30_000,
  );

  test("a client that stops reading does not stop the container", async () => {
    const talk = "yes 0123456789 | head -c 30000000; touch /done; sleep 60";
    await engine.berth([
      "run",
      "-d",
      "--name",
      "c",
      "--log-driver",
      "json-file",
      "busybox",
      "sh",
      "-c",
      `sleep 1; ${talk}`,
    ]);
    const enough = `${engine.place}/enough`;
    const deaf = `until [ -e ${enough} ]; do sleep 0.1; done`;
    const client = command(["sh", "-c", `${BERTH} attach --no-stdin c | ${deaf}`], { env: engine.client });
    const done = "until [ -e /done ]; do sleep 0.1; done; echo done";
    expect((await engine.berth(["exec", "c", "sh", "-c", done])).stdout).toBe("done\n");
    await Bun.write(enough, "");
    await client;
    expect((await engine.berth(["rm", "-f", "c"])).code).toBe(0);
  }, 30_000);
});

function feed(size: number): (controller: ReadableStreamDefaultController<Uint8Array>) => void {
  const chunk = new Uint8Array(1 << 20).fill(0x20);
  let sent = 0;
  return (controller) => {
    sent += chunk.length;
    controller.enqueue(chunk);
    if (sent >= size) controller.close();
  };
}

/** Resident memory in kB. */
async function memory(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await Bun.file(`/proc/${pid}/status`).text())?.[1]);
}

async function descriptors(pid: number): Promise<number> {
  const { stdout } = await command(["ls", `/proc/${pid}/fd`]);
  return stdout.split("\n").length;
}
