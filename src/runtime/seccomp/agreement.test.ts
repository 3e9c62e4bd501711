/** Our program against the plainest one, by the interpreter: every rule of docker's profile, and profiles that nobody would write. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { CAPABILITIES, DEFAULT_CAPABILITIES } from "../capabilities.ts";
import type { Seccomp } from "../spec.ts";
import type { Native } from "./architectures.ts";
import { boundaryCases } from "./boundaries.ts";
import { compileSeccomp } from "./compile.ts";
import { DEFAULT_PROFILE } from "./facts.ts";
import { interpret } from "./interpreter.ts";
import { linearProgram } from "./linear.ts";
import { chooseRules } from "./profile.ts";
import { randomProfile } from "./testbed.ts";

setDefaultTimeout(30_000); // the machine may be busy

/** How many cases both were asked; throws at the first on which they differ. */
function agree(seccomp: Seccomp, native: Native): number {
  const [ours, plain] = [compileSeccomp(seccomp, native), linearProgram(seccomp, native)];
  const cases = boundaryCases(seccomp, native);
  for (const data of cases) {
    const [said, expected] = [interpret(ours, data), interpret(plain, data)];
    if (said !== expected) expect({ ...data, said }).toEqual({ ...data, said: expected });
  }
  return cases.length;
}

test.each<[string, readonly string[], Native]>([
  ["docker's capabilities", DEFAULT_CAPABILITIES, "x86_64"],
  ["no capabilities", [], "x86_64"],
  ["one that opens much", ["CAP_SYS_ADMIN"], "x86_64"],
  ["all capabilities", CAPABILITIES, "x86_64"],
  ["docker's capabilities on aarch64", DEFAULT_CAPABILITIES, "aarch64"],
  ["all capabilities on aarch64", CAPABILITIES, "aarch64"],
])("docker's profile with %s, compiled, says for every call what its rules say", (_, names, architecture) => {
  const circumstances = {
    capabilities: new Set(names),
    architecture,
    kernelVersion: [6, 18],
  } as const;
  expect(agree(chooseRules(DEFAULT_PROFILE, circumstances), architecture)).toBeGreaterThan(1500);
});

test.each<[Native]>([["x86_64"], ["aarch64"]])(
  "so does any profile, compiled, on %s and beside it",
  (native) => {
    fc.assert(
      fc.property(randomProfile, (seccomp) => agree(seccomp, native) > 0),
      { numRuns: 20 },
    );
  },
);
