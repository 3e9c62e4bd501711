/**
 * Extracts the facts of docker's default seccomp profile and the numbers of system calls into src/runtime/seccomp/: names, numbers and
 * conditions, no text. `seccomp-facts.ts PROFILE [ARM]`: PROFILE is default.json of github.com/moby/profiles (Apache-2.0); the numbers come from
 * the installed kernel headers (linux-libc-dev; ARM is the folder asm of linux-libc-dev-armhf-cross) and, where those are older, from the list below.
 */
import { readFileSync, writeFileSync } from "node:fs";

const OUT = "src/runtime/seccomp";
const HEADERS = "/usr/include/x86_64-linux-gnu/asm";
const ARM_HEADERS = process.argv[3] ?? "/usr/arm-linux-gnueabihf/include/asm";
const X32_BIT = 0x40000000;

/** Newer than the headers; since number 424 all architectures count alike. From the kernel's scripts/syscall.tbl. */
const NEWER = [
  "cachestat",
  "fchmodat2",
  "map_shadow_stack",
  "futex_wake",
  "futex_wait",
  "futex_requeue",
  "statmount",
  "listmount",
  "lsm_get_self_attr",
  "lsm_set_self_attr",
  "lsm_list_modules",
  "mseal",
  "setxattrat",
  "getxattrat",
  "listxattrat",
  "removexattrat",
  "open_tree_attr",
  "file_getattr",
  "file_setattr",
];
const FIRST_NEWER = 451;
const X86_64_ONLY: Readonly<Record<string, number>> = { uretprobe: 335, uprobe: 336 };

function numbersIn(file: string): Map<string, number> {
  const lines = readFileSync(file, "utf8").matchAll(
    /^#define __NR_(\w+) (?:\(__(?:X32_SYSCALL_BIT|NR_SYSCALL_BASE) \+ )?(\d+)\)?$/gm,
  );
  return new Map([...lines].map(([, name = "", number]) => [name, Number(number)]));
}

/** The generic table as 64-bit machines use it: without the calls that only 32-bit machines need for 64-bit times. */
function arm64Numbers(): Map<string, number> {
  const text = readFileSync("/usr/include/asm-generic/unistd.h", "utf8");
  const named = [...text.matchAll(/^#define __NR(?:3264)?_(\w+) (\d+)$/gm)].map(
    ([, name = "", number]) => [name, Number(number)] as const,
  );
  const own = named.filter(
    ([name, number]) =>
      (number < 403 || number > 423) && !["syscalls", "arch_specific_syscall"].includes(name),
  );
  return new Map(own.map(([name, number]) => [name === "fstatat" ? "newfstatat" : name, number]));
}

/** Calls of 32-bit ARM alone, from its asm/unistd.h. */
function armNumbers(): Map<string, number> {
  const numbers = numbersIn(`${ARM_HEADERS}/unistd-eabi.h`);
  const own = ["breakpoint", "cacheflush", "usr26", "usr32", "set_tls", "get_tls"];
  for (const [index, name] of own.entries()) numbers.set(name, 0x0f0001 + index);
  return numbers.set("sync_file_range2", numbers.get("arm_sync_file_range") ?? NaN);
}

function withNewer(numbers: Map<string, number>): Map<string, number> {
  return new Map([...numbers, ...NEWER.map((name, index) => [name, FIRST_NEWER + index] as const)]);
}

const tables = {
  x86_64: withNewer(new Map([...numbersIn(`${HEADERS}/unistd_64.h`), ...Object.entries(X86_64_ONLY)])),
  i386: withNewer(numbersIn(`${HEADERS}/unistd_32.h`)),
  x32: withNewer(numbersIn(`${HEADERS}/unistd_x32.h`)),
  aarch64: withNewer(arm64Numbers()),
  arm: withNewer(armNumbers()),
};
const names = [...new Set(Object.values(tables).flatMap((table) => Array.from(table.keys())))].toSorted();
const lines = names.map((name) =>
  [name, ...Object.values(tables).map((table) => table.get(name) ?? "-")].join(" "),
);
writeFileSync(
  `${OUT}/numbers.ts`,
  `/** Numbers of the system calls by architecture. Made by tools/seccomp-facts.ts from the kernel's headers; x32 without its bit ${X32_BIT}. */

/** Each line: name, x86_64, i386, x32, aarch64, arm; \`-\` where an architecture lacks it. */
export const SYSCALL_TABLE = \`\\
${lines.join("\n")}\`;
`,
);

interface Rule {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: unknown[];
  includes?: Record<string, unknown>;
  excludes?: Record<string, unknown>;
}
const source = process.argv[2] ?? "../shared/reference/seccomp/default.json";
const { defaultAction, defaultErrnoRet, archMap, syscalls } = JSON.parse(readFileSync(source, "utf8"));
const rules = (syscalls as Rule[]).map(({ names: list, action, errnoRet, args, includes, excludes }) => {
  const rest = Object.entries({ action, errnoRet, args, includes, excludes }).filter(
    ([, value]) => value !== undefined,
  );
  return `    { names: words(${JSON.stringify(list.join(" "))}), ${rest.map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join(", ")} },`;
});
writeFileSync(
  `${OUT}/facts.ts`,
  `/** Docker's default seccomp profile as facts. Made by tools/seccomp-facts.ts from moby/profiles seccomp/default.json. */
import type { DockerProfile } from "./profile.ts";

const words = (text: string): readonly string[] => text.split(" ");

export const DEFAULT_PROFILE: DockerProfile = {
  defaultAction: ${JSON.stringify(defaultAction)},
  defaultErrnoRet: ${defaultErrnoRet},
  archMap: ${JSON.stringify(archMap.map(({ architecture, subArchitectures }: { architecture: string; subArchitectures: string[] | null }) => ({ architecture, subArchitectures: subArchitectures ?? [] })))},
  syscalls: [
${rules.join("\n")}
  ],
};
`,
);

// Imported only now: it reads what was just written.
const { DEFAULT_PROFILE } = await import("../src/runtime/seccomp/facts.ts");
const { chooseRules } = await import("../src/runtime/seccomp/profile.ts");
const { compileSeccomp } = await import("../src/runtime/seccomp/compile.ts");
const { DEFAULT_CAPABILITIES } = await import("../src/runtime/capabilities.ts");
const chosen = chooseRules(DEFAULT_PROFILE, {
  capabilities: new Set(DEFAULT_CAPABILITIES),
  architecture: "x86_64",
  kernelVersion: [6, 0],
});
const program = Buffer.from(compileSeccomp(chosen, "x86_64")).toString("base64");
writeFileSync(
  `${OUT}/default-program.ts`,
  `/** Docker's default profile with docker's capabilities for x86_64, i386 and x32, compiled. Made by tools/seccomp-facts.ts; a test compiles it again. */

/** struct sock_filter[] in base64. */
export const DEFAULT_PROGRAM = \`${program}\`;
`,
);
