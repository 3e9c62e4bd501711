import { expect, test } from "bun:test";
import type { ContainerConfig, HostConfig } from "../wire/schema.ts";
import { hostWarnings, logLimits, verifyConfig, verifyHostConfig } from "./verify.ts";

const HOST = { cpuCount: 2, swapLimit: true, oomKillDisable: true };
const MB = 1 << 20;

test.each<[string, HostConfig]>([
  ["nothing", {}],
  [
    "memory and swap",
    { Memory: 64 * MB, MemorySwap: 128 * MB, MemoryReservation: 32 * MB, MemorySwappiness: 0 },
  ],
  ["unlimited swap", { Memory: 64 * MB, MemorySwap: -1 }],
  ["one and a half processors", { NanoCpus: 1.5e9 }],
  ["both processors", { CpusetCpus: "0-1", CpuShares: 512 }],
  ["a log without end of files", { LogConfig: { Type: "json-file", Config: { "max-size": "1g" } } }],
  ["the modes of others", { IpcMode: "container:x", PidMode: "container:x", NetworkMode: "container:x" }],
])("%s is fine", (_, hostConfig) => {
  expect(() => verifyHostConfig(hostConfig, HOST)).not.toThrow();
});

test.each<[HostConfig, string]>([
  [{ Memory: 1 }, "Minimum memory limit allowed is 6MB"],
  [{ MemorySwap: 64 * MB }, "You should always set the Memory limit when using Memoryswap limit"],
  [{ Memory: 64 * MB, MemorySwap: 32 * MB }, "Minimum memoryswap limit should be larger than memory limit"],
  [{ Memory: 8 * MB, MemoryReservation: 16 * MB }, "can not be less than memory reservation limit"],
  [{ MemorySwappiness: 101 }, "valid memory swappiness range is 0-100"],
  [{ NanoCpus: 3e9 }, "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"],
  [{ NanoCpus: 1e9, CpuQuota: 5000 }, "Nano CPUs and CPU Quota cannot both be set"],
  [{ CpuPeriod: 10 }, "CPU cfs period can not be less than 1ms"],
  [{ CpuQuota: 10 }, "CPU cfs quota can not be less than 1ms"],
  [{ CpusetCpus: "0,2" }, "Requested CPUs are not available - requested 0,2, available: 0-1"],
  [{ CpusetCpus: "x" }, "Invalid value x for cpuset cpus"],
  [{ BlkioWeight: 5 }, "Range of blkio weight is from 10 to 1000"],
  [{ OomScoreAdj: 2000 }, "range for oom score adj is [-1000, 1000]"],
  [{ ShmSize: -1 }, "SHM size can not be less than 0"],
  [{ IpcMode: "nonsense" }, "invalid IPC mode: nonsense"],
  [{ PidMode: "container:" }, "invalid container format container:"],
  [{ UTSMode: "x" }, "invalid UTS mode: x"],
  [{ NetworkMode: "mine" }, "network mine not found"],
  [{ LogConfig: { Type: "syslog" } }, 'does not support the log driver "syslog" yet'],
  [{ LogConfig: { Type: "json-file", Config: { tag: "x" } } }, 'does not support the option "tag"'],
  [{ LogConfig: { Config: { "max-file": "0" } } }, "invalid value for max-file: 0"],
  [{ LogConfig: { Config: { "max-size": "many" } } }, "many"],
])("%p is refused", (hostConfig, message) => {
  expect(() => verifyHostConfig(hostConfig, HOST)).toThrow(message);
});

test.each<[ContainerConfig, string]>([
  [{ Env: ["=x"] }, "invalid environment variable: =x"],
  [{ Env: ["A=\0"] }, "must not have a NUL"],
  [{ WorkingDir: "srv" }, "it needs to be an absolute path"],
  [{ StopSignal: "SIGNO" }, "Invalid signal: SIGNO"],
  [{ Hostname: "a/b" }, "invalid hostname format: a/b"],
  [{ Domainname: "a b" }, "invalid hostname format: a b"],
])("%p is refused", (config, message) => {
  expect(() => verifyConfig(config)).toThrow(message);
});

test("logs are bounded by default", () => {
  expect(logLimits({})).toEqual({ maxBytes: 10 * MB, maxFiles: 3 });
});

test("a limit that this host cannot keep is warned of", () => {
  expect(hostWarnings({ Memory: 64 * MB }, { ...HOST, swapLimit: false })).toEqual([
    expect.stringContaining("Memory limited without swap"),
  ]);
});
