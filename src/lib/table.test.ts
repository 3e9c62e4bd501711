import { expect, test } from "bun:test";
import { alignColumns, formatTable } from "./table.ts";

test("formatTable() gives docker's columns: at least ten wide, three blanks between, the last as it is", () => {
  const rows = [
    ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"],
    ["busybox", "latest", "27a71e19c956", "8 weeks ago", "4.43MB"],
  ];
  expect(formatTable(rows)).toBe(
    [
      "REPOSITORY   TAG       IMAGE ID       CREATED       SIZE",
      "busybox      latest    27a71e19c956   8 weeks ago   4.43MB",
    ].join("\n"),
  );
});

test("alignColumns() ends a column where a line has no cell in it", () => {
  expect(alignColumns("a\tb\nnone\nlonger than ten\tc", { minWidth: 0, padding: 1 })).toBe(
    "a b\nnone\nlonger than ten c",
  );
});

test("an empty last cell leaves the blanks of the cell before it", () => {
  expect(
    formatTable([
      ["STATUS", "PORTS", "NAMES"],
      ["Up", "", "c"],
    ]),
  ).toBe("STATUS    PORTS     NAMES\nUp                  c");
});
