/** The engine's API as typed calls. Each is one request; what fails is thrown as a BerthError in the engine's words. */
import { formatFilters, type Filters } from "../wire/filters.ts";
import { jsonLines } from "../wire/lines.ts";
import type { Finding } from "../wire/requests.ts";
import type { EventMessage, SystemInfo, SystemVersion } from "../wire/schema.ts";
import { ContainerCalls } from "./containers.ts";
import { ExecCalls } from "./execs.ts";
import { ImageCalls } from "./images.ts";
import type { Transport } from "./transport.ts";

export class Client {
  readonly transport: Transport;
  readonly containers: ContainerCalls;
  readonly execs: ExecCalls;
  readonly images: ImageCalls;

  constructor(transport: Transport) {
    this.transport = transport;
    this.containers = new ContainerCalls(transport);
    this.execs = new ExecCalls(transport);
    this.images = new ImageCalls(transport);
  }

  /** What is asked fails, and what streams ends. */
  close(): void {
    this.transport.close();
  }

  version(): Promise<SystemVersion> {
    return this.transport.json("GET", "/version");
  }

  info(): Promise<SystemInfo> {
    return this.transport.json("GET", "/info");
  }

  /** `since` and `until` are unix seconds, with a fraction or without. Ends at `until`, or never. */
  async *events(options: { since?: string; until?: string; filters: Filters }): AsyncGenerator<EventMessage> {
    const query = { ...options, filters: formatFilters(options.filters) };
    const { body } = await this.transport.stream("GET", "/events", { query });
    yield* jsonLines<EventMessage>(body);
  }

  /** Ends the engine; with `containers` everything that runs ends before. */
  async shutdown(options: { containers: boolean }): Promise<void> {
    await this.transport.text("POST", "/berth/shutdown", { query: options });
  }

  /** What exists without an owner, and owners that lack it. */
  fsck(options: { repair: boolean }): Promise<Finding[]> {
    return this.transport.json("POST", "/berth/fsck", { query: options });
  }
}
