/** `list`: all containers below the root. */
import { readFileSync, statSync, writeSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import type { Command } from "./command.ts";
import { type Container, listContainers } from "./container.ts";
import { type View, viewOf } from "./state.ts";

export const list: Command = {
  flags: [
    { names: ["format", "f"], value: "text", help: "table (default) or json" },
    { names: ["quiet", "q"], help: "ids alone" },
  ],
  usage: "",
  help: "Lists the containers below the root.",
  least: 0,
  most: 0,
  run({ root, flags, features }) {
    const containers = listContainers(root);
    if (flags.on("quiet")) return void writeSync(1, containers.map(({ id }) => `${id}\n`).join(""));
    const format = flags.text("format") ?? "table";
    if (format !== "table" && format !== "json") throw new BerthError("invalid", "invalid format option");
    const views = containers.flatMap((container) => {
      const owner = ownerOf(container);
      return owner === undefined ? [] : [viewOf(container, owner, features)];
    });
    writeSync(
      1,
      format === "table" ? table(views) : `${JSON.stringify(views.length === 0 ? null : views)}\n`,
    );
  },
};

/** Who made it, by name where the machine has one. Undefined: somebody has just deleted it. */
function ownerOf({ directory }: Container): string | undefined {
  const made = statSync(directory, { throwIfNoEntry: false });
  if (made === undefined) return undefined;
  const uid = String(made.uid);
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((entry) => entry.split(":")[2] === uid);
  return line?.split(":")[0] ?? `#${uid}`;
}

const LEAST_WIDTH = 12;
const GAP = 3;

/** As Go's tabwriter sets it for runc: columns of at least 12, three spaces between, the last as it is. */
function table(views: readonly View[]): string {
  const rows = [
    ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"],
    ...views.map(({ id, pid, status, bundle, created, owner }) => [
      id,
      String(pid),
      status,
      bundle,
      created,
      owner,
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(LEAST_WIDTH, ...rows.map((row) => (row[column] ?? "").length + GAP)),
  );
  return rows.map((row) => `${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("")}\n`).join("");
}
