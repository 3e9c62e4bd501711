/** A command in the name of a process elsewhere: what is done with its rights and its descriptors is asked of it. */
import { errnoText } from "../kernel/errno.ts";
import { featuresWith, namedLimits, probeFeatures } from "../kernel/features.ts";
import { BerthError } from "../lib/error.ts";
import { encodePlan } from "../runtime/encode.ts";
import type { Started } from "../runtime/handover.ts";
import type { Op } from "../runtime/op.ts";
import { type Caller, Elsewhere } from "./caller.ts";
import * as protocol from "./front-protocol.ts";
import { runtimeOf } from "./names.ts";
import { runOci } from "./oci.ts";
import type { Connection, Service } from "./service.ts";

const FAILED = 1;

/** Resolves when the front has been told how it ends. */
export async function performCall(
  call: protocol.FrontCall,
  connection: Connection,
  service: Service,
): Promise<void> {
  const front = new Front(connection, service, call.directory);
  try {
    front.finish(await perform(call, front));
  } catch (error) {
    if (error instanceof Elsewhere) return connection.send(protocol.frame(protocol.FRONT_ALONE));
    service.log("error", "a command of the OCI runtime failed", { error: String(error) });
    front.print(2, `berth: this is a bug in berth; the engine has written it to its log: ${String(error)}\n`);
    front.finish(FAILED);
  }
}

async function perform(call: protocol.FrontCall, front: Front): Promise<number> {
  const [argv0 = "", ...argv] = call.argv;
  const runtime = runtimeOf(argv0, argv);
  if (runtime === undefined) throw new Elsewhere();
  const { oomScoreAdjust, limits } = call;
  const features = featuresWith(probeFeatures(), { oomScoreAdjust, hardLimits: namedLimits(limits) });
  return await runOci(runtime.name, runtime.words, call.environment, front, features);
}

class Front implements Caller {
  readonly ours = false;
  readonly directory: string;
  readonly #connection: Connection;
  readonly #service: Service;
  #attending = false;

  constructor(connection: Connection, service: Service, directory: string) {
    this.#connection = connection;
    this.#service = service;
    this.directory = directory;
  }

  print(descriptor: 1 | 2, text: string): void {
    this.#say(protocol.FRONT_PRINT, protocol.int32(descriptor), Buffer.from(text));
  }

  async start(ops: readonly Op[]): Promise<Started> {
    const { token, control } = this.#service.expect();
    try {
      const launched = this.#connection.launched();
      this.#say(protocol.FRONT_LAUNCH, protocol.uint64(token), encodePlan(ops));
      const pid = await launched;
      if (pid < 0) throw new BerthError("internal", `the shim could not be started: ${errnoText(-pid)}`);
      const shim = await control;
      return { pid, chunks: shim.chunks, send: (bytes) => shim.send(bytes), close: () => shim.end() };
    } finally {
      this.#service.forget(token);
    }
  }

  reap(pid: number): void {
    this.#say(protocol.FRONT_REAP, protocol.int32(pid));
  }

  attend(ops: readonly Op[]): number {
    this.#say(protocol.FRONT_ATTEND, encodePlan(ops));
    this.#attending = true;
    return 0;
  }

  finish(exitCode: number): void {
    if (!this.#attending) this.#say(protocol.FRONT_END, protocol.int32(exitCode));
  }

  #say(type: number, ...parts: readonly Uint8Array[]): void {
    this.#connection.send(protocol.frame(type, ...parts));
  }
}
