import { expect, test } from "bun:test";
import { type ContainerState, describeState, lastExitCode, toInspectState } from "./state.ts";

const NOW = Date.parse("2026-01-01T00:01:05Z");
const PROCESS = { pid: 12, startTime: "34", startedAt: "2026-01-01T00:01:00Z" };
const END = {
  exitCode: 3,
  oomKilled: true,
  startedAt: PROCESS.startedAt,
  finishedAt: "2026-01-01T00:01:03Z",
  error: "",
};

const CASES: [ContainerState, string, object, number][] = [
  [{ status: "created" }, "Created", { Running: false, Pid: 0, StartedAt: "0001-01-01T00:00:00Z" }, 0],
  [
    { status: "created", failure: { exitCode: 127, error: "no" } },
    "Created",
    { ExitCode: 127, Error: "no" },
    127,
  ],
  [{ status: "running", ...PROCESS }, "Up 5 seconds", { Running: true, Paused: false, Pid: 12 }, 0],
  [{ status: "paused", ...PROCESS }, "Up 5 seconds (Paused)", { Running: true, Paused: true }, 0],
  [{ status: "exited", ...END }, "Exited (3) 2 seconds ago", { ExitCode: 3, OOMKilled: true, Pid: 0 }, 3],
  [{ status: "removing" }, "Removal In Progress", { Running: false }, 0],
];

test.each(CASES)("%j reads %s", (state, text, inspected, exitCode) => {
  expect(describeState(state, NOW)).toBe(text);
  expect(toInspectState(state)).toMatchObject({
    Status: state.status,
    Restarting: false,
    Dead: false,
    ...inspected,
  });
  expect(lastExitCode(state)).toBe(exitCode);
});
