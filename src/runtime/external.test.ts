import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { probeFeatures } from "../kernel/features.ts";
import { startTime } from "../kernel/processes.ts";
import { openExternalRuntime } from "./external.ts";
import type { ExecLaunch } from "./runtime.ts";

const runDirectory = mkdtempSync("/tmp/berth-external-");
afterAll(() => rmSync(runDirectory, { recursive: true }));

test("an exec does not go where a shim was that is not the process's parent any more", () => {
  const target = { pid: process.pid, startTime: startTime(process.pid) ?? 0n };
  const record = { version: 2, phase: "running", pid: target.pid, startTime: Number(target.startTime) };
  const stranger = { ...record, shimPid: process.pid, startedAt: 1 };
  writeFileSync(`${runDirectory}/state`, JSON.stringify(stranger));
  const runtime = { name: "runc", path: "/usr/bin/runc", args: [], stateDirectory: `${runDirectory}/state` };
  const driver = openExternalRuntime({ instance: "x", features: probeFeatures(), runtime });
  const launch = { container: { id: "x", supervision: { runDirectory } }, target } as unknown as ExecLaunch;
  expect(() => driver.execPlan(launch)).toThrow(`process ${process.pid} of container x: no such process`);
});
