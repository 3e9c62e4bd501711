import { expect, test } from "bun:test";
import { violations } from "./imports.ts";

test.each([
  ["its own folder", "src/runtime/plan.ts", `import { a } from "./ops.ts";`],
  ["what the table lists", "src/runtime/plan.ts", `import type { A } from "../kernel/features.ts";`],
  ["a deeper folder of its own", "src/runtime/plan.ts", `import { a } from "./seccomp/compile.ts";`],
  [
    "what the build made of native/",
    "src/runtime/spawn.ts",
    `import shim from "../../dist/native/shim" with { type: "file" };`,
  ],
  ["Node's modules", "src/lib/a.ts", `import { join } from "node:path";`],
  ["fast-check in a test", "src/lib/a.test.ts", `import fc from "fast-check";`],
])("a file may import %s", (_, path, source) => {
  expect(violations(path, source)).toEqual([]);
});

test.each([
  [
    "a folder that the table does not list",
    "src/cli/run.ts",
    `import { a } from "../engine/engine.ts";`,
    "cli may not import engine",
  ],
  ["such a type", "src/wire/a.ts", `import type { A } from "../kernel/a.ts";`, "wire may not import kernel"],
  [
    "such a module later",
    "src/lib/a.ts",
    `const a = await import("../wire/a.ts");`,
    "lib may not import wire",
  ],
  ["such a re-export", "src/lib/a.ts", `export * from "../wire/a.ts";`, "lib may not import wire"],
  ["a package", "src/lib/a.ts", `import yaml from "yaml";`, "the package yaml has no decision record"],
])("a file may not import %s", (_, path, source, message) => {
  expect(violations(path, source).join("\n")).toContain(message);
});

test.each([
  ["bun:ffi", "src/store/a.ts", `import { dlopen } from "bun:ffi";`],
  ["bun:sqlite", "src/kernel/a.ts", `import { Database } from "bun:sqlite";`],
  ["child processes", "src/images/a.ts", `Bun.spawn(["true"]);`],
  ["console", "src/engine/a.ts", `console.log(1);`],
  ["process.exit", "src/cli/a.ts", `process.exit(1);`],
  ["HTTP and sockets", "src/engine/a.ts", `await fetch("http://x");`],
  ["no default exports", "src/cli/a.ts", `export default 1;`],
  ["a file is named after its subject", "src/lib/utils.ts", ``],
])("the door of %s is kept", (rule, path, source) => {
  expect(violations(path, source).join("\n")).toContain(rule);
});

test("comments open no door", () => {
  expect(violations("src/lib/a.ts", `/* console.log */ // process.exit(1)\nconst url = "http://x";`)).toEqual(
    [],
  );
});
