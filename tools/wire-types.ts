/** Extracts the names and types of Docker's API from its description into `src/wire/schema.ts`: `wire-types.ts SWAGGER.yaml`. */
import { format } from "node:util";

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly allOf?: readonly Schema[];
  readonly required?: readonly string[];
}

/** The definitions that containers, images and the system use; swarm, plugins and build are not berth's. */
const ROOTS = [
  "ContainerConfig",
  "HostConfig",
  "NetworkingConfig",
  "ContainerInspectResponse",
  "ContainerSummary",
  "ContainerCreateResponse",
  "ContainerTopResponse",
  "ContainerWaitResponse",
  "ContainerUpdateResponse",
  "ContainerStatsResponse",
  "FilesystemChange",
  "ImageSummary",
  "ImageInspect",
  "ImageHistoryResponseItem",
  "ImageDeleteResponseItem",
  "SystemVersion",
  "SystemInfo",
  "EventMessage",
  "ProcessConfig",
  "IDResponse",
  "ErrorResponse",
  "CreateImageInfo",
  "Mount",
];

function typeOf(schema: Schema, needed: Set<string>): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.replace("#/definitions/", "");
    needed.add(name);
    return name;
  }
  if (schema.allOf !== undefined) return schema.allOf.map((part) => typeOf(part, needed)).join(" & ");
  if (schema.enum !== undefined && schema.type === "string")
    return schema.enum.map((name) => JSON.stringify(name)).join(" | ");
  switch (schema.type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "array":
      return `(${typeOf(schema.items ?? {}, needed)})[]`;
    default:
      return objectOf(schema, needed);
  }
}

function objectOf(schema: Schema, needed: Set<string>): string {
  if (schema.properties === undefined) {
    const { additionalProperties: values } = schema;
    return typeof values === "object"
      ? `{ [name: string]: ${typeOf(values, needed)} }`
      : "{ [name: string]: unknown }";
  }
  const fields = Object.entries(schema.properties).map(([name, field]) => {
    const key = /^\w+$/.test(name) ? name : JSON.stringify(name);
    return schema.required?.includes(name)
      ? `${key}: ${typeOf(field, needed)};`
      : `${key}?: ${typeOf(field, needed)} | null;`;
  });
  return `{ ${fields.join(" ")} }`;
}

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error(format("usage: %s SWAGGER.yaml", import.meta.file));
const { definitions } = Bun.YAML.parse(await Bun.file(path).text()) as {
  definitions: Record<string, Schema>;
};

const needed = new Set(ROOTS);
const lines: string[] = [];
for (const name of needed) lines.push(`export type ${name} = ${typeOf(definitions[name] ?? {}, needed)};`);
const header =
  "/** Docker's API 1.50 as types: extracted by tools/wire-types.ts from moby's swagger description (Apache-2.0). */\n\n";
await Bun.write(
  new URL("../src/wire/schema.ts", import.meta.url).pathname,
  header + lines.toSorted().join("\n\n") + "\n",
);
