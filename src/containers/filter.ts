/** Which containers a list or a prune means. Evaluated in memory, before anything is described. */
import { BerthError } from "../lib/error.ts";
import { parseDurationNs } from "../lib/duration.ts";
import { parseTimestamp, parseTime } from "../lib/time.ts";
import { booleanFilter, type Filters, invalidFilter, matchLabels, requireFilters } from "../wire/filters.ts";
import type { Container } from "./container.ts";
import { mountRequests } from "./mounts.ts";
import { networkName } from "./network.ts";
import { isRunning } from "./state.ts";

export type Predicate = (container: Container) => boolean;

/** What the filters refer to besides the container itself. */
export interface FilterContext {
  /** The image that a reference means now, and nothing when there is none. */
  imageId(ref: string): string | undefined;
  /** Throws when there is no such container. */
  container(ref: string): Container;
}

const STATUSES = ["created", "restarting", "running", "removing", "paused", "exited", "dead"];
const HEALTHS = ["none", "starting", "healthy", "unhealthy"];
const NAMES =
  "ancestor before exited expose health id is-task isolation label name network publish since status volume".split(
    " ",
  );

/** All filters of `ps`. */
export function listPredicate(filters: Filters, context: FilterContext): Predicate {
  requireFilters(filters, NAMES);
  requireValues(filters, "status", STATUSES);
  requireValues(filters, "health", HEALTHS);
  const task = filters.has("is-task") ? booleanFilter(filters, "is-task") : undefined;
  const tests: Predicate[] = [
    any(filters, "id", (container, value) => container.id.startsWith(value)),
    any(filters, "name", (container, value) => matchesName(container.name, value)),
    any(filters, "status", ({ state }, value) => state.status === value),
    any(
      filters,
      "exited",
      ({ state }, value) => state.status === "exited" && state.exitCode === exitCode(value),
    ),
    any(filters, "health", (_, value) => value === "none"),
    any(filters, "volume", (container, value) => mountsAt(container, value)),
    any(filters, "network", (container, value) => networkName(container.spec.hostConfig) === value),
    any(filters, "expose", ({ spec }, value) => exposes(Object.keys(spec.config.ExposedPorts ?? {}), value)),
    any(filters, "publish", ({ spec }, value) =>
      exposes(Object.keys(spec.hostConfig.PortBindings ?? {}), value),
    ),
    ancestorTest(filters, context),
    (container) => matchLabels(filters, "label", container.spec.config.Labels ?? {}),
    () => task !== true, // there is no swarm
    ...neighbours(filters, context),
  ];
  return (container) => tests.every((test) => test(container));
}

/** A status was asked for: then stopped ones are meant too. */
export function meansAll(filters: Filters): boolean {
  return filters.has("status");
}

function any(
  filters: Filters,
  name: string,
  matches: (container: Container, value: string) => boolean,
): Predicate {
  const values = filters.get(name);
  if (values === undefined || values.length === 0) return () => true;
  return (container) => values.some((value) => matches(container, value));
}

function requireValues(filters: Filters, name: string, known: readonly string[]): void {
  for (const value of filters.get(name) ?? []) if (!known.includes(value)) throw invalidFilter(name, [value]);
}

/** As a regular expression, with and without docker's slash. */
function matchesName(name: string, pattern: string): boolean {
  try {
    const expression = new RegExp(pattern);
    return expression.test(name) || expression.test(`/${name}`);
  } catch {
    throw invalidFilter("name", [pattern]);
  }
}

function exitCode(value: string): number {
  if (!/^-?\d+$/.test(value)) throw invalidFilter("exited", [value]);
  return Number(value);
}

function mountsAt(container: Container, value: string): boolean {
  return mountRequests(container.spec.hostConfig).some(({ destination }) => destination === value);
}

function ancestorTest(filters: Filters, context: FilterContext): Predicate {
  const refs = filters.get("ancestor");
  if (refs === undefined || refs.length === 0) return () => true;
  const ids = new Set(refs.map((ref) => context.imageId(ref)));
  return ({ spec }) => ids.has(spec.image.id);
}

/** `before` and `since` another container. */
function neighbours(filters: Filters, context: FilterContext): Predicate[] {
  const time = (ref: string) => created(context.container(ref));
  const before = (filters.get("before") ?? []).map(time);
  const since = (filters.get("since") ?? []).map(time);
  return [
    (container) => before.every((limit) => created(container) < limit),
    (container) => since.every((limit) => created(container) > limit),
  ];
}

function created(container: Container): bigint {
  return parseTime(container.record.createdAt) ?? 0n;
}

/** `80`, `80/udp`, `80-90/tcp`. */
function exposes(ports: readonly string[], value: string): boolean {
  const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(value);
  if (match === null) throw new BerthError("invalid", `invalid filter 'expose=[${value}]'`);
  const [, first, last = first, protocol = "tcp"] = match;
  return ports.some((port) => {
    const [number, kind = "tcp"] = port.split("/");
    return kind === protocol && Number(number) >= Number(first) && Number(number) <= Number(last);
  });
}

/** What `prune` means: stopped ones, by label and age. */
export function prunePredicate(filters: Filters): Predicate {
  requireFilters(filters, ["until", "label", "label!"]);
  const limits = (filters.get("until") ?? []).map(untilTime);
  if (limits.length > 1) throw new BerthError("invalid", "more than one until filter specified");
  return (container) => {
    const labels = container.spec.config.Labels ?? {};
    return (
      (container.state.status === "created" || container.state.status === "exited") &&
      !isRunning(container.state) &&
      limits.every((limit) => created(container) <= limit) &&
      matchLabels(filters, "label", labels) &&
      (!filters.has("label!") || !matchLabels(filters, "label!", labels))
    );
  };
}

/** A time, or a Go duration back from now. */
export function untilTime(text: string): bigint {
  const time = parseTimestamp(text);
  if (time !== undefined) return time;
  return BigInt(Date.now()) * 1_000_000n - BigInt(parseDurationNs(text));
}
