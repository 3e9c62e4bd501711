import { expect, test } from "bun:test";
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BerthError } from "../lib/error.ts";
import { fakeEngine } from "./fake-engine.ts";
import { serve } from "./server.ts";
import { testServer } from "./test-client.ts";

const engine = fakeEngine({
  system: { version: () => ({ Version: "1" }) },
  containers: {
    list: () => Promise.reject(new BerthError("unavailable", "no overlay")),
    inspect: () => {
      throw new TypeError("oops");
    },
    start: () => Promise.reject(new BerthError("not_modified", "running")),
    create: () => Promise.resolve({ Id: "1", Warnings: [] }),
  },
});

test("ping says what docker's clients look for, to GET and HEAD, with and without a version", async () => {
  await using server = await testServer(engine);
  for (const [method, path] of [
    ["GET", "/_ping"],
    ["HEAD", "/_ping"],
    ["GET", "/v1.24/_ping"],
  ] as const) {
    const response = await server.fetch(path, { method });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(method === "GET" ? "OK" : "");
    expect(response.headers.toJSON()).toMatchObject({
      "api-version": "1.50",
      "cache-control": "no-cache, no-store, must-revalidate",
      "docker-experimental": "false",
      ostype: "linux",
      pragma: "no-cache",
      server: "Berth/test (linux)",
    });
    expect(response.headers.has("builder-version")).toBe(false);
  }
});

test.each([
  ["/nothing", 404, "page not found"],
  ["/v1.50/nothing", 404, "page not found"],
  [
    "/v1.23/version",
    400,
    "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version",
  ],
  ["/v1.51/version", 400, "client version 1.51 is too new. Maximum supported API version is 1.50"],
  ["/v2.0/version", 400, "client version 2.0 is too new. Maximum supported API version is 1.50"],
  ["/containers/json", 503, "no overlay"],
  ["/containers/x/json", 500, "a bug in berth: oops"],
  ["/containers/json?limit=ten", 400, 'strconv.Atoi: parsing "ten": invalid syntax'],
  ["/containers/json?filters=%7B", 400, "invalid filter"],
  ["/containers/x/checkpoints", 501, "berth does not support checkpoints yet"],
  ["/swarm", 501, "berth does not support swarm yet"],
  ["/containers/x/logs?stdout=1&details=1", 501, "berth does not support the parameter details yet"],
  ["/%zz", 400, 'invalid path "/%zz"'],
])("GET %s is %d in docker's form", async (path, status, message) => {
  await using server = await testServer(engine);
  const response = await server.fetch(path);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(await response.json()).toEqual({ message });
  expect(response.status).toBe(status);
  expect(response.headers.get("api-version")).toBe("1.50");
});

test("304 has no body", async () => {
  await using server = await testServer(engine);
  const response = await server.fetch("/containers/x/start", { method: "POST" });
  expect(response.status).toBe(304);
  expect(await response.text()).toBe("");
});

test.each([
  ["a web page", { Origin: "http://evil.example" }],
  ["a page of another port", { Origin: "http://berth:3000" }],
  ["a cross-site request", { "Sec-Fetch-Site": "cross-site" }],
  ["a rebound name", { Host: "evil.example" }],
])("refuses %s", async (_, headers: Record<string, string>) => {
  await using server = await testServer(engine);
  const response = await server.fetch("/version", { headers });
  expect(response.status).toBe(403);
  expect(await response.json()).toMatchObject({ message: expect.stringContaining("request refused") });
});

test.each([
  "docker",
  "localhost:2375",
  "api.moby.localhost",
  "%2Fvar%2Frun%2Fdocker.sock",
  "2f7661722f72756e",
  "127.0.0.1",
  "docker.sock",
  "",
])("takes the Host %j that clients send on a unix socket", async (host) => {
  await using server = await testServer(engine);
  const client = server.connect().send(`GET /version HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  expect(await client.until("\n\r\n")).toStartWith("HTTP/1.1 200 OK");
  client.socket.destroy();
});

test.each([
  ["no JSON", "{", "application/json", "invalid JSON"],
  [
    "another type",
    "{}",
    "text/plain",
    "unsupported Content-Type header (text/plain): must be 'application/json'",
  ],
  ["nothing", "", "application/json", "invalid JSON: got EOF while reading request body"],
  ["a list", "[]", "application/json", "invalid JSON: the body must be an object, not a list"],
  ["a number for a text", '{"Image":5}', "application/json", "invalid JSON: Image must be a string, not 5"],
  [
    "a fraction",
    '{"HostConfig":{"Memory":1.5}}',
    "application/json",
    "HostConfig.Memory must be an integer, not 1.5",
  ],
  ["a nest", `${"[".repeat(100)}${"]".repeat(100)}`, "application/json", "nested too deeply"],
  ["what is no UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), "application/json", "not UTF-8"],
])("create refuses a body that is %s", async (_, body, type, message) => {
  await using server = await testServer(engine);
  const init = { method: "POST", body, headers: { "Content-Type": type } };
  const response = await server.fetch("/containers/create", init);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ message: expect.stringContaining(message) });
});

test.each([
  ["announced", { "Content-Length": "100000000" }],
  ["in chunks", {}],
])("100 MB of JSON %s are refused, and none of it is kept", async (_, headers: Record<string, string>) => {
  await using server = await testServer(engine);
  const before = process.memoryUsage.rss();
  const init = {
    method: "POST",
    body: spaces(100),
    headers: { "Content-Type": "application/json", ...headers },
  };
  const response = await server.fetch("/containers/create", init);
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({ message: "the request body is larger than 4 MiB of JSON" });
  expect(process.memoryUsage.rss() - before).toBeLessThan(80_000_000);
});

function spaces(megabytes: number): ReadableStream<Uint8Array> {
  let left = megabytes;
  return new ReadableStream({
    pull(controller) {
      if (left-- === 0) controller.close();
      else controller.enqueue(new Uint8Array(1_000_000).fill(0x20));
    },
  });
}

test.each([
  ["garbage", "\0\x01garbage\r\n\r\n"],
  ["TLS", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"],
])("%s is answered with 400 and a closed connection", async (_, bytes) => {
  await using server = await testServer(engine);
  const client = server.connect().send(Buffer.from(bytes, "latin1"));
  client.socket.end();
  await client.ended.promise;
  expect(client.text).toStartWith("HTTP/1.1 400 Bad Request");
  expect((await server.fetch("/version")).status).toBe(200);
});

test("half a request is no request", async () => {
  await using server = await testServer(engine);
  const client = server.connect().send("POST /containers/create HTTP/1.1\r\nHo");
  client.socket.end();
  await client.ended.promise;
  expect(client.text).not.toContain("201");
  expect((await server.fetch("/version")).status).toBe(200);
});

test("the socket is 0600, and one that nobody listens on is replaced", async () => {
  using place = new Place();
  const path = join(place.directory, "s");
  const first = await serve(engine, { socketPath: path });
  expect((lstatSync(path).mode & 0o777).toString(8)).toBe("600");
  expect(serve(engine, { socketPath: path })).rejects.toThrow(`another engine listens on ${path}`);
  await first.close();
  await leaveStale(path);
  await using second = await serve(engine, { socketPath: path });
  expect(second.connections).toBe(0);
  expect((await fetch("http://x/version", { unix: path })).status).toBe(200);
});

test("a file in the place of the socket is left alone", async () => {
  using place = new Place();
  const path = join(place.directory, "s");
  writeFileSync(path, "precious");
  expect(serve(engine, { socketPath: path })).rejects.toThrow("is no socket");
});

/** A directory for a socket, which goes with the test. */
class Place implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "berth-api-"));

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A socket file whose owner died: bound by a process that is gone. */
async function leaveStale(path: string): Promise<void> {
  const code = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`;
  await Bun.spawn([process.execPath, "-e", code]).exited;
  expect(lstatSync(path).isSocket()).toBe(true);
}

test("close ends streams at once, and lets an answer that is on its way be finished", async () => {
  const listing = Promise.withResolvers<unknown[]>();
  const asked = Promise.withResolvers<void>();
  const list = () => {
    asked.resolve();
    return listing.promise;
  };
  async function* events(_: unknown, signal: AbortSignal) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    yield {};
  }
  using place = new Place();
  const path = join(place.directory, "s");
  const parts = { system: { version: () => ({}), events }, containers: { list } };
  const server = await serve(fakeEngine(parts), { socketPath: path });
  const stream = await fetch("http://x/events", { unix: path });
  const answer = fetch("http://x/containers/json", { unix: path });
  await asked.promise;
  const closed = server.close();
  expect(stream.text()).rejects.toThrow();
  listing.resolve([]);
  expect(await (await answer).json()).toEqual([]);
  await closed;
  expect(server.connections).toBe(0);
});
