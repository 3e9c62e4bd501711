import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Features } from "../../kernel/features.ts";
import { digestOf } from "../../lib/digest.ts";
import type { Seccomp, SeccompArgument, SeccompRule } from "../spec.ts";
import { capabilityMask, DEFAULT_CAPABILITIES } from "../capabilities.ts";
import { ARCHITECTURES, syscallNumbers, X32_BIT } from "./architectures.ts";
import { COMPILER_VERSION, compileSeccomp } from "./compile.ts";
import { verdictOf } from "./decisions.ts";
import { DEFAULT_PROGRAM } from "./default-program.ts";
import { DEFAULT_PROFILE } from "./facts.ts";
import { interpret } from "./interpreter.ts";
import { SYSCALL_TABLE } from "./numbers.ts";
import { chooseRules, parseProfile } from "./profile.ts";
import { compiledSeccomp, CONDITIONAL } from "./seccomp.ts";

const ALLOW = 0x7fff0000;
const errno = (number: number) => 0x50000 | number;
const KILL = 0x80000000;
const here = (capabilities: readonly string[]) =>
  ({ capabilities: new Set(capabilities), architecture: "x86_64", kernelVersion: [6, 18] }) as const;
const dockers = chooseRules(DEFAULT_PROFILE, here(DEFAULT_CAPABILITIES));
const program = compileSeccomp(dockers, "x86_64");

const call = (
  name: string,
  args: readonly bigint[] = [],
  architecture = "SCMP_ARCH_X86_64",
  filter = program,
) => {
  const found = ARCHITECTURES[architecture];
  if (found === undefined) throw new Error(architecture);
  return interpret(filter, {
    number: syscallNumbers(found).get(name) ?? -1,
    architecture: found.audit,
    args,
  });
};

test.each<[string, number, number]>([
  ["read is allowed", call("read"), ALLOW],
  ["mount is not permitted", call("mount"), errno(1)],
  ["clone3 is not implemented, so that libc falls back to clone", call("clone3"), errno(38)],
  ["clone makes processes", call("clone", [17n]), ALLOW],
  ["clone makes no user namespace", call("clone", [0x10000011n]), errno(1)],
  ["clone looks only at the flags it asks about", call("clone", [0x1_0000_0011n]), ALLOW],
  ["a socket of AF_VSOCK is refused", call("socket", [40n]), errno(1)],
  ["a socket of AF_ALG is refused", call("socket", [38n]), errno(1)],
  [
    "AF_ALG does not hide behind the upper half, which the kernel does not read",
    call("socket", [(1n << 32n) | 38n]),
    errno(1),
  ],
  ["a socket of AF_INET is allowed", call("socket", [2n]), ALLOW],
  ["personality is compared whole", call("personality", [(1n << 32n) | 8n]), errno(1)],
  [
    "a call newer than the profile is not implemented",
    interpret(program, { number: 9999, architecture: 0xc000003e, args: [] }),
    errno(38),
  ],
  ["32-bit programs have their own numbers", call("mount", [], "SCMP_ARCH_X86"), errno(1)],
  ["x32 programs, too", call("read", [], "SCMP_ARCH_X32"), ALLOW],
  [
    "a foreign architecture is killed",
    interpret(program, { number: 0, architecture: 0xc00000b7, args: [] }),
    KILL,
  ],
])("%s", (_, verdict, expected) => {
  expect(verdict).toBe(expected);
});

test("without x32 in the profile its calls are killed", () => {
  const filter = compileSeccomp({ ...dockers, architectures: ["SCMP_ARCH_X86_64"] }, "x86_64");
  expect(interpret(filter, { number: X32_BIT, architecture: 0xc000003e, args: [] })).toBe(KILL);
  expect(interpret(filter, { number: 0, architecture: 0xc000003e, args: [] })).toBe(ALLOW);
  expect(interpret(filter, { number: 0, architecture: 0x40000003, args: [] })).toBe(KILL);
});

test("the program that is built in is what the profile compiles to; small enough to load fast", () => {
  expect(Buffer.from(program).toString("base64")).toBe(DEFAULT_PROGRAM);
  expect(program.length / 8).toBeLessThan(800);
});

test("the built-in program is used exactly where the profile's conditions say the same", () => {
  const rules = DEFAULT_PROFILE.syscalls ?? [];
  const asked = [
    rules.flatMap(({ includes }) => includes?.caps ?? []),
    rules.flatMap(({ excludes }) => excludes?.caps ?? []),
  ];
  expect(capabilityMask(asked.flat())).toBe(CONDITIONAL);
});

const SOURCE = `${import.meta.dir}/../../../../shared/reference/seccomp/default.json`;
if (!existsSync(SOURCE))
  process.stderr.write(
    "skipping a test: moby's profile does not lie beside the project to be compared with\n",
  );
test.skipIf(!existsSync(SOURCE))("the facts are those of moby's profile", () => {
  const theirs = chooseRules(parseProfile(readFileSync(SOURCE, "utf8")), here(DEFAULT_CAPABILITIES));
  expect(compileSeccomp(theirs, "x86_64")).toEqual(program);
});

test("a rule that forbids cannot be passed by bits that the kernel does not read", () => {
  const TIOCSTI = 0x5412n;
  const args = [{ index: 1, op: "SCMP_CMP_EQ", value: TIOCSTI }];
  const syscalls = [{ names: ["ioctl"], action: "SCMP_ACT_ERRNO", errnoRet: 1, args }];
  const filter = compileSeccomp({ defaultAction: "SCMP_ACT_ALLOW", syscalls }, "x86_64");
  expect(call("ioctl", [0n, TIOCSTI | (1n << 40n)], "SCMP_ARCH_X86_64", filter)).toBe(errno(1));
  expect(call("ioctl", [0n, TIOCSTI + 1n], "SCMP_ARCH_X86_64", filter)).toBe(ALLOW);
});

test.each([
  ["no JSON", "{", "opening seccomp profile failed"],
  ["no default", "{}", "defaultAction is missing"],
  [
    "names that are none",
    '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_ERRNO"}]}',
    "without names",
  ],
])("a profile that is %s is refused", (_, json, words) => {
  expect(() => parseProfile(json)).toThrow(words);
});

const filterOf = (seccomp: Partial<Seccomp>) =>
  compileSeccomp({ defaultAction: "SCMP_ACT_ERRNO", ...seccomp }, "x86_64");

test.each<[string, string, number | null | undefined, number]>([
  ["KILL is of the thread", "SCMP_ACT_KILL", undefined, 0],
  ["KILL_THREAD", "SCMP_ACT_KILL_THREAD", undefined, 0],
  ["KILL_PROCESS", "SCMP_ACT_KILL_PROCESS", undefined, KILL],
  ["TRAP", "SCMP_ACT_TRAP", undefined, 0x30000],
  ["ERRNO says EPERM unless told otherwise", "SCMP_ACT_ERRNO", undefined, errno(1)],
  ["null says nothing", "SCMP_ACT_ERRNO", null, errno(1)],
  ["ERRNO 0 is success that did nothing", "SCMP_ACT_ERRNO", 0, errno(0)],
  ["the greatest errno", "SCMP_ACT_ERRNO", 4095, errno(4095)],
  ["NOTIFY", "SCMP_ACT_NOTIFY", undefined, 0x7fc00000],
  ["TRACE with what the tracer is told", "SCMP_ACT_TRACE", 0xffff, 0x7ff0ffff],
  ["TRACE", "SCMP_ACT_TRACE", undefined, 0x7ff00001],
  ["LOG", "SCMP_ACT_LOG", undefined, 0x7ffc0000],
  ["ALLOW", "SCMP_ACT_ALLOW", undefined, ALLOW],
])("actions: %s", (_, action, data, verdict) => {
  expect(verdictOf(action, data)).toBe(verdict);
  expect(
    call(
      "read",
      [],
      "SCMP_ARCH_X86_64",
      filterOf({ syscalls: [{ names: ["read"], action, errnoRet: data }] }),
    ),
  ).toBe(verdict);
});

test.each<[string, Partial<Seccomp>, string]>([
  ["an unknown action", { defaultAction: "SCMP_ACT_MAYBE" }, 'unknown seccomp action "SCMP_ACT_MAYBE"'],
  ["an errno above the kernel's", { defaultErrnoRet: 4096 }, "errnoRet 4096 of SCMP_ACT_ERRNO"],
  ["an errno below zero", { defaultErrnoRet: -1 }, "errnoRet -1"],
  [
    "an errno where none is returned",
    { syscalls: [{ names: ["read"], action: "SCMP_ACT_ALLOW", errnoRet: 1 }] },
    "errnoRet has no meaning for the action SCMP_ACT_ALLOW",
  ],
  [
    "an unknown architecture",
    { architectures: ["SCMP_ARCH_VAX"] },
    'unknown seccomp architecture "SCMP_ARCH_VAX"',
  ],
  ["an unknown comparison", argument({ op: "SCMP_CMP_LIKE" }), 'unknown seccomp comparison "SCMP_CMP_LIKE"'],
  ["a seventh argument", argument({ index: 6 }), "there is no argument 6"],
  ["a value below zero", argument({ value: -1 }), "-1 is no argument of 64 bits"],
  ["a value above 64 bits", argument({ value: 2n ** 64n }), "18446744073709551616 is no argument"],
  ["a value that lost digits", argument({ value: 2 ** 60 + 0.5 }), "is no argument of 64 bits"],
])("%s is refused by name", (_, seccomp, words) => {
  expect(() => filterOf(seccomp)).toThrow(words);
});

function argument(one: Partial<SeccompArgument>): Partial<Seccomp> {
  const args = [{ index: 0, value: 0, op: "SCMP_CMP_EQ", ...one }];
  return { syscalls: [{ names: ["read"], action: "SCMP_ACT_ALLOW", args }] };
}

test("the machine's own architecture is always filtered, those of other machines are killed, names that nobody knows do nothing", () => {
  const syscalls = [{ names: ["read", "no_such_call"], action: "SCMP_ACT_ALLOW" }];
  const filter = filterOf({ architectures: ["SCMP_ARCH_X86", "SCMP_ARCH_MIPS"], syscalls });
  expect(call("read", [], "SCMP_ARCH_X86_64", filter)).toBe(ALLOW);
  expect(call("read", [], "SCMP_ARCH_X86", filter)).toBe(ALLOW);
  expect(call("read", [], "SCMP_ARCH_X32", filter)).toBe(KILL);
  expect(interpret(filter, { number: 0, architecture: 8, args: [] })).toBe(KILL);
});

test("on aarch64 the default profile filters 32-bit ARM, too", () => {
  const rules = chooseRules(DEFAULT_PROFILE, { ...here(DEFAULT_CAPABILITIES), architecture: "aarch64" });
  const filter = compileSeccomp(rules, "aarch64");
  expect(call("cacheflush", [], "SCMP_ARCH_ARM", filter)).toBe(ALLOW);
  expect(call("mount", [], "SCMP_ARCH_ARM", filter)).toBe(errno(1));
  expect(call("read", [], "SCMP_ARCH_X86_64", filter)).toBe(KILL);
});

const onFirst = (op: string, bound: bigint, said: string) => ({
  names: ["read"],
  action: said,
  args: [{ index: 0, op: `SCMP_CMP_${op}`, value: bound }],
});

test.each<[string, SeccompRule[], readonly [bigint, number][]]>([
  [
    "one without conditions outweighs those with, wherever it stands",
    [onFirst("EQ", 1n, "SCMP_ACT_TRAP"), { names: ["read"], action: "SCMP_ACT_ALLOW" }],
    [
      [1n, ALLOW],
      [2n, ALLOW],
    ],
  ],
  [
    "of several that hold the first counts",
    [onFirst("GE", 5n, "SCMP_ACT_ALLOW"), onFirst("GE", 3n, "SCMP_ACT_TRAP")],
    [
      [5n, ALLOW],
      [4n, 0x30000],
      [2n, errno(1)],
    ],
  ],
  [
    "one that says what is said anyway does not count",
    [{ names: ["read"], action: "SCMP_ACT_ERRNO" }, onFirst("EQ", 1n, "SCMP_ACT_ALLOW")],
    [
      [1n, ALLOW],
      [2n, errno(1)],
    ],
  ],
])("of a call's rules %s", (_, syscalls, expected) => {
  const filter = filterOf({ syscalls });
  for (const [first, verdict] of expected)
    expect(call("read", [first], "SCMP_ARCH_X86_64", filter)).toBe(verdict);
});

test("bits beside the mask cannot be wanted: with libseccomp they are not", () => {
  const args = [{ index: 0, op: "SCMP_CMP_MASKED_EQ", value: 3, valueTwo: 0xf1 }];
  const filter = filterOf({ syscalls: [{ names: ["read"], action: "SCMP_ACT_TRAP", args }] });
  expect(call("read", [1n], "SCMP_ARCH_X86_64", filter)).toBe(0x30000);
  expect(call("read", [0xf1n], "SCMP_ARCH_X86_64", filter)).toBe(0x30000);
  expect(call("read", [2n], "SCMP_ARCH_X86_64", filter)).toBe(errno(1));
});

test("programs that are kept on disk are those of this compiler: whoever changes what it makes raises COMPILER_VERSION", () => {
  const made = [
    DEFAULT_PROGRAM,
    SYSCALL_TABLE,
    ...["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"].map((op) =>
      Buffer.from(filterOf({ syscalls: [onFirst(op, 1n << 40n, "SCMP_ACT_ALLOW")] })).toString("hex"),
    ),
  ];
  expect(`${COMPILER_VERSION} ${digestOf(made.join("\n"))}`).toBe(
    "2 sha256:0443cb165bd2fb144ea3d02242f13a96040ffd91461aca80ecb7da1afa99103b",
  );
});

const features = { seccomp: true, architecture: "x86_64", kernelVersion: [6, 18] } as unknown as Features;

test("the same rules are compiled once, and other rules are others", () => {
  const rules = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [onFirst("EQ", 2n ** 64n - 1n, "SCMP_ACT_TRAP")],
  };
  const first = compiledSeccomp(rules, 0n, features);
  expect(compiledSeccomp(structuredClone(rules), 0n, features)).toBe(first);
  expect(compiledSeccomp({ ...rules, defaultAction: "SCMP_ACT_LOG" }, 0n, features)).not.toBe(first);
  expect(compiledSeccomp(first, 0n, features)).toBe(first);
});

test("docker's profiles are compiled once for each set of capabilities", () => {
  const choice = { profile: "default" } as const;
  const none = compiledSeccomp(choice, 0n, features);
  expect(compiledSeccomp(choice, 0n, features)).toBe(none);
  expect(compiledSeccomp(choice, capabilityMask(["CAP_SYS_ADMIN"]), features)).not.toBe(none);
});

test("with a directory the program is also there for the next process", () => {
  const cacheDirectory = mkdtempSync(`${tmpdir()}/berth-seccomp-`);
  try {
    const rules = { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 1234 };
    const { program: made } = compiledSeccomp(rules, 0n, features, { cacheDirectory });
    const [name = ""] = readdirSync(cacheDirectory);
    expect(readFileSync(`${cacheDirectory}/${name}`).subarray(32)).toEqual(Buffer.from(made));
  } finally {
    rmSync(cacheDirectory, { recursive: true });
  }
});

const asking: Seccomp = {
  defaultAction: "SCMP_ACT_ALLOW",
  listenerPath: "/run/agent",
  syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }],
};

test("who listens is no part of the program", () => {
  const first = compiledSeccomp(asking, 0n, features);
  const other = compiledSeccomp(
    { ...asking, listenerPath: "/run/other", listenerMetadata: "x" },
    0n,
    features,
  );
  expect(first.listener).toEqual({ path: "/run/agent" });
  expect(other.listener).toEqual({ path: "/run/other", metadata: "x" });
  expect(other.program).toBe(first.program);
  expect(compiledSeccomp({ profile: { json: JSON.stringify(asking) } }, 0n, features).listener).toEqual(
    first.listener,
  );
});

const LOG = "SECCOMP_FILTER_FLAG_LOG";
const WAIT = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";

test.each<[string, Seccomp, number]>([
  ["SPEC_ALLOW where a profile names none", { defaultAction: "SCMP_ACT_ALLOW" }, 4],
  ["SPEC_ALLOW where a profile has null", { defaultAction: "SCMP_ACT_ALLOW", flags: null }, 4],
  ["none where a profile wants none", { defaultAction: "SCMP_ACT_ALLOW", flags: [] }, 0],
  ["NEW_LISTENER where a rule notifies", asking, 4 | 8],
  ["all that were asked for", { ...asking, flags: [LOG, WAIT, "SECCOMP_FILTER_FLAG_TSYNC"] }, 2 | 8 | 32],
  ["WAIT_KILLABLE_RECV only with a listener", { defaultAction: "SCMP_ACT_ALLOW", flags: [WAIT] }, 0],
  [
    "no listener where none is needed, whatever its path",
    { defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/run/agent" },
    4,
  ],
])("flags: %s", (_, seccomp, flags) => {
  expect(compiledSeccomp(seccomp, 0n, features).flags).toBe(flags);
});

test.each<[string, Partial<Seccomp>, string]>([
  ["a flag nobody knows", { flags: ["SECCOMP_FILTER_FLAG_X"] }, '"SECCOMP_FILTER_FLAG_X"'],
  [
    "to notify by default",
    { defaultAction: "SCMP_ACT_NOTIFY" },
    "SCMP_ACT_NOTIFY cannot be used as default action",
  ],
  [
    "to notify on write",
    { syscalls: [{ names: ["read", "write"], action: "SCMP_ACT_NOTIFY" }] },
    "SCMP_ACT_NOTIFY cannot be used for the write syscall",
  ],
  ["to notify nobody", { listenerPath: "" }, "seccomp listenerPath is not set"],
  ["a relative path", { listenerPath: "agent" }, 'seccomp listenerPath "agent" is no absolute path'],
  ["a path longer than an address", { listenerPath: `/${"x".repeat(107)}` }, "of at most 107 bytes"],
])("%s is refused as runc does, before anything is made", (_, more, words) => {
  expect(() => compiledSeccomp({ ...asking, ...more }, 0n, features)).toThrow(words);
});
