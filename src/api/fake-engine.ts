/** A small engine in memory, so that the API's tests need no container. Only what a test says is there; all else throws. */
import type { Attachment } from "../engine/engine.ts";
import { BerthError } from "../lib/error.ts";
import { noSuchContainer } from "../wire/messages.ts";
import type { ApiEngine } from "./engine.ts";

type Part = Readonly<Record<string, (...args: never[]) => unknown>>;

/** Parts are given as plain objects: the classes of the engine have private fields that no object can have. */
export function fakeEngine(parts: {
  containers?: Part;
  execs?: Part;
  images?: Part;
  system?: Part;
}): ApiEngine {
  const engine = { containers: {}, execs: {}, images: {}, system: {}, ...parts };
  return engine as unknown as ApiEngine;
}

export function missing(ref: string): never {
  throw new BerthError("not_found", noSuchContainer(ref));
}

/** A process whose output and input the test holds in its hands. */
export class FakeProcess implements Attachment {
  readonly tty: boolean;
  readonly output: ReadableStream<Uint8Array>;
  readonly typed: string[] = [];
  readonly wrote = Promise.withResolvers<void>();
  readonly inputClosed = Promise.withResolvers<void>();
  readonly closed = Promise.withResolvers<void>();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor({ tty }: { tty: boolean }) {
    this.tty = tty;
    this.output = new ReadableStream({ start: (controller) => void (this.#controller = controller) });
  }

  print(bytes: Uint8Array | string): void {
    this.#controller?.enqueue(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
  }

  exit(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.typed.push(new TextDecoder().decode(bytes));
    this.wrote.resolve();
  }

  closeInput(): void {
    this.inputClosed.resolve();
  }

  close(): void {
    this.closed.resolve();
    this.exit();
  }
}
