/** What happened, as docker's clients read it: /events. */
import { Bus } from "../lib/bus.ts";
import { unixNanoseconds } from "../lib/time.ts";
import type { EventMessage } from "../wire/schema.ts";
import type { Container } from "./container.ts";

/** With the fields that clients older than API 1.22 read. */
export type EngineEvent = EventMessage & { status?: string; id?: string; from?: string };

type Attributes = Readonly<Record<string, string>>;

export class Events extends Bus<EngineEvent> {
  constructor() {
    super(1000);
  }

  container(container: Container, action: string, more: Attributes = {}): void {
    const { config } = container.spec;
    const from = config.Image ?? "";
    const attributes = { ...config.Labels, ...more, image: from, name: container.name };
    this.#emit("container", action, container.id, attributes, { status: action, id: container.id, from });
  }

  image(action: string, id: string, name: string): void {
    this.#emit("image", action, id, { name }, { status: action, id });
  }

  network(action: string, id: string, attributes: Attributes): void {
    this.#emit("network", action, id, attributes, {});
  }

  #emit(
    Type: "container" | "image" | "network",
    Action: string,
    ID: string,
    Attributes: Attributes,
    old: Partial<EngineEvent>,
  ): void {
    const nanoseconds = unixNanoseconds();
    this.publish({
      ...old,
      Type,
      Action,
      Actor: { ID, Attributes: { ...Attributes } },
      scope: "local",
      time: Number(nanoseconds / 1_000_000_000n),
      timeNano: Number(nanoseconds),
    });
  }
}
