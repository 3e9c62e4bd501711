/** Calls that concern processes added to a container. */
import type { ExecConfig, ExecInspectResponse, ExecStartConfig } from "../wire/requests.ts";
import type { IDResponse } from "../wire/schema.ts";
import type { Hijacked, Transport } from "./transport.ts";

export class ExecCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  create(ref: string, config: ExecConfig): Promise<IDResponse> {
    const body = JSON.stringify(config);
    return this.#transport.json("POST", `/containers/${encodeURIComponent(ref)}/exec`, { body });
  }

  /** Starts it and takes its streams over. */
  start(id: string, config: ExecStartConfig): Promise<Hijacked> {
    return this.#transport.hijack(`/exec/${id}/start`, { body: JSON.stringify(config) });
  }

  async startDetached(id: string, config: ExecStartConfig): Promise<void> {
    await this.#transport.text("POST", `/exec/${id}/start`, {
      body: JSON.stringify({ ...config, Detach: true }),
    });
  }

  inspect(id: string): Promise<ExecInspectResponse> {
    return this.#transport.json("GET", `/exec/${id}/json`);
  }

  async resize(id: string, query: { h: number; w: number }): Promise<void> {
    await this.#transport.text("POST", `/exec/${id}/resize`, { query });
  }

  /** The launch plan of such a process, as text. */
  explain(container: string, config: ExecConfig, format: string): Promise<string> {
    const query = { container, format };
    return this.#transport.text("POST", "/berth/exec/explain", { query, body: JSON.stringify(config) });
  }
}
