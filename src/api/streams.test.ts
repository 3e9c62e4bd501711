import { expect, test } from "bun:test";
import { BerthError } from "../lib/error.ts";
import { demultiplex, encodeFrame, STDERR, STDOUT } from "../wire/stream.ts";
import { FakeProcess, fakeEngine, missing } from "./fake-engine.ts";
import { testServer } from "./test-client.ts";

const UPGRADE = ["Connection: Upgrade", "Upgrade: tcp"];
const ATTACH = "/containers/c/attach?stream=1&stdin=1&stdout=1&stderr=1";
const HEAD = (type: string) =>
  `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`;
const RAW = "application/vnd.docker.raw-stream";
const MULTIPLEXED = "application/vnd.docker.multiplexed-stream";

function attaching(process: FakeProcess) {
  return fakeEngine({
    containers: { attach: async (ref: string) => (ref === "c" ? process : missing(ref)) },
  });
}

test.each([
  ["/v1.42", false, MULTIPLEXED],
  ["/v1.41", false, RAW],
  ["", false, MULTIPLEXED],
  ["/v1.50", true, RAW],
])("attach %s, tty %p, upgrades to %s", async (version, tty, type) => {
  const process = new FakeProcess({ tty });
  await using server = await testServer(attaching(process));
  const client = server.connect().request("POST", version + ATTACH, UPGRADE);
  expect(await client.until("\r\n\r\n")).toBe(HEAD(type));
  process.exit();
  await client.ended.promise;
});

test("attach carries both directions, and output goes on after the client has closed its half", async () => {
  const process = new FakeProcess({ tty: false });
  await using server = await testServer(attaching(process));
  const client = server.connect().request("POST", ATTACH, UPGRADE);
  await client.until("\r\n\r\n");
  client.send("in\0put").socket.end();
  await process.inputClosed.promise;
  expect(process.typed.join("")).toBe("in\0put");
  process.print(encodeFrame(STDOUT, "out"));
  process.print(encodeFrame(STDERR, "err"));
  process.exit();
  await client.ended.promise;
  expect(client.text).toEndWith("\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x03err");
});

test("input that comes in the same packet as the request is not lost", async () => {
  const process = new FakeProcess({ tty: true });
  await using server = await testServer(attaching(process));
  const head = `POST ${ATTACH} HTTP/1.1\r\nHost: x\r\n${UPGRADE.join("\r\n")}\r\n\r\n`;
  const client = server.connect().send(`${head}early`);
  client.socket.end();
  await process.inputClosed.promise;
  expect(process.typed.join("")).toBe("early");
  process.exit();
  await client.ended.promise;
});

test("what is typed is thrown away unless stdin is wanted", async () => {
  const process = new FakeProcess({ tty: false });
  await using server = await testServer(attaching(process));
  const client = server.connect().request("POST", "/containers/c/attach?stream=1&stdout=1", UPGRADE);
  await client.until("\r\n\r\n");
  client.send("x".repeat(1 << 20)).socket.end();
  process.print("done");
  await client.until("done");
  process.exit();
  await client.ended.promise;
  expect(process.typed).toEqual([]);
});

test("a client that is gone closes the attachment", async () => {
  const process = new FakeProcess({ tty: false });
  await using server = await testServer(attaching(process));
  const client = server.connect().request("POST", ATTACH, UPGRADE);
  await client.until("\r\n\r\n");
  client.socket.destroy();
  await process.closed.promise;
});

test("attach without an upgrade is 200 and the bare stream; a chunked body is input", async () => {
  const process = new FakeProcess({ tty: true });
  await using server = await testServer(attaching(process));
  const client = server.connect();
  client.send(`POST ${ATTACH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n`);
  expect(await client.until("\r\n\r\n")).toBe(`HTTP/1.1 200 OK\r\nContent-Type: ${RAW}\r\n\r\n`);
  client.send("0\r\n\r\n");
  await process.inputClosed.promise;
  expect(process.typed.join("")).toBe("hi");
  process.print("bye");
  process.exit();
  await client.ended.promise;
  expect(client.text).toEndWith("\r\n\r\nbye");
});

test("an attach that fails is an ordinary answer on the connection that was to be upgraded", async () => {
  await using server = await testServer(attaching(new FakeProcess({ tty: false })));
  const client = server.connect().request("POST", ATTACH.replace("/c/", "/d/"), UPGRADE);
  await client.ended.promise;
  expect(client.text).toStartWith("HTTP/1.1 404 Not Found\r\n");
  expect(client.text).toContain("Content-Type: application/json\r\n");
  expect(client.text).toEndWith('\r\n\r\n{"message":"No such container: d"}\n');
});

test("a request that offers HTTP/2 gets its answer in HTTP/1.1", async () => {
  await using server = await testServer(fakeEngine({ system: { version: () => ({ Version: "1" }) } }));
  const client = server.connect().request("GET", "/version", ["Connection: Upgrade", "Upgrade: h2c"]);
  await client.ended.promise;
  expect(client.text).toStartWith("HTTP/1.1 200 OK\r\n");
  expect(client.text).toEndWith('{"Version":"1"}\n');
});

test("output is taken from the process no faster than the client reads it", async () => {
  const chunk = new Uint8Array(64 << 10).fill(120);
  let given = 0;
  const output = (async function* () {
    for (; given < 256 * chunk.length; given += chunk.length) yield chunk;
  })();
  const process = Object.assign(new FakeProcess({ tty: true }), { output }) as FakeProcess;
  await using server = await testServer(attaching(process));
  const client = server.connect();
  let aheadBytes = 0;
  client.socket.on("data", () => (aheadBytes = Math.max(aheadBytes, given - client.bytes.length)));
  client.request("POST", ATTACH, UPGRADE);
  await client.ended.promise;
  expect(client.bytes.length - HEAD(RAW).length).toBe(256 * chunk.length);
  expect(aheadBytes).toBeLessThan(4 << 20);
});

test("wait sends its 200 before there is an exit", async () => {
  const exit = Promise.withResolvers<unknown>();
  const wait = (ref: string) =>
    ref === "c" ? exit.promise : Promise.reject(new BerthError("not_found", "no"));
  await using server = await testServer(fakeEngine({ containers: { wait } }));
  const response = await server.fetch("/containers/c/wait?condition=removed", { method: "POST" });
  expect(response.status).toBe(200);
  exit.resolve({ StatusCode: 3 });
  expect(await response.json()).toEqual({ StatusCode: 3 });
  expect((await server.fetch("/containers/d/wait", { method: "POST" })).status).toBe(404);
  const wrong = await server.fetch("/containers/c/wait?condition=never", { method: "POST" });
  expect(await wrong.json()).toEqual({ message: 'invalid condition: "never"' });
});

test("wait, logs and events end with their client", async () => {
  const aborted = Promise.withResolvers<void>();
  const forever = async (signal: AbortSignal): Promise<never> => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    aborted.resolve();
    throw new Error("aborted");
  };
  const wait = (_: string, __: string, signal: AbortSignal) => forever(signal);
  await using server = await testServer(fakeEngine({ containers: { wait } }));
  const client = server.connect().request("POST", "/containers/c/wait");
  await client.until("\r\n\r\n");
  client.socket.destroy();
  await aborted.promise;
});

test("events are JSON, one a line, and the 200 comes at once", async () => {
  const next = Promise.withResolvers<void>();
  async function* events() {
    await next.promise;
    yield { Type: "container", Action: "start" };
    yield { Type: "container", Action: "die" };
  }
  await using server = await testServer(fakeEngine({ system: { events } }));
  const response = await server.fetch("/events");
  expect(response.headers.get("content-type")).toBe("application/json");
  next.resolve();
  expect(await response.text()).toBe(
    '{"Type":"container","Action":"start"}\n{"Type":"container","Action":"die"}\n',
  );
});

test("logs name their form, and a failure in the middle is a frame", async () => {
  async function* stream() {
    yield encodeFrame(STDOUT, "one");
    throw new BerthError("corrupt", "the log is broken");
  }
  const logs = async () => ({ tty: false, stream: stream() });
  await using server = await testServer(fakeEngine({ containers: { logs } }));
  const response = await server.fetch("/containers/c/logs?stdout=1");
  expect(response.headers.get("content-type")).toBe(MULTIPLEXED);
  const pieces = await Array.fromAsync(demultiplex(response.body ?? missing("body")));
  const texts = pieces.map(({ stream: number, bytes }) => [number, new TextDecoder().decode(bytes)]);
  expect(texts).toEqual([
    [1, "one"],
    [3, "the log is broken"],
  ]);
  const none = await server.fetch("/containers/c/logs");
  expect(await none.json()).toEqual({ message: "Bad parameters: you must choose at least one stream" });
});

test("progress that fails at once is a status, later it is the last line", async () => {
  async function* pull(ref: string) {
    if (ref === "gone:1") throw new BerthError("not_found", "no such image");
    yield { status: "Pulling" };
    throw new BerthError("unavailable", "cut");
  }
  await using server = await testServer(fakeEngine({ images: { pull } }));
  const gone = await server.fetch("/images/create?fromImage=gone&tag=1", { method: "POST" });
  expect(gone.status).toBe(404);
  const cut = await server.fetch("/images/create?fromImage=x&tag=1", { method: "POST" });
  expect(cut.status).toBe(200);
  expect(await cut.text()).toBe(
    '{"status":"Pulling"}\r\n{"errorDetail":{"message":"cut"},"error":"cut"}\r\n',
  );
});

test.each([
  ["", 1],
  ["?quiet=1", 1],
  ["?quiet=0", 2],
])("load%s tells %d lines", async (query, count) => {
  async function* load() {
    yield { status: "Loading layer", progressDetail: { current: 1, total: 2 } };
    yield { stream: "Loaded image: x" };
  }
  await using server = await testServer(fakeEngine({ images: { load } }));
  const response = await server.fetch(`/images/load${query}`, { method: "POST" });
  expect((await response.text()).trim().split("\r\n").length).toBe(count);
});

test("an archive that fails in the middle is cut off", async () => {
  async function* save() {
    yield new Uint8Array(1024);
    throw new BerthError("corrupt", "a blob is missing");
  }
  await using server = await testServer(fakeEngine({ images: { save } }));
  const response = await server.fetch("/images/x/y:1/get");
  expect(response.headers.get("content-type")).toBe("application/x-tar");
  expect(response.bytes()).rejects.toThrow();
});

test("a body whose client goes away in the middle throws where it is read", async () => {
  const seen = Promise.withResolvers<unknown>();
  async function* load(archive: AsyncIterable<Uint8Array>) {
    const failure = await Array.fromAsync(archive).catch((error: unknown) => error);
    seen.resolve(failure);
    yield {};
  }
  await using server = await testServer(fakeEngine({ images: { load } }));
  const client = server
    .connect()
    .send("POST /images/load HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf");
  await client.until("\r\n\r\n");
  client.socket.destroy();
  expect(await seen.promise).toMatchObject({ code: "invalid" });
});

/** Just created. */
const FRESH = { ID: "e", Running: false, ExitCode: null, OpenStdin: true, ProcessConfig: { tty: false } };

test("the head of an exec goes out before the process has started, and its failure in the stream", async () => {
  const started = Promise.withResolvers<never>();
  const parts = { start: () => started.promise, inspect: async () => FRESH };
  await using server = await testServer(fakeEngine({ execs: parts }));
  const json = ["Content-Type: application/json", ...UPGRADE];
  const client = server.connect().request("POST", "/exec/e/start", json, '{"Detach":false}');
  expect(await client.until("\r\n\r\n")).toBe(HEAD(MULTIPLEXED));
  started.reject(new BerthError("command_not_found", "cannot run"));
  await client.ended.promise;
  expect(client.text).toEndWith("\r\n\r\n\x01\0\0\0\0\0\0\x0ccannot run\r\n");
});

test.each([
  ["runs", { ...FRESH, Running: true }, "is already running"],
  ["has run", { ...FRESH, ExitCode: 0 }, "has already run"],
])("an exec that %s is not started again", async (_, state, message) => {
  await using server = await testServer(fakeEngine({ execs: { inspect: async () => state } }));
  const response = await server.fetch("/exec/e/start", { method: "POST" });
  expect(response.status).toBe(409);
  expect(await response.json()).toEqual({ message: `Error: Exec command e ${message}` });
});

test("exec reads its JSON body from a connection that upgrades, and what follows is input", async () => {
  const process = new FakeProcess({ tty: true });
  const given = Promise.withResolvers<unknown>();
  const start = async (_: string, config: unknown) => {
    given.resolve(config);
    return process;
  };
  const inspect = async () => ({ ...FRESH, ProcessConfig: { tty: true } });
  await using server = await testServer(fakeEngine({ execs: { start, inspect } }));
  const json = ["Content-Type: application/json", ...UPGRADE];
  const client = server.connect().request("POST", "/exec/e/start", json, '{"Tty":true}');
  client.send("typed").socket.end();
  await process.inputClosed.promise;
  expect(await given.promise).toEqual({ Tty: true });
  expect(process.typed.join("")).toBe("typed");
  process.exit();
  await client.ended.promise;
});
