/** Which events a listener wants. */
import { type Filters, requireFilters } from "../wire/filters.ts";
import type { EngineEvent } from "../containers/events.ts";

const NAMES =
  "config container daemon event image label network node plugin scope secret service type volume".split(" ");
/** Filters that mean an object of their own kind, by id, beginning of an id, or name. */
const OBJECTS = [
  "config",
  "container",
  "daemon",
  "image",
  "network",
  "node",
  "plugin",
  "secret",
  "service",
  "volume",
];

export function eventPredicate(filters: Filters): (event: EngineEvent) => boolean {
  requireFilters(filters, NAMES);
  const objects = OBJECTS.filter((kind) => filters.has(kind));
  return (event) =>
    oneOf(filters.get("type"), event.Type) &&
    oneOf(filters.get("event"), event.Action?.split(":", 1)[0]) &&
    oneOf(filters.get("scope"), event.scope) &&
    hasLabels(filters.get("label"), event) &&
    (objects.length === 0 || objects.some((kind) => isObject(filters.get(kind) ?? [], kind, event)));
}

function oneOf(values: readonly string[] | undefined, value: string | null | undefined): boolean {
  return values === undefined || values.length === 0 || (typeof value === "string" && values.includes(value));
}

function hasLabels(wanted: readonly string[] | undefined, { Actor }: EngineEvent): boolean {
  const attributes = Actor?.Attributes ?? {};
  return (wanted ?? []).every((label) => {
    const [key = "", ...value] = label.split("=");
    return Object.hasOwn(attributes, key) && (value.length === 0 || attributes[key] === value.join("="));
  });
}

/** An event of a container also concerns the image it was made from. */
function isObject(values: readonly string[], kind: string, { Type, Actor }: EngineEvent): boolean {
  const attributes = Actor?.Attributes ?? {};
  if (kind === "image" && Type === "container")
    return values.some((value) => isImage(attributes["image"] ?? "", value));
  if (Type !== kind) return false;
  return values.some((value) => {
    const name = value.replace(/^\//, "");
    return (
      Actor?.ID?.startsWith(value) ||
      attributes["name"] === name ||
      (kind === "image" && isImage(attributes["name"] ?? "", value))
    );
  });
}

function isImage(name: string, value: string): boolean {
  return name === value || name.replace(/:[^/:]*$/, "") === value;
}
