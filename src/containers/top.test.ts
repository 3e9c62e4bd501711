import { expect, test } from "bun:test";
import { selectProcesses } from "./top.ts";

const OUTPUT = `UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 13:00 ?        00:00:01 /sbin/init
root          42       7  0 13:01 ?        00:00:00 sh -c sleep 100; true
`;

test("top shows the lines of the container's processes, the command with its spaces", () => {
  expect(selectProcesses(OUTPUT, new Set([42]))).toEqual({
    Titles: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"],
    Processes: [["root", "42", "7", "0", "13:01", "?", "00:00:00", "sh -c sleep 100; true"]],
  });
});

test("without the column of process ids nothing can be told", () => {
  expect(() => selectProcesses("CMD\nsh\n", new Set([1]))).toThrow("Couldn't find PID field in ps output");
});
