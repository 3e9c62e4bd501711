/** The import gate: who may import whom, and which folder holds the door to what. The table is DESIGN's; `violations` is pure. */

/** Each folder of src/ and all that it may import besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  wire: ["lib"],
  kernel: ["lib"],
  store: ["kernel", "lib"],
  images: ["store", "kernel", "wire", "lib"],
  networks: ["store", "kernel", "wire", "lib"],
  runtime: ["kernel", "wire", "lib"],
  containers: ["runtime", "images", "networks", "store", "kernel", "wire", "lib"],
  engine: ["containers", "runtime", "images", "networks", "store", "kernel", "wire", "lib"],
  api: ["engine", "wire", "lib"],
  front: ["kernel", "lib"],
  oci: ["front", "runtime", "kernel", "lib"],
  client: ["wire", "lib"],
  cli: ["client", "wire", "lib"],
  main: ["cli", "api", "oci", "front", "engine", "lib"],
};

interface Door {
  /** What is imported through it, or what stands in the code. */
  readonly module?: RegExp;
  readonly code?: RegExp;
  /** The start of every path that may pass; none: nobody. */
  readonly keepers: readonly string[];
  readonly rule: string;
}

const DOORS: readonly Door[] = [
  { module: /^bun:ffi$/, keepers: ["src/kernel/"], rule: "bun:ffi only in kernel/" },
  { module: /^bun:sqlite$/, keepers: ["src/store/"], rule: "bun:sqlite only in store/" },
  {
    module: /^(node:)?child_process$/,
    code: /\bBun\.(spawn|spawnSync|\$)/,
    keepers: ["src/kernel/spawn.ts", "src/cli/engine.ts", "src/cli/terminal.ts"],
    rule: "child processes only through kernel/spawn.ts (and cli/engine.ts, which starts the engine, cli/terminal.ts, which runs stty)",
  },
  {
    module: /^(node:)?(https?|net|tls|dgram)$/,
    code: /\bfetch\(|\bBun\.(connect|listen|serve|udpSocket)\b/,
    keepers: ["src/api/", "src/client/", "src/images/", "src/runtime/", "src/front/"],
    rule: "HTTP and sockets only in api/, client/, images/, runtime/ and front/",
  },
  { code: /\bconsole\.\w+/, keepers: ["src/cli/"], rule: "console only in cli/" },
  {
    code: /\bprocess\.(exit|exitCode|abort)\b/,
    keepers: ["src/main.ts"],
    rule: "process.exit only in main.ts",
  },
  { code: /^\s*export default\b/m, keepers: [], rule: "no default exports" },
  { code: /^\s*(export )?(const )?enum \w/m, keepers: [], rule: "no enums" },
];

/** Tests and what only they use may open any door. */
const TESTS = /(\.test|\/testbed|-suite)\.ts$/;
const BAD_NAMES = /(^|\/)(index|utils?|common|types|helpers?)\.ts$/;

/** What is wrong with the file `path` (from the top of the checkout), one sentence each. */
export function violations(path: string, source: string): string[] {
  const code = withoutComments(source);
  return [
    ...(BAD_NAMES.test(path) ? ["a file is named after its subject"] : []),
    ...importsOf(code).flatMap((target) => importViolation(path, target)),
    ...(TESTS.test(path) ? [] : doorViolations(path, code)),
  ];
}

function doorViolations(path: string, code: string): string[] {
  const targets = importsOf(code);
  return DOORS.filter((door) => !isKept(path, door.keepers) && isUsed(door, code, targets)).map(
    ({ rule }) => rule,
  );
}

function isUsed(door: Door, code: string, targets: readonly string[]): boolean {
  return door.code?.test(code) === true || targets.some((target) => door.module?.test(target) === true);
}

function isKept(path: string, keepers: readonly string[]): boolean {
  return keepers.some((keeper) => path.startsWith(keeper));
}

/** Type-only and dynamic imports count too. */
function importsOf(code: string): string[] {
  const pattern =
    /^(?:import|export)\b[^"';]*?\bfrom\s*["']([^"'\n]+)["']|^import\s+["']([^"'\n]+)["']|\bimport\(\s*["']([^"'\n$]+)["']/gm;
  return [...code.matchAll(pattern)].map(([, from, bare, late]) => from ?? bare ?? late ?? "");
}

function importViolation(path: string, target: string): string[] {
  if (!target.startsWith(".")) return packageViolation(path, target);
  const from = folderOf(path);
  const to = folderOf(resolvePath(path, target));
  if (to === from || to === "dist" || to === "package.json") return [];
  if (to === "test" && TESTS.test(path)) return [];
  const allowed = MAY_IMPORT[from];
  if (allowed === undefined) return [`src/${from} is not in the import table`];
  return allowed.includes(to) ? [] : [`${from} may not import ${to} (${target})`];
}

/** Only Bun and Node come for nothing; a package needs a decision record and a line here. */
function packageViolation(path: string, target: string): string[] {
  const free = target.startsWith("node:") || target === "bun" || target.startsWith("bun:");
  return free || (TESTS.test(path) && target === "fast-check")
    ? []
    : [`the package ${target} has no decision record`];
}

/** `src/kernel/libc.ts` → kernel, `src/main.ts` → main, `dist/native/shim` → dist. */
function folderOf(path: string): string {
  const [top = "", folder = "", below] = path.split("/");
  if (top !== "src") return top;
  return below === undefined ? folder.replace(/\.ts$/, "") : folder;
}

function resolvePath(path: string, target: string): string {
  return new URL(target, `file:///${path}`).pathname.slice(1);
}

/** Keeps strings: an import is one. A `//` inside a string (a URL) follows a colon. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[^]*?\*\//g, "").replace(/(^|[^:"'`\\])\/\/.*$/gm, "$1");
}

if (import.meta.main) {
  let count = 0;
  for (const path of [...new Bun.Glob("src/**/*.ts").scanSync()].toSorted()) {
    if (path.endsWith(".d.ts")) continue;
    for (const violation of violations(path, await Bun.file(path).text())) {
      console.log(`${path}: ${violation}`);
      count += 1;
    }
  }
  process.exitCode = count === 0 ? 0 : 1;
}
