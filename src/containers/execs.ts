/** Processes that join a running container: what the API's /exec can ask. */
import { BerthError } from "../lib/error.ts";
import type { IDResponse } from "../wire/schema.ts";
import type { ExecConfig, ExecInspectResponse, ExecStartConfig } from "../wire/requests.ts";
import type { Attachment, ExplainFormat } from "./requests.ts";

function soon(..._: readonly unknown[]): never {
  throw new BerthError("internal", "not built yet");
}

export class Execs {
  create = (ref: string, config: ExecConfig): Promise<IDResponse> => soon(ref, config);
  /** Undefined when detached. */
  start = (id: string, options: ExecStartConfig, signal?: AbortSignal): Promise<Attachment | undefined> =>
    soon(id, options, signal);
  inspect = (id: string): Promise<ExecInspectResponse> => soon(id);
  resize = (id: string, height: number, width: number): Promise<void> => soon(id, height, width);
  explain = (ref: string, config: ExecConfig, format: ExplainFormat): Promise<string> =>
    soon(ref, config, format);
}
