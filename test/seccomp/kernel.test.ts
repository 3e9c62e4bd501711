/** Our filters in the running kernel: x86-64 by syscall, i386 by int 0x80, x32 by its bit. Nothing is executed: each verdict is an errno of its own. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { CAPABILITIES, DEFAULT_CAPABILITIES } from "../../src/runtime/capabilities.ts";
import { ARCHITECTURES, syscallNumbers } from "../../src/runtime/seccomp/architectures.ts";
import { boundaryCases } from "../../src/runtime/seccomp/boundaries.ts";
import { compileSeccomp } from "../../src/runtime/seccomp/compile.ts";
import { DEFAULT_PROFILE } from "../../src/runtime/seccomp/facts.ts";
import { interpret, type SyscallData } from "../../src/runtime/seccomp/interpreter.ts";
import { linearProgram } from "../../src/runtime/seccomp/linear.ts";
import { chooseRules } from "../../src/runtime/seccomp/profile.ts";
import { randomProfile } from "../../src/runtime/seccomp/testbed.ts";
import type { Seccomp } from "../../src/runtime/spec.ts";
import { kernelSays, marked, verdictsOf } from "./support/kernel.ts";

setDefaultTimeout(60_000);

const X86_64 = 0xc000003e;
const I386 = 0x40000003;
/** Since 6.14 the kernel's own trampolines call these past every filter. */
const UNFILTERED = new Set([335, 336]);

function reachable({ architecture, number }: SyscallData): boolean {
  return architecture === I386 || (architecture === X86_64 && !UNFILTERED.has(number));
}

/** How many cases the kernel was asked; fails with those on which it says something else than the rules. */
async function agree(seccomp: Seccomp): Promise<number> {
  const [ours, plain] = [compileSeccomp(seccomp, "x86_64"), linearProgram(seccomp, "x86_64")];
  const verdicts = [...new Set([...verdictsOf(ours), ...verdictsOf(plain)])];
  const cases = boundaryCases(seccomp, "x86_64").filter(reachable);
  const expected = cases.map((data) => -(1 + verdicts.indexOf(interpret(plain, data))));
  for (const program of [ours, plain]) {
    const said = await kernelSays(marked(program, verdicts), cases);
    expect(said.length).toBe(cases.length);
    const wrong = cases.filter((_, index) => said[index] !== expected[index]);
    expect(wrong).toEqual([]);
  }
  return cases.length;
}

const here = process.arch === "x64";
if (!here) console.log("skipping tests: only x86-64 has three entries to the kernel");

describe.if(here)("the kernel says what the rules say", () => {
  test.each<[string, readonly string[]]>([
    ["docker's capabilities", DEFAULT_CAPABILITIES],
    ["no capabilities", []],
    ["all capabilities", CAPABILITIES],
  ])("for docker's profile with %s", async (_, names) => {
    const circumstances = {
      capabilities: new Set(names),
      architecture: "x86_64",
      kernelVersion: [6, 18],
    } as const;
    expect(await agree(chooseRules(DEFAULT_PROFILE, circumstances))).toBeGreaterThan(3000);
  });

  test("for any profile", async () => {
    await fc.assert(
      fc.asyncProperty(randomProfile, async (seccomp) => (await agree(seccomp)) > 0),
      { numRuns: 25 },
    );
  });

  const getppid = syscallNumbers(ARCHITECTURES["SCMP_ARCH_X86_64"] ?? expect.unreachable()).get("getppid");
  const SIGSYS = 31;
  const EPERM = 1;
  const ENOSYS = 38;

  test.each<[string, number | undefined, (result: number) => boolean]>([
    ["ALLOW", undefined, (result) => result > 0],
    ["LOG", undefined, (result) => result > 0],
    ["ERRNO", undefined, (result) => result === -EPERM],
    ["ERRNO", 4095, (result) => result === -4095],
    ["ERRNO", 0, (result) => result === 0],
    ["TRACE", 7, (result) => result === -ENOSYS], // nobody traces
    ["NOTIFY", undefined, (result) => result === -ENOSYS], // nobody listens
    ["TRAP", undefined, (result) => result === 1000 + SIGSYS],
    ["KILL", undefined, (result) => result === 1000 + SIGSYS],
    ["KILL_THREAD", undefined, (result) => result === 1000 + SIGSYS],
    ["KILL_PROCESS", undefined, (result) => result === 1000 + SIGSYS],
  ])("%s %p does what its name says", async (name, errnoRet, holds) => {
    const rule = { names: ["getppid"], action: `SCMP_ACT_${name}` };
    const syscalls = [errnoRet === undefined ? rule : { ...rule, errnoRet }];
    const program = compileSeccomp({ defaultAction: "SCMP_ACT_ERRNO", syscalls }, "x86_64");
    const asked = { number: getppid ?? 0, architecture: X86_64, args: [0n, 0n, 0n, 0n, 0n, 0n] };
    const [result = NaN] = await kernelSays(program, [asked]);
    expect(result).toSatisfy(holds);
  });

  test("a call of an architecture that the profile does not list ends the process", async () => {
    const program = compileSeccomp({ defaultAction: "SCMP_ACT_ERRNO" }, "x86_64");
    const asked = { number: 20, architecture: I386, args: [0n, 0n, 0n, 0n, 0n, 0n] };
    expect(await kernelSays(program, [asked])).toEqual([1000 + SIGSYS]);
  });
});
