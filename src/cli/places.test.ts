import { expect, test } from "bun:test";
import { parseHost, resolvePlaces } from "./places.ts";

test.each([
  ["the default", {}, {}, "/run/berth/berth.sock", false],
  ["BERTH_RUN", {}, { BERTH_RUN: "/r" }, "/r/berth.sock", false],
  ["--run before BERTH_RUN", { run: "/flag" }, { BERTH_RUN: "/r" }, "/flag/berth.sock", false],
  ["DOCKER_HOST", {}, { DOCKER_HOST: "unix:///d.sock" }, "/d.sock", true],
  [
    "BERTH_HOST before DOCKER_HOST",
    {},
    { BERTH_HOST: "unix:///b.sock", DOCKER_HOST: "unix:///d.sock" },
    "/b.sock",
    true,
  ],
  ["--host before all", { host: "unix:///h.sock" }, { BERTH_HOST: "unix:///b.sock" }, "/h.sock", true],
  [
    "BERTH_RUN before DOCKER_HOST",
    {},
    { BERTH_RUN: "/r", DOCKER_HOST: "unix:///d.sock" },
    "/r/berth.sock",
    false,
  ],
])("%s says where the engine listens", (_, flags, environment, socket, explicit) => {
  expect(resolvePlaces(flags, environment)).toMatchObject({ socket, explicit });
});

test.each([
  ["tcp://127.0.0.1:2375", "tcp:// is not supported yet"],
  ["ssh://host", "ssh:// is not supported yet"],
  ["npipe:////./pipe/x", "npipe:// is not supported yet"],
  ["foo", "unable to parse docker host `foo`"],
])("%s is refused by its name", (host, message) => {
  expect(() => parseHost(host)).toThrow(message);
});
