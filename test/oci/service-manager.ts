/** The part of a service manager that hears of its services: the socket of sd_notify(3). */
import { closeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { attempt } from "../../src/kernel/ffi.ts";
import { bindDatagrams } from "../../src/kernel/sockets.ts";

const MSG_DONTWAIT = 0x40;
const LOOK_MS = 5;

export class ServiceManager implements AsyncDisposable {
  readonly socket: string;
  readonly #descriptor: number;
  readonly #heard: string[] = [];

  constructor(socket: string) {
    this.socket = socket;
    this.#descriptor = bindDatagrams(socket);
  }

  /** The assignments that have come by now, without those that only ask whether they have been read. */
  hear(): readonly string[] {
    const buffer = Buffer.alloc(4096);
    for (;;) {
      // Descriptors that come along are not taken, and thereby closed.
      const size = attempt("recvfrom", this.#descriptor, buffer, buffer.length, MSG_DONTWAIT, 0, 0);
      if (size <= 0) return this.#heard;
      const lines = buffer.toString("utf8", 0, size).split("\n");
      this.#heard.push(...lines.filter((line) => line !== "" && line !== "BARRIER=1"));
    }
  }

  /** Reads until `work` has ended: whoever is waiting for us to read can end, too. */
  async during<T>(work: Promise<T>): Promise<T> {
    const reading = setInterval(() => this.hear(), LOOK_MS);
    try {
      return await work;
    } finally {
      clearInterval(reading);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeSync(this.#descriptor);
    await rm(this.socket);
  }
}
