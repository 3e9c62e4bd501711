/** Starts a shim with a plan, as the engine does: the plan on descriptor 3, a socket on 4. */
import { closeSync } from "node:fs";
import { memfd } from "../../../src/kernel/files.ts";
import { socketpair } from "../../../src/kernel/sockets.ts";
import { encodePlan } from "../../../src/runtime/encode.ts";
import { attachFrame, helloFrame, startFrame } from "../../../src/runtime/frames.ts";
import type { Op } from "../../../src/runtime/op.ts";
import { Control, type MessageOf, Wire } from "./connection.ts";
import type { Place } from "./place.ts";
import { containerPlan, execPlan, type PlanOptions, type Target } from "./plan.ts";
import { SHIM } from "./program.ts";
import { PATIENCE_MS, within } from "./within.ts";

export const ATTACH_ALL = 7;
export const ATTACH_OUTPUT = 6;

export class Shim implements AsyncDisposable {
  readonly control: Control;
  readonly #child: Bun.Subprocess;
  readonly #run: string;

  private constructor(control: Control, child: Bun.Subprocess, run: string) {
    this.control = control;
    this.#child = child;
    this.#run = run;
  }

  /** `program` where it is not the shim under test. */
  static async launch(place: Place, plan: readonly Op[] | Uint8Array, program = SHIM): Promise<Shim> {
    const fd = memfd("plan", plan instanceof Uint8Array ? plan : encodePlan(plan), { seal: true });
    const [ours, theirs] = socketpair();
    const child = Bun.spawn([program], { stdio: ["ignore", "ignore", "inherit", fd, theirs], env: {} });
    closeSync(fd);
    closeSync(theirs);
    return new Shim(new Control(await Wire.open({ fd: ours })), child, place.run);
  }

  /** A container by docker's defaults, on its way to the barrier. */
  static async container(place: Place, options: PlanOptions): Promise<Shim> {
    const shim = await Shim.launch(place, containerPlan(place, options));
    await shim.control.next("state"); // now it listens
    return shim;
  }

  /** One more process in the container of `target`; `place` is where its own shim lives. */
  static async exec(place: Place, target: Target, options: PlanOptions): Promise<Shim> {
    const shim = await Shim.launch(place, execPlan(place, target, options));
    await shim.control.next("state");
    return shim;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The exit code of the shim itself. */
  get ended(): Promise<number> {
    return within(PATIENCE_MS, "the end of the shim", () => this.#child.exited);
  }

  start(): void {
    this.control.send(startFrame());
  }

  async running(): Promise<MessageOf<"state">> {
    return this.control.next("state", ({ phase }) => phase === 3);
  }

  async exited(): Promise<MessageOf<"exited">> {
    return this.control.next("exited");
  }

  async connect(): Promise<Wire> {
    // By the directory: a socket's address holds only 108 bytes.
    return Wire.open({ unix: `${this.#run}/shim.sock` });
  }

  async controller(): Promise<Control> {
    const control = new Control(await this.connect());
    control.send(helloFrame());
    return control;
  }

  async attach(streams = ATTACH_ALL): Promise<Client> {
    const wire = await this.connect();
    wire.write(attachFrame(streams));
    return new Client(wire);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.control.close();
    for (const pid of this.#pids()) kill(pid);
    await Promise.race([this.#child.exited, Bun.sleep(2000)]);
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  /** The container's first process, as far as the shim has said. */
  #pids(): number[] {
    const state = this.control.messages.findLast((message) => message.type === "state");
    return state === undefined ? [] : [state.pid];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** An attached client: collects what the process prints. */
export class Client {
  readonly wire: Wire;
  #rest = Buffer.alloc(0);

  constructor(wire: Wire) {
    this.wire = wire;
  }

  write(text: string): void {
    this.wire.write(Buffer.from(text));
  }

  /** The bytes up to the end, as they came. */
  async raw(): Promise<Buffer> {
    return within(PATIENCE_MS, "the end of an attached client", async () => {
      const pieces = [this.#rest];
      for (let piece = await this.wire.read(); piece.length > 0; piece = await this.wire.read())
        pieces.push(Buffer.from(piece));
      return Buffer.concat(pieces);
    });
  }

  /** Docker's frames up to the end, joined by stream. */
  async output(): Promise<{ stdout: string; stderr: string }> {
    const { 1: stdout, 2: stderr } = splitFrames(await this.raw());
    return { stdout: stdout.toString(), stderr: stderr.toString() };
  }

  /** Reads until the raw bytes contain `text`; they stay available for later calls. */
  async until(text: string): Promise<string> {
    return within(PATIENCE_MS, `"${text}" from the process`, async () => {
      while (!this.#rest.includes(text)) {
        const piece = await this.wire.read();
        if (piece.length === 0) throw new Error(`the end came before "${text}": ${this.#rest.toString()}`);
        this.#rest = Buffer.concat([this.#rest, piece]);
      }
      return this.#rest.toString();
    });
  }
}

export function splitFrames(bytes: Buffer): { 1: Buffer; 2: Buffer } {
  const streams: { 1: Buffer[]; 2: Buffer[] } = { 1: [], 2: [] };
  let at = 0;
  while (at < bytes.length) {
    const size = bytes.readUInt32BE(at + 4);
    const stream = bytes[at] === 2 ? 2 : 1;
    if (at + 8 + size > bytes.length) throw new Error("the last frame is not whole");
    streams[stream].push(bytes.subarray(at + 8, at + 8 + size));
    at += 8 + size;
  }
  return { 1: Buffer.concat(streams[1]), 2: Buffer.concat(streams[2]) };
}

/** Starts what must not start, and gives the shim's reason. */
export async function failureOf(
  place: Place,
  plan: readonly Op[] | Uint8Array,
): Promise<MessageOf<"failed">> {
  await using shim = await Shim.launch(place, plan);
  shim.start();
  const failed = await shim.control.next("failed");
  await shim.ended;
  return failed;
}

/** Runs a container from its start to its end: what it printed, and how it ended. */
export async function runContainer(
  place: Place,
  options: PlanOptions,
): Promise<{ stdout: string; stderr: string; exitCode: number }> {
  await using shim = await Shim.container(place, options);
  const client = await shim.attach();
  shim.start();
  const [{ stdout, stderr }, { exitCode }] = await Promise.all([client.output(), shim.exited()]);
  await shim.ended;
  return { stdout, stderr, exitCode };
}
