/** `berth inspect`, `berth container inspect`, `berth image inspect`. */
import type { Client } from "../client/client.ts";
import { BerthError } from "../lib/error.ts";
import { atLeast, type Call, type Command } from "./command.ts";
import { failed } from "./failure.ts";
import type { Flag } from "./flags.ts";
import { forTemplate, missingField } from "./inspect-fields.ts";
import { print } from "./output.ts";
import type { Template } from "../lib/template.ts";
import { compileFormat, ONE_FORMAT_HELP } from "./value-format.ts";

const FORMAT: Flag = { name: "format", short: "f", value: "string", help: ONE_FORMAT_HELP };
const TYPES = [
  "config",
  "container",
  "image",
  "network",
  "node",
  "plugin",
  "secret",
  "service",
  "task",
  "volume",
];

export const inspect: Command = {
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  args: atLeast(1),
  completes: "containers",
  flags: [
    FORMAT,
    { name: "size", short: "s", help: "Display total file sizes if the type is container" },
    {
      name: "type",
      value: "string",
      help: "Only inspect objects of the given type",
      completes: ["container", "image"],
    },
  ],
  run: (call) => inspectEach(call, finderFor(call)),
};

export const inspectContainers: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: "containers",
  flags: [FORMAT, { name: "size", short: "s", help: "Display total file sizes" }],
  run: (call) =>
    inspectEach(call, (client, ref) => client.containers.inspect(ref, { size: call.flags.on("size") })),
};

export const inspectImages: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: atLeast(1),
  completes: "images",
  flags: [
    FORMAT,
    {
      name: "platform",
      value: "string",
      help: "Inspect a specific platform",
      unsupported: "images have one platform",
    },
  ],
  run: (call) => inspectEach(call, (client, ref) => client.images.inspect(ref)),
};

type Finder = (client: Client, ref: string) => Promise<unknown>;

/** What is found is printed, and then everything that was not. */
async function inspectEach(call: Call, find: Finder): Promise<number> {
  const format = call.flags.text("format");
  const show = shower(format);
  const client = await call.client();
  const [found, errors]: [unknown[], string[]] = [[], []];
  for (const ref of call.args) {
    try {
      found.push(show.each(await find(client, ref)));
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      errors.push(error.message);
    }
  }
  print(show.all(found));
  if (errors.length > 0) throw failed(1, errors.join("\n"));
  return 0;
}

interface Shower {
  each(element: unknown): unknown;
  all(elements: readonly unknown[]): string;
}

function shower(format: string): Shower {
  const each = (element: unknown): unknown => element;
  if (format === "") return { each, all: (elements) => JSON.stringify(elements, null, 4) };
  if (format === "json") return { each, all: (elements) => JSON.stringify(elements) };
  const template = compileFormat(format);
  return {
    each: (element) => execute(template, element),
    all: (texts) => texts.join("\n"),
  };
}

/** As docker does it: with Go's fields first; when that fails with those of the wire, whose complaint counts. */
function execute(template: Template, element: unknown): string {
  try {
    return template.execute(forTemplate(element), { missing: missingField });
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
  }
  try {
    return template.execute(element);
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    throw new BerthError("invalid", `template parsing error: ${error.message}`);
  }
}

/** Containers come before images; berth has nothing else to inspect. */
function finderFor({ flags }: Call): Finder {
  const [type, size] = [flags.text("type"), flags.on("size")];
  if (flags.given("type") && !TYPES.includes(type)) {
    const known = TYPES.map((one) => JSON.stringify(one)).join(", ");
    throw new BerthError("invalid", `unknown type: ${JSON.stringify(type)}: must be one of ${known}`);
  }
  if (type === "container") return (client, ref) => client.containers.inspect(ref, { size });
  if (type === "image") return (client, ref) => client.images.inspect(ref);
  if (type !== "") throw new BerthError("unsupported", `berth has no objects of type ${type} yet`);
  return async (client, ref) =>
    (await ifThere(client.containers.inspect(ref, { size }))) ??
    (await ifThere(client.images.inspect(ref))) ??
    noSuchObject(ref);
}

async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof BerthError && error.code === "not_found") return undefined;
    throw error;
  }
}

function noSuchObject(ref: string): never {
  throw new BerthError("not_found", `Error: No such object: ${ref}`);
}
