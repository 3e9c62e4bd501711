/**
 * Extracts facts from Docker's API description, and no sentences: `api-facts.ts SWAGGER.yaml` writes
 * `src/api/shapes.ts` (which JSON type each field of a request body has) and `src/api/facts.json` (per endpoint: query
 * parameters with their types, and status codes), with which the route table is compared.
 */

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly allOf?: readonly Schema[];
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly type?: string;
  readonly schema?: Schema;
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, unknown>>;
}

type Shape = string | { list: Shape } | { map: Shape } | { fields: Record<string, Shape> };

const BODIES = {
  CONTAINER_CREATE: ["/containers/create", "post"],
  CONTAINER_UPDATE: ["/containers/{id}/update", "post"],
  EXEC_CREATE: ["/containers/{id}/exec", "post"],
  EXEC_START: ["/exec/{id}/start", "post"],
} as const;

/** Lists that Go also takes as one string (api/types/strslice). */
const STRING_OR_LIST = new Set(["Cmd", "Entrypoint"]);

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error(`usage: ${import.meta.file} SWAGGER.yaml`);
const { definitions, paths } = Bun.YAML.parse(await Bun.file(path).text()) as {
  definitions: Record<string, Schema>;
  paths: Record<string, Record<string, Operation>>;
};

function shapeOf(schema: Schema): Shape {
  if (schema.$ref !== undefined) return shapeOf(definitions[schema.$ref.replace("#/definitions/", "")] ?? {});
  if (schema.allOf !== undefined) return merged(schema.allOf.map(shapeOf));
  switch (schema.type) {
    case "string":
    case "boolean":
    case "integer":
    case "number":
      return schema.type;
    case "array":
      return { list: shapeOf(schema.items ?? {}) };
    default:
      if (schema.properties !== undefined) return { fields: fieldsOf(schema) };
      return typeof schema.additionalProperties === "object"
        ? { map: shapeOf(schema.additionalProperties) }
        : "any";
  }
}

/** `allOf` adds the fields of objects together; around a single type it only carries a description. */
function merged(shapes: readonly Shape[]): Shape {
  const objects = shapes.flatMap((shape) =>
    typeof shape === "object" && "fields" in shape ? [shape.fields] : [],
  );
  const other = shapes.find((shape) => typeof shape === "string" && shape !== "any");
  return objects.length === 0 ? (other ?? "any") : { fields: Object.assign({}, ...objects) };
}

function fieldsOf(schema: Schema): Record<string, Shape> {
  const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => [
    name,
    STRING_OR_LIST.has(name) ? "strings" : shapeOf(field),
  ]);
  return Object.fromEntries(fields);
}

function bodyShape([endpoint, method]: readonly [string, string]): Shape {
  const body = paths[endpoint]?.[method]?.parameters?.find((parameter) => parameter.in === "body");
  return shapeOf(body?.schema ?? {});
}

const shapes = Object.entries(BODIES).map(
  ([name, place]) => `export const ${name}: Shape = ${JSON.stringify(bodyShape(place))};`,
);
const header = `/** Which JSON type each field of a request body has: extracted by tools/api-facts.ts from moby's swagger description (Apache-2.0). */
import type { Shape } from "./shape.ts";
`;
await write("../src/api/shapes.ts", [header, ...shapes].join("\n"));

const facts = Object.entries(paths).flatMap(([endpoint, operations]) =>
  Object.entries(operations).map(([method, { parameters = [], responses }]) => ({
    method: method.toUpperCase(),
    path: endpoint,
    query: Object.fromEntries(parameters.filter((p) => p.in === "query").map((p) => [p.name, p.type])),
    statuses: Object.keys(responses).map(Number),
  })),
);
await write("../src/api/facts.json", `[\n${facts.map((fact) => JSON.stringify(fact)).join(",\n")}\n]\n`);

async function write(file: string, text: string): Promise<void> {
  await Bun.write(new URL(file, import.meta.url).pathname, text);
}
