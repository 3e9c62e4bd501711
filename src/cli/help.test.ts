import { expect, test } from "bun:test";
import { COMMANDS, commandsOf, findCommand, MISSING } from "./commands.ts";
import { flagUsages, unknownTrouble } from "./help.ts";
import { isHidden } from "./flags.ts";

test("flagUsages() wraps as docker does", () => {
  const usages = flagUsages([
    { name: "details", help: "Show extra details provided to logs" },
    {
      name: "since",
      value: "string",
      help: 'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    },
    {
      name: "tail",
      short: "n",
      value: "string",
      help: "Number of lines to show from the end of the logs",
      initial: "all",
    },
  ]);
  // docker 28.2.2: docker logs --help
  expect(usages.join("\n")).toBe(`      --details        Show extra details provided to logs
      --since string   Show logs since timestamp (e.g.
                       "2013-01-02T13:23:37Z") or relative (e.g. "42m"
                       for 42 minutes)
  -n, --tail string    Number of lines to show from the end of the logs
                       (default "all")`);
});

test("an unknown command is answered with what may have been meant", () => {
  expect(unknownTrouble("", "rnu")).toContain("berth run");
  expect(unknownTrouble("container", "lss")).toContain("berth container ls");
  expect(unknownTrouble("", "zzzzzz")).toBe(
    "berth: unknown command: berth zzzzzz\n\nRun 'berth --help' for more information",
  );
});

test("no command is both there and missing", () => {
  expect(COMMANDS.flatMap(({ names }) => names).filter((name) => Object.hasOwn(MISSING, name))).toEqual([]);
});

test("a group lists each command once, by its first name", () => {
  const words = commandsOf("container").map(({ word }) => word);
  expect(words).toContain("ls");
  expect(words).not.toContain("ps");
  expect(findCommand("container ps")).toBe(findCommand("ps"));
});

test("no command has two flags of one name or letter", async () => {
  for (const { names, load } of COMMANDS) {
    const { flags } = await load();
    const letters = flags.flatMap(({ short }) => short ?? []);
    expect([names[0], new Set(flags.map(({ name }) => name)).size]).toEqual([names[0], flags.length]);
    expect([names[0], new Set(letters).size]).toEqual([names[0], letters.length]);
    expect(flags.filter((flag) => !isHidden(flag) && flag.help === "")).toEqual([]);
  }
});
