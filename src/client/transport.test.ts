import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "bun";
import { formatQuery, Transport } from "./transport.ts";

const folder = mkdtempSync("/tmp/berth-client-");
afterAll(() => rmSync(folder, { recursive: true }));
let sockets = 0;

/** A server that answers each request's head with what `answer` gives; the bytes of the wire, nothing in between. */
function serve(answer: (head: string, socket: Socket<{ text: string }>) => string | undefined) {
  const path = `${folder}/${sockets++}.sock`;
  const state = { connections: 0, heads: [] as string[] };
  const server = Bun.listen<{ text: string }>({
    unix: path,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        state.connections++;
        socket.data = { text: "" };
      },
      data(socket, chunk) {
        socket.data.text += chunk.toString();
        const end = socket.data.text.indexOf("\r\n\r\n");
        if (end < 0) return;
        const head = socket.data.text.slice(0, end);
        socket.data.text = socket.data.text.slice(end + 4).replace(/^\{.*\}/, "");
        state.heads.push(head);
        const text = answer(head, socket);
        if (text !== undefined) socket.write(text);
      },
    },
  });
  return { state, transport: new Transport(path), [Symbol.dispose]: () => server.stop(true) };
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";

test("a connection is used again after its answer has been read", async () => {
  using server = serve(() => `${OK}{"a":1}`);
  for (let i = 0; i < 3; i++) expect(await server.transport.json<unknown>("GET", "/x")).toEqual({ a: 1 });
  expect(server.state.connections).toBe(1);
});

test("a body in chunks arrives whole, however it is cut", async () => {
  using server = serve((_, socket) => {
    const bytes =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\n";
    void (async () => {
      for (const byte of bytes) {
        socket.write(byte);
        socket.flush();
        await Promise.resolve();
      }
    })();
    return undefined;
  });
  expect(await server.transport.text("GET", "/x")).toBe("abc0123456789");
});

test.each([
  [
    "command_not_found by the engine's header",
    "400 Bad Request\r\nBerth-Error-Code: command_not_found",
    "command_not_found",
  ],
  ["not_found by the status", "404 Not Found", "not_found"],
  ["conflict by the status", "409 Conflict", "conflict"],
  ["internal by default", "500 Oh", "internal"],
])("an error is %s", async (_, status, code) => {
  using server = serve(() => `HTTP/1.1 ${status}\r\nContent-Length: 18\r\n\r\n{"message":"what"}`);
  const failure = server.transport.json("GET", "/x");
  expect(failure).rejects.toMatchObject({ code, message: "Error response from daemon: what" });
  await failure.catch(() => {});
});

test("a kept connection that the engine has closed is replaced", async () => {
  using server = serve((_, socket) => {
    queueMicrotask(() => socket.end());
    return `${OK}{"a":1}`;
  });
  for (let i = 0; i < 3; i++) expect(await server.transport.json<unknown>("GET", "/x")).toEqual({ a: 1 });
});

test("a body that ends too soon is an error, not a short answer", async () => {
  using server = serve((_, socket) => {
    setTimeout(() => socket.end(), 5);
    return `${OK}{"a"`;
  });
  expect(server.transport.text("GET", "/x")).rejects.toThrow("the engine ended the connection in mid-answer");
  await server.transport.text("GET", "/x").catch(() => {});
});

test("what is no HTTP is said to be none", async () => {
  using server = serve(() => "garbage\r\n\r\n");
  expect(server.transport.text("GET", "/x")).rejects.toThrow("does not speak HTTP");
  await server.transport.text("GET", "/x").catch(() => {});
});

test("nobody listening is said with the socket's name", async () => {
  const transport = new Transport(`${folder}/nobody.sock`);
  expect(transport.text("GET", "/x")).rejects.toThrow(
    `Cannot connect to the berth engine at unix://${folder}/nobody.sock`,
  );
  await transport.text("GET", "/x").catch(() => {});
});

test("a hijacked connection carries bytes both ways, and its input can end before its output", async () => {
  const typed = Promise.withResolvers<string>();
  using server = serve((head, socket) => {
    if (!head.includes("Upgrade: tcp")) return undefined;
    socket.reload({
      socket: {
        data(s, chunk) {
          typed.resolve(chunk.toString());
          s.write("world");
          s.end();
        },
      },
    });
    return "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nhello ";
  });
  const connection = await server.transport.hijack("/attach");
  expect(await connection.write(new TextEncoder().encode("typed"))).toBe(true);
  connection.closeInput();
  const chunks: Uint8Array[] = [];
  for await (const chunk of connection.output) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe("hello world");
  expect(await typed.promise).toBe("typed");
});

test("a stream is sent in chunks", async () => {
  const got = Promise.withResolvers<string>();
  using server = serve((head, socket) => {
    let body = socket.data.text;
    const done = (s: Socket<{ text: string }>): void => {
      if (!body.endsWith("0\r\n\r\n")) return;
      got.resolve(`${head.includes("Transfer-Encoding: chunked")} ${body}`);
      s.write(`${OK}{"a":1}`);
    };
    socket.reload({
      socket: {
        data(s, chunk) {
          body += chunk.toString();
          done(s);
        },
      },
    });
    done(socket);
    return undefined;
  });
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode("abc");
    yield new TextEncoder().encode("defg");
  }
  expect(
    await server.transport.json<unknown>("PUT", "/x", { body: pieces(), type: "application/x-tar" }),
  ).toEqual({ a: 1 });
  expect(await got.promise).toBe("true 3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
});

test("formatQuery() leaves out what says nothing", () => {
  expect(formatQuery({ a: 1, b: "x y", c: undefined, d: "", e: false, f: true, g: ["1", "2"], h: 0 })).toBe(
    "?a=1&b=x%20y&f=1&g=1&g=2&h=0",
  );
});
