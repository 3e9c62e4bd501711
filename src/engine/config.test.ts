import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { parseConfig, readConfig } from "./config.ts";

const runsc = { path: "/usr/bin/runsc", runtimeArgs: ["--network=host"] };

test("docker's names are read: runtimes with paths and arguments, and the default one", () => {
  const text = JSON.stringify({
    runtimes: { gvisor: runsc, plain: { path: "crun" } },
    "default-runtime": "plain",
  });
  expect(parseConfig(text, "f")).toEqual({
    runtimes: {
      gvisor: { path: "/usr/bin/runsc", args: ["--network=host"] },
      plain: { path: "crun", args: [] },
    },
    defaultRuntime: "plain",
  });
  expect(parseConfig("{}", "f")).toEqual({ runtimes: {} });
});

test.each([
  ["what is no JSON", "{", "the configuration f: "],
  ["what is no object", "[]", "the configuration f: it is no JSON object"],
  [
    "what berth has not",
    '{"debug":true,"tls":1}',
    "the following directives don't match any configuration option: debug, tls",
  ],
  ["a runtime without a path", '{"runtimes":{"x":{}}}', 'runtime "x" has no path'],
  [
    "a runtime by its type",
    '{"runtimes":{"x":{"path":"x","runtimeType":"t"}}}',
    'berth does not support "runtimeType"',
  ],
  ["arguments that are none", '{"runtimes":{"x":{"path":"x","runtimeArgs":[1]}}}', "is no list of texts"],
  ["a list of runtimes", '{"runtimes":[]}', '"runtimes" is no object'],
  ["a default that is no name", '{"default-runtime":1}', '"default-runtime" is no text'],
])("%s is refused", (_, text, words) => {
  expect(() => parseConfig(text, "f")).toThrow(words);
});

function withFile<T>(text: string, use: (file: string) => T): T {
  const directory = mkdtempSync("/tmp/berth-config-");
  try {
    writeFileSync(`${directory}/daemon.json`, text);
    return use(`${directory}/daemon.json`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("flags and file are added up; what both say is refused, as docker does", () => {
  const x = { x: { path: "/x", args: [] } };
  const text = JSON.stringify({ runtimes: { y: { path: "/y" } }, "default-runtime": "y" });
  withFile(text, (file) => {
    expect(readConfig({ file, runtimes: x })).toEqual({
      runtimes: { ...x, y: { path: "/y", args: [] } },
      defaultRuntime: "y",
    });
    expect(() => readConfig({ file, defaultRuntime: "x" })).toThrow(
      "both as a flag and in the configuration file",
    );
    expect(() => readConfig({ file, runtimes: { y: { path: "/z", args: [] } } })).toThrow("runtimes: y");
  });
});

test("a file that was named must be there", () => {
  expect(() => readConfig({ file: "/no/such/file" })).toThrow(
    "read the configuration /no/such/file: no such file or directory",
  );
});

test.each([
  ["berth", "/x", "runtime name 'berth' is reserved"],
  ["../x", "/x", 'invalid runtime name "../x"'],
  ["x", "bin/x", 'the path "bin/x" is not absolute'],
])("a runtime %p at %p is refused", (name, path, words) => {
  withFile("{}", (file) =>
    expect(() => readConfig({ file, runtimes: { [name]: { path, args: [] } } })).toThrow(words),
  );
});
