import { expect, test } from "bun:test";
import { commandOf, environmentOf, mergeConfig } from "./spec.ts";

const IMAGE = {
  Cmd: ["sh"],
  Entrypoint: ["/init"],
  Env: ["PATH=/bin", "A=1"],
  WorkingDir: "/srv",
  User: "www",
};

test.each([
  ["nothing", {}, ["/init", "sh"]],
  ["a command", { Cmd: ["ls", "-l"] }, ["/init", "ls", "-l"]],
  ["an entrypoint: the image's command is not meant for it", { Entrypoint: ["/other"] }, ["/other"]],
  ["both", { Entrypoint: ["/other"], Cmd: ["x"] }, ["/other", "x"]],
  ["an empty entrypoint and a command", { Entrypoint: [""], Cmd: ["ls"] }, ["ls"]],
  ["no entrypoint as a list without words", { Entrypoint: [] }, ["sh"]],
])("asked for %s, the command is right", (_, asked, command) => {
  expect(commandOf(mergeConfig(asked, IMAGE))).toEqual(command);
});

test.each([
  ["neither has one", {}, {}],
  ["the image's entrypoint is taken away", { Entrypoint: [""] }, IMAGE],
])("no command at all is refused: %s", (_, asked, image) => {
  expect(() => mergeConfig(asked, image)).toThrow("no command specified");
});

test("the request's user, directory, variables and labels win over the image's", () => {
  const config = mergeConfig(
    { User: "1", Env: ["A=2", "B="], Labels: { a: "b" } },
    { ...IMAGE, Labels: { a: "x", c: "d" } },
  );
  expect(config).toMatchObject({ User: "1", WorkingDir: "/srv", Env: ["A=2", "B=", "PATH=/bin"] });
  expect(config.Labels).toEqual({ a: "b", c: "d" });
});

test("the environment has PATH and HOSTNAME, TERM on a terminal, and what was asked", () => {
  expect(environmentOf({ Env: ["A=1"], Tty: true }, "host")).toEqual([
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOSTNAME=host",
    "TERM=xterm",
    "A=1",
  ]);
});

test("a variable replaces a default in its place, one without a value takes it away", () => {
  expect(environmentOf({ Env: ["PATH=/x", "HOSTNAME", "A=b=c"] }, "host")).toEqual(["PATH=/x", "A=b=c"]);
});
