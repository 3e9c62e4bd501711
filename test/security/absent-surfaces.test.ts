/**
 * Where others were hurt by what berth does not have: it is refused by name, in front of anything that could be hurt. Whoever builds
 * one of these finds here which of the old mistakes wait there.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

describe.if(has("root", "busybox"))("no such surface", () => {
  let target: Target;
  let id: string;
  beforeAll(async () => {
    target = await Target.start();
    const { stdout } = await target.engine.berth(["create", "--network", "none", "busybox", "sleep", "100"]);
    id = stdout.trim();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  const status = async (method: string, path: string, body?: unknown) =>
    (await target.engine.api(method, path.replace("ID", id), body)).status;

  /** Of create, or of start, where docker, too, finds out. */
  async function statusOfStart(hostConfig: object): Promise<number> {
    const created = await target.engine.api("POST", "/containers/create", {
      Image: "busybox",
      HostConfig: hostConfig,
    });
    if (created.status !== 201) return created.status;
    return await status("POST", `/containers/${(created.body as { Id: string }).Id}/start`);
  }

  test.each([
    [
      "cache mounts, frontends and entitlements of a builder (CVE-2024-23651 to 23653, CVE-2026-33747)",
      "POST",
      "/build?remote=https://example.org/x.git%23main:../..",
    ],
    ["git contexts of a builder (CVE-2026-33748, CVE-2022-39253)", "POST", "/session"],
    ["a checkpoint that is made (CVE-2026-53489)", "POST", "/containers/ID/checkpoints"],
    [
      "a checkpoint that is started from (CVE-2026-53492, CVE-2026-50195)",
      "POST",
      "/containers/ID/start?checkpoint=x&checkpoint-dir=/etc",
    ],
    ["plugins that authorise, and see another request than the engine (CVE-2024-41110)", "GET", "/plugins"],
    ["networks whose names are asked outside (CVE-2024-29018)", "POST", "/networks/create"],
    ["volumes with names that are paths", "POST", "/volumes/create"],
    ["swarm", "POST", "/swarm/init"],
  ])(
    "%s",
    async (_, method, path) => {
      expect(await status(method, path, method === "GET" ? undefined : {})).toBe(501);
    },
    20_000,
  );

  test.each([
    [
      "published ports, open beyond their address (CVE-2025-54388, CVE-2025-54410)",
      { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] } },
    ],
    ["volumes of other containers", { VolumesFrom: ["../x"] }],
    ["volume drivers", { VolumeDriver: "../x" }],
    [
      "log drivers that run a program (CVE-2026-53488)",
      { LogConfig: { Type: "binary:///bin/sh", Config: {} } },
    ],
    ["a log file of one's own", { LogConfig: { Type: "json-file", Config: { "log-path": "/etc/evil" } } }],
    [
      "CDI devices (CVE-2026-53492)",
      { DeviceRequests: [{ Driver: "cdi", DeviceIDs: ["vendor.example/device=all"] }] },
    ],
    ["SELinux labels", { SecurityOpt: ["label=type:evil_t"] }],
    ["AppArmor profiles", { SecurityOpt: ["apparmor=evil"] }],
  ])(
    "%s",
    async (_, hostConfig) => {
      expect(await statusOfStart(hostConfig)).toBe(501);
      expect(existsSync("/etc/evil")).toBe(false);
    },
    20_000,
  );
});
