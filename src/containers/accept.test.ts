import { expect, test } from "bun:test";
import type { ContainerCreateRequest } from "../wire/requests.ts";
import { requireSupported } from "./accept.ts";

/** What the docker CLI 28 sends for `docker run busybox true`. */
const PLAIN: ContainerCreateRequest = {
  Hostname: "",
  AttachStdout: true,
  Env: null,
  Cmd: ["true"],
  Image: "busybox",
  Volumes: {},
  Labels: {},
  HostConfig: {
    Binds: null,
    ContainerIDFile: "",
    LogConfig: { Type: null, Config: {} },
    NetworkMode: "default",
    PortBindings: {},
    RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
    AutoRemove: false,
    VolumesFrom: null,
    ConsoleSize: [0, 0],
    Dns: [],
    Isolation: "",
    DeviceRequests: null,
    MemorySwappiness: -1,
    OomKillDisable: false,
    Ulimits: [],
  },
  NetworkingConfig: { EndpointsConfig: { default: { IPAMConfig: null, Links: null, Aliases: null } } },
};

test("a plain run of docker's CLI is accepted", () => {
  expect(() => requireSupported(PLAIN)).not.toThrow();
});

test.each<[string, ContainerCreateRequest["HostConfig"]]>([
  ["HostConfig.PortBindings", { PortBindings: { "80/tcp": [{ HostPort: "80" }] } }],
  ["HostConfig.PortBindings", { PortBindings: { "80/tcp": [] } }],
  ["HostConfig.PublishAllPorts", { PublishAllPorts: true }],
  ["HostConfig.RestartPolicy", { RestartPolicy: { Name: "always" } }],
  ["HostConfig.Links", { Links: ["db"] }],
  ["HostConfig.DeviceRequests", { DeviceRequests: [{ Count: -1 }] }],
  ["HostConfig.VolumesFrom", { VolumesFrom: ["other"] }],
  ["HostConfig.CgroupParent", { CgroupParent: "/mine" }],
])("%s is refused by name", (name, hostConfig) => {
  expect(() => requireSupported({ ...PLAIN, HostConfig: hostConfig ?? null })).toThrow(
    `${name}: berth does not`,
  );
});

test.each<[string, object]>([
  ["Volumes", { Volumes: { "/data": {} } }],
  ["Healthcheck", { Healthcheck: { Test: ["CMD", "true"] } }],
  ["NoSuchField", { NoSuchField: 1 }],
])("%s of the configuration is refused by name", (name, config) => {
  expect(() => requireSupported({ ...PLAIN, ...config })).toThrow(`${name}: berth does not support`);
});

test("a health check that is switched off is accepted", () => {
  expect(() => requireSupported({ ...PLAIN, Healthcheck: { Test: ["NONE"] } })).not.toThrow();
});
