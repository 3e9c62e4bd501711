/** `ps`: from memory, filtered before anything is described. */
import { parseTime } from "../lib/time.ts";
import type { ContainerSummary } from "../wire/schema.ts";
import type { Container } from "./container.ts";
import { type FilterContext, listPredicate, meansAll } from "./filter.ts";
import { mountRequests, toMountPoints } from "./mounts.ts";
import { endpointsOf, portsOf } from "./networks-view.ts";
import type { Parts } from "./parts.ts";
import type { ListOptions } from "./requests.ts";
import { writtenBytes } from "./size.ts";
import { commandOf } from "./spec.ts";
import { describeState, isRunning } from "./state.ts";

export async function listContainers(parts: Parts, options: ListOptions): Promise<ContainerSummary[]> {
  const names = new ImageNames(parts);
  const nowMs = Date.now();
  const summaries = select(parts, options).map((container) => summarise(parts, container, names, nowMs));
  if (options.size) for (const summary of summaries) await addSizes(parts, summary);
  return summaries;
}

/** Youngest first. */
function select({ registry, images }: Parts, { all, limit = 0, filters }: ListOptions): Container[] {
  const context: FilterContext = {
    imageId: (ref) => images.find(ref)?.id,
    container: (ref) => registry.get(ref),
  };
  const wanted = listPredicate(filters, context);
  const alsoStopped = all || limit > 0 || meansAll(filters);
  const selected = registry
    .all()
    .toReversed()
    .filter((container) => (alsoStopped || isRunning(container.state)) && wanted(container));
  return limit > 0 ? selected.slice(0, limit) : selected;
}

function summarise(parts: Parts, container: Container, names: ImageNames, nowMs: number): ContainerSummary {
  const { id, name, record, spec, state } = container;
  const { config, hostConfig, image } = spec;
  return {
    Id: id,
    Names: [`/${name}`],
    Image: names.shown(config.Image ?? "", image.id),
    ImageID: image.id,
    Command: commandLine(commandOf(config)),
    Created: Number((parseTime(record.createdAt) ?? 0n) / 1_000_000_000n),
    Ports: portsOf(container),
    Labels: config.Labels ?? {},
    State: state.status,
    Status: describeState(state, nowMs),
    HostConfig: {
      NetworkMode: hostConfig.NetworkMode ?? "bridge",
      ...(hostConfig.Annotations && { Annotations: hostConfig.Annotations }),
    },
    NetworkSettings: { Networks: endpointsOf(parts, container) },
    Mounts: toMountPoints(mountRequests(hostConfig)),
  };
}

/** Arguments with a space are quoted, as docker does (and no others). */
export function commandLine([path = "", ...args]: readonly string[]): string {
  return [path, ...args.map((arg) => (arg.includes(" ") ? `'${arg}'` : arg))].join(" ");
}

/** The name a container was made from, or the id of its image once the name means another one. */
class ImageNames {
  readonly #parts: Parts;
  readonly #current = new Map<string, string | undefined>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  shown(ref: string, imageId: string): string {
    if (!this.#current.has(ref)) this.#current.set(ref, this.#parts.images.find(ref)?.id);
    return this.#current.get(ref) === imageId ? ref : imageId;
  }
}

async function addSizes(parts: Parts, summary: ContainerSummary): Promise<void> {
  const written = await writtenBytes(parts, summary.Id ?? "");
  summary.SizeRw = written;
  summary.SizeRootFs = written + (parts.images.find(summary.ImageID ?? "")?.size ?? 0);
}
