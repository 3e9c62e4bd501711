/**
 * Extracts the fields of config.json into src/runtime/config-facts.ts: paths and types, no text. `config-facts.ts FOLDER`: FOLDER is schema/ of
 * github.com/opencontainers/runtime-spec (Apache-2.0).
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const OUT = "src/runtime/config-facts.ts";

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly required?: readonly string[];
}

const [folder = "../shared/reference/runtime-spec"] = process.argv.slice(2);
const files = new Map<string, Schema>();

function read(file: string): Schema | undefined {
  if (!existsSync(`${folder}/${file}`)) return undefined; // the sections of other systems
  const schema = files.get(file) ?? (JSON.parse(readFileSync(`${folder}/${file}`, "utf8")) as Schema);
  files.set(file, schema);
  return schema;
}

/** What `$ref` names, and in which file: undefined where that is not there. */
function resolve(ref: string, file: string): { schema: Schema; file: string } | undefined {
  const [other = "", path = ""] = ref.split("#");
  const target = other || file;
  let at: unknown = read(target);
  for (const name of path.split("/").filter(Boolean))
    at = (at as Record<string, unknown> | undefined)?.[name];
  return at === undefined ? undefined : { schema: at as Schema, file: target };
}

/** `path type` for every field below; a field that must be there has an exclamation mark. */
function* fields(path: string, schema: Schema, file: string, required: boolean): Generator<string> {
  const mark = required ? "!" : "";
  const integer = /\/(u?int(?:8|16|32|64))$/.exec(schema.$ref ?? "")?.[1];
  if (integer !== undefined) return yield `${path}${mark} ${integer}`;
  if (schema.$ref !== undefined) {
    const target = resolve(schema.$ref, file);
    return target === undefined
      ? yield `${path}${mark} object`
      : yield* fields(path, target.schema, target.file, required);
  }
  const parts = schema.allOf ?? schema.anyOf;
  if (parts !== undefined) for (const part of parts) yield* fields(path, part, file, required);
  const { items, properties = {}, patternProperties = {}, additionalProperties } = schema;
  if (items !== undefined) yield* fields(`${path}[]`, items, file, required);
  for (const values of [
    ...Object.values(patternProperties),
    ...(additionalProperties ? [additionalProperties] : []),
  ])
    yield* fields(`${path}{}`, values, file, false);
  for (const [name, property] of Object.entries(properties))
    yield* fields(
      path === "" ? name : `${path}.${name}`,
      property,
      file,
      schema.required?.includes(name) ?? false,
    );
  if (schema.type !== undefined && !["object", "array"].includes(schema.type))
    yield `${path}${mark} ${schema.type}`;
}

const lines = [...fields("", read("config-schema.json") ?? {}, "config-schema.json", false)];
writeFileSync(
  OUT,
  `/** Made by tools/config-facts.ts from the schemas of github.com/opencontainers/runtime-spec (Apache-2.0): every field of config.json and its type; [] each of a list, {} each value of a map, ! must be there. */
export const CONFIG_FIELDS = \`
${lines.join("\n")}
\`;
`,
);
