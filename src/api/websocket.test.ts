import { expect, test } from "bun:test";
import { encodeFrame, STDERR, STDOUT } from "../wire/stream.ts";
import { FakeProcess, fakeEngine } from "./fake-engine.ts";
import { testServer } from "./test-client.ts";
import { encodeMessage } from "./websocket.ts";
import { type WebSocketEvent, WebSocketReader } from "./websocket-reader.ts";

const PATH = "/containers/c/attach/ws?stream=1&stdin=1&stdout=1&stderr=1";

function attaching(process: FakeProcess) {
  return fakeEngine({ containers: { attach: async () => process } });
}

/** A frame as clients send it: masked. */
function masked(opcode: number, text: string, { final = true } = {}): Buffer {
  const frame = Buffer.from(encodeMessage(opcode, Buffer.from(text)));
  const start = frame.length - Buffer.byteLength(text);
  const mask = Buffer.from([1, 2, 3, 4]);
  const payload = frame.subarray(start).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  const head = Buffer.from(frame.subarray(0, start));
  head[0] = (final ? 0x80 : 0) | opcode;
  head[1] = (head[1] ?? 0) | 0x80;
  return Buffer.concat([head, mask, payload]);
}

function read(...chunks: readonly Uint8Array[]): WebSocketEvent[] {
  const reader = new WebSocketReader();
  return chunks.flatMap((chunk) => reader.push(chunk).toArray());
}

function textOf(events: readonly WebSocketEvent[]): string {
  return events
    .map((event) => (event.kind === "data" ? Buffer.from(event.bytes).toString() : `<${event.kind}>`))
    .join("");
}

test.each([0, 5, 125, 126, 65_535, 65_536, 200_000])("a message of %d bytes comes whole", (length) => {
  const text = "abcdefg".repeat(length).slice(0, length);
  expect(textOf(read(masked(2, text)))).toBe(text);
});

test("frames that come byte by byte, fragments and pings in between are put in order", () => {
  const bytes = Buffer.concat([
    masked(2, "he", { final: false }),
    masked(9, "?"),
    masked(0, "llo", { final: true }),
    masked(8, "\x03\xe8"),
  ]);
  expect(textOf(read(...Array.from(bytes, (byte) => Buffer.of(byte))))).toBe("he<ping>llo<close>");
});

test.each([
  ["are not masked", encodeMessage(2, Buffer.from("x"))],
  ["use an extension", Buffer.concat([Buffer.of(0xc2), masked(2, "x").subarray(1)])],
  ["have a reserved opcode", masked(3, "x")],
  ["continue nothing", masked(0, "x")],
  ["begin in the middle of a message", Buffer.concat([masked(2, "x", { final: false }), masked(2, "y")])],
  ["are long control frames", masked(9, "x".repeat(126))],
  ["are split control frames", masked(9, "x", { final: false })],
])("frames that %s close the websocket with 1002", (_, bytes) => {
  expect(read(bytes).at(-1)).toEqual({ kind: "close", code: 1002 });
});

test("attach/ws carries both directions to a client that is not ours", async () => {
  const process = new FakeProcess({ tty: false });
  await using server = await testServer(attaching(process));
  const socket = new WebSocket(`ws+unix://${server.socketPath}:${PATH}`);
  socket.binaryType = "arraybuffer";
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  process.print(encodeFrame(STDOUT, "out "));
  process.print(encodeFrame(STDERR, "err"));
  let text = "";
  const both = new Promise<void>((resolve) => {
    socket.addEventListener("message", ({ data }) => {
      expect(data).toBeInstanceOf(ArrayBuffer);
      text += Buffer.from(data as ArrayBuffer).toString();
      if (text.endsWith("err")) resolve();
    });
  });
  socket.send(Buffer.from("typed"));
  await Promise.all([both, process.wrote.promise]);
  expect(text).toBe("out err");
  const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
  process.exit();
  expect((await closed).code).toBe(1000);
  expect(process.typed.join("")).toBe("typed");
});

test("a client that closes lets go of the process", async () => {
  const process = new FakeProcess({ tty: true });
  await using server = await testServer(attaching(process));
  const socket = new WebSocket(`ws+unix://${server.socketPath}:${PATH}`);
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  socket.close();
  await process.closed.promise;
});

test("attach/ws refuses a request that is no websocket, and attaches nothing", async () => {
  const process = new FakeProcess({ tty: true });
  await using server = await testServer(attaching(process));
  const response = await server.fetch(PATH);
  expect(response.status).toBe(400);
  const client = server.connect().request("GET", PATH, ["Connection: Upgrade", "Upgrade: websocket"]);
  await client.ended.promise;
  expect(client.text).toStartWith("HTTP/1.1 400 Bad Request");
});
