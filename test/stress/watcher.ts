/** An attached client without a command line around it: a request that becomes docker's stream, read to its end. */
import { connect, type Socket } from "node:net";
import type { TestEngine } from "../support/engine.ts";
import { splitFrames } from "../shim/support/shim.ts";

const HEAD_END = "\r\n\r\n";

export class Watcher {
  readonly #socket: Socket;
  readonly #pieces: Buffer[] = [];
  readonly #ended = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#pieces.push(bytes));
    socket.on("close", () => this.#ended.resolve());
    socket.on("error", () => {}); // `close` follows
  }

  /** Resolves when the engine has answered; throws its refusal. */
  static async attach(engine: TestEngine, container: string): Promise<Watcher> {
    const path = `/containers/${container}/attach?stream=1&stdout=1&stderr=1`;
    return await Watcher.#open(engine, path, "");
  }

  /** Starts an exec that was made. */
  static async exec(engine: TestEngine, id: string): Promise<Watcher> {
    return await Watcher.#open(engine, `/exec/${id}/start`, "{}");
  }

  static async #open(engine: TestEngine, path: string, body: string): Promise<Watcher> {
    const socket = connect(engine.socket);
    const watcher = new Watcher(socket);
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: berth\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const head = await watcher.#head();
    if (head.startsWith("HTTP/1.1 101")) return watcher;
    watcher.close();
    throw new Error(head);
  }

  /** Docker's frames up to the end, joined by stream. */
  async output(): Promise<{ stdout: string; stderr: string }> {
    await this.#ended.promise;
    const { 1: stdout, 2: stderr } = splitFrames(Buffer.concat(this.#pieces));
    return { stdout: stdout.toString(), stderr: stderr.toString() };
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  close(): void {
    this.#socket.destroy();
  }

  async #head(): Promise<string> {
    for (;;) {
      const bytes = Buffer.concat(this.#pieces.splice(0));
      const end = bytes.indexOf(HEAD_END);
      this.#pieces.push(end < 0 ? bytes : bytes.subarray(end + HEAD_END.length));
      if (end >= 0 || this.#socket.destroyed) return bytes.subarray(0, end).toString();
      await new Promise<void>((resolve) =>
        this.#socket.once("data", () => resolve()).once("close", () => resolve()),
      );
    }
  }
}
