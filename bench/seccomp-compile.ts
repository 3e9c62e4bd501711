/** Milliseconds of one compilation of docker's profile in a process that has compiled nothing before, by us or by libseccomp (`libseccomp`). */
import { DEFAULT_CAPABILITIES } from "../src/runtime/capabilities.ts";
import { compileSeccomp } from "../src/runtime/seccomp/compile.ts";
import { DEFAULT_PROFILE } from "../src/runtime/seccomp/facts.ts";
import { chooseRules } from "../src/runtime/seccomp/profile.ts";
import { libseccompProgram } from "../test/support/libseccomp.ts";

const rules = chooseRules(DEFAULT_PROFILE, {
  capabilities: new Set(DEFAULT_CAPABILITIES),
  architecture: "x86_64",
  kernelVersion: [6, 1],
});
const compile = {
  berth: () => compileSeccomp(rules, "x86_64"),
  libseccomp: () => libseccompProgram(rules, { optimized: true }),
}[process.argv[2] ?? "berth"];
const started = performance.now();
compile?.();
console.log(performance.now() - started);
