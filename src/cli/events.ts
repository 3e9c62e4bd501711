/** `berth events`. */
import { BerthError } from "../lib/error.ts";
import { compileTemplate, type Template } from "../lib/template.ts";
import type { EventMessage } from "../wire/schema.ts";
import { type Call, type Command, NONE } from "./command.ts";
import { Failure } from "./failure.ts";
import { FILTER_FLAG, filtersOf } from "./filter-flag.ts";
import { print } from "./output.ts";
import { unixTime } from "./since.ts";
import { ONE_FORMAT_HELP } from "./value-format.ts";
import { offset } from "./text.ts";

export const events: Command = {
  usage: "[OPTIONS]",
  args: NONE,
  flags: [
    FILTER_FLAG,
    { name: "format", value: "string", help: ONE_FORMAT_HELP },
    { name: "since", value: "string", help: "Show all events created since timestamp" },
    { name: "until", value: "string", help: "Stream events until this timestamp" },
  ],
  async run(call: Call): Promise<void> {
    const { flags } = call;
    const show = shower(flags.text("format"));
    const options = {
      since: unixTime(flags.text("since")),
      until: unixTime(flags.text("until")),
      filters: filtersOf(flags),
    };
    for await (const event of (await call.client()).events(options)) print(show(event));
  },
};

function shower(format: string): (event: EventMessage) => string {
  if (format === "") return describeEvent;
  const template = compile(format === "json" ? "{{json .}}" : format);
  return (event) => template.execute(sorted(event), { missing: () => ({ value: "" }) });
}

function compile(format: string): Template {
  try {
    return compileTemplate(format);
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    throw new Failure(64, `Error parsing format: ${error.message}`);
  }
}

/** With its attributes in order, as Go writes maps. */
function sorted(event: EventMessage): EventMessage {
  const attributes = Object.entries(event.Actor?.Attributes ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { ...event, Actor: { ...event.Actor, Attributes: Object.fromEntries(attributes) } };
}

/** `2026-01-02T03:04:05.000000000Z container start 4f1… (image=busybox, name=web)`. */
export function describeEvent(event: EventMessage): string {
  const attributes = Object.entries(event.Actor?.Attributes ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const list = attributes.map(([name, value]) => `${name}=${value}`).join(", ");
  const what = `${event.Type} ${event.Action} ${event.Actor?.ID ?? ""}`;
  return `${eventTime(event)} ${what}${list === "" ? "" : ` (${list})`}`;
}

/** Local time. The decimals are the last digits of timeNano as it is written: as a number it would be rounded. */
function eventTime({ time, timeNano }: EventMessage): string {
  const date = new Date((time ?? Math.floor((timeNano ?? 0) / 1e9)) * 1000);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
  const zone = date.getTimezoneOffset() === 0 ? "Z" : offset(date, ":");
  return `${local}.${String(timeNano ?? 0)
    .padStart(9, "0")
    .slice(-9)}${zone}`;
}
