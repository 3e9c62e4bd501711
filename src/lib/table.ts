/** Text in columns, laid out as Go's text/tabwriter does it: cells end with a tab, columns are runs of lines that have one. */

export interface Layout {
  /** Least width of a column, its padding included. */
  readonly minWidth: number;
  /** Blanks between the widest cell and the next column. */
  readonly padding: number;
}

/** Docker's own choice for all its lists (cli/command/formatter). */
export const DOCKER_LAYOUT: Layout = { minWidth: 10, padding: 3 };

/** Lines with tabs in, aligned lines out. What follows the last tab of a line is in no column. */
export function alignColumns(text: string, layout: Layout = DOCKER_LAYOUT): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths: number[][] = lines.map(() => []);
  layOut({ lines, widths, layout }, 0, 0, lines.length);
  return lines
    .map((cells, at) => cells.map((cell, column) => pad(cell, widths[at]?.[column])).join(""))
    .join("\n");
}

/** Rows of cells as aligned lines. */
export function formatTable(rows: readonly (readonly string[])[], layout?: Layout): string {
  return alignColumns(rows.map((row) => row.join("\t")).join("\n"), layout);
}

interface Page {
  readonly lines: readonly (readonly string[])[];
  /** By line, the width of each of its columns. */
  readonly widths: number[][];
  readonly layout: Layout;
}

/** Finds the runs of lines from `from` to `to` that have a cell in `column`, and goes on inside each of them. */
function layOut(page: Page, column: number, from: number, to: number): void {
  const hasCell = (line: number): boolean => column < (page.lines[line]?.length ?? 0) - 1;
  for (let at = from; at < to; at++) {
    if (!hasCell(at)) continue;
    let end = at;
    while (end < to && hasCell(end)) end++;
    setWidth(page, column, at, end);
    layOut(page, column + 1, at, end);
    at = end - 1;
  }
}

function setWidth({ lines, widths, layout }: Page, column: number, from: number, to: number): void {
  const cells = lines.slice(from, to).map((line) => widthOf(line[column] ?? ""));
  const width = Math.max(layout.minWidth, ...cells.map((length) => length + layout.padding));
  for (let line = from; line < to; line++) widths[line]?.push(width);
}

function pad(cell: string, width: number | undefined): string {
  return width === undefined ? cell : cell + " ".repeat(Math.max(0, width - widthOf(cell)));
}

/** In code points. Nearly every cell has as many as it has units, and a list has thousands of cells. */
function widthOf(cell: string): number {
  return /[\ud800-\udfff]/.test(cell) ? [...cell].length : cell.length;
}
