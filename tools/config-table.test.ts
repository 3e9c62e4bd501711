import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { ROWS } from "./config-rows.ts";
import { configFields, PAGE, verdictsByField, withTable } from "./config-table.ts";

test("every field of config.json has one row, and every row is of a field", () => {
  const rows = ROWS.flatMap(({ fields }) => fields);
  expect(rows.toSorted()).toEqual(
    configFields()
      .map(({ path }) => path)
      .toSorted(),
  );
});

test("what is said to work has a test of that title", () => {
  const absent = [...verdictsByField()].flatMap(([field, verdict]) => {
    if (verdict.kind !== "works") return [];
    const source = readFileSync(verdict.file, "utf8");
    const titles = [`"${verdict.test}"`, `'${verdict.test}'`, `\`${verdict.test}\``];
    return titles.some((title) => source.includes(title))
      ? []
      : [`${field}: ${verdict.file}: ${verdict.test}`];
  });
  expect(absent).toEqual([]);
});

test("docs/runtime.md holds the table as it is printed", () => {
  const page = readFileSync(PAGE, "utf8");
  expect(withTable(page)).toBe(page);
});
