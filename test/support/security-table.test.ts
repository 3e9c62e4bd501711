/** docs/security.md names every test of an escape, and nothing else. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";

const TOP = `${import.meta.dir}/../..`;

interface Row {
  readonly what: string;
  readonly rule: string;
  readonly file: string;
}

function rowsOf(markdown: string): Row[] {
  return markdown.split("\n").flatMap((line) => {
    const [, what = "", rule = "", file = ""] =
      /^\| (.+) \| (.+) \| \[[\w-]+\]\(\.\.\/test\/security\/([\w.-]+)\) \|$/.exec(line) ?? [];
    return file === "" ? [] : [{ what, rule, file }];
  });
}

describe("the table of known escapes", () => {
  const rows = rowsOf(readFileSync(`${TOP}/docs/security.md`, "utf8"));
  const files = readdirSync(`${TOP}/test/security`).filter((name) => name.endsWith(".test.ts"));

  test("names each file of test/security, and no file that is not there", () => {
    expect([...new Set(rows.map(({ file }) => file))].toSorted()).toEqual(files.toSorted());
  });

  test.each(rows.map((row) => [row.what, row] as const))(
    "%s: its CVEs are named in the test as well",
    (what, row) => {
      const text = readFileSync(`${TOP}/test/security/${row.file}`, "utf8");
      expect(what.match(/CVE-\d{4}-\d+/g)?.filter((name) => !text.includes(name)) ?? []).toEqual([]);
      expect(row.rule).not.toBe("");
    },
  );

  test("has each CVE of a test in a row of that test", () => {
    for (const file of files) {
      const named = readFileSync(`${TOP}/test/security/${file}`, "utf8").match(/CVE-\d{4}-\d+/g) ?? [];
      const listed = rows
        .filter((row) => row.file === file)
        .map(({ what }) => what)
        .join(" ");
      expect({ file, missing: named.filter((name) => !listed.includes(name)) }).toEqual({
        file,
        missing: [],
      });
    }
  });
});
