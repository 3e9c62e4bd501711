import { expect, test } from "bun:test";
import type { HostConfig } from "../wire/schema.ts";
import { shortfallWarnings } from "./shortfall.ts";

const POOR = { boundingSet: 0x1ff_feff_ffffn, hardLimits: { RLIMIT_NOFILE: 20_000 }, oomScoreAdjust: 0 };
const RICH = { ...POOR, boundingSet: 0x1ff_ffff_ffffn };

test.each<[string, HostConfig, RegExp]>([
  ["a capability", { CapAdd: ["SYS_RESOURCE"] }, /^CAP_SYS_RESOURCE is not given/],
  ["a higher limit", { Ulimits: [{ Name: "nofile", Soft: 1, Hard: 30_000 }] }, /nofile is limited to 20000/],
  ["no limit at all", { Ulimits: [{ Name: "nofile", Soft: -1, Hard: -1 }] }, /nofile is limited to 20000/],
  ["a lower OOM score", { OomScoreAdj: -500 }, /oom-score-adj stays at 0/],
])("a poor engine says that it cannot give %s", (_, hostConfig, words) => {
  expect(shortfallWarnings(hostConfig, POOR)).toEqual([expect.stringMatching(words)]);
  expect(shortfallWarnings(hostConfig, RICH)).toEqual([]);
});

test.each<[string, HostConfig]>([
  ["nothing", {}],
  ["all that there is", { Privileged: true }],
  ["a limit within its own", { Ulimits: [{ Name: "nofile", Soft: 10, Hard: 20_000 }] }],
  ["a limit it does not have", { Ulimits: [{ Name: "core", Soft: -1, Hard: -1 }] }],
  ["a higher OOM score", { OomScoreAdj: 500 }],
])("a poor engine gives %s without a word", (_, hostConfig) => {
  expect(shortfallWarnings(hostConfig, POOR)).toEqual([]);
});
