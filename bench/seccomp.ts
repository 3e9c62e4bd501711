/** Docker's seccomp profile: what compiling it costs, loading it, and each call under it. Beside ours libseccomp's program, which runc loads, and the plainest. */
import { mkdtemp, rm } from "node:fs/promises";
import { DEFAULT_CAPABILITIES } from "../src/runtime/capabilities.ts";
import { compileSeccomp } from "../src/runtime/seccomp/compile.ts";
import { DEFAULT_PROFILE } from "../src/runtime/seccomp/facts.ts";
import { linearProgram } from "../src/runtime/seccomp/linear.ts";
import { chooseRules } from "../src/runtime/seccomp/profile.ts";
import { programOf } from "../test/seccomp/support/program.ts";
import { hasLibseccomp, libseccompProgram } from "../test/support/libseccomp.ts";
import type { Figure } from "./figure.ts";
import { sampleOf } from "./measure.ts";

const circumstances = {
  capabilities: new Set(DEFAULT_CAPABILITIES),
  architecture: "x86_64",
  kernelVersion: [6, 1],
} as const;
const rules = chooseRules(DEFAULT_PROFILE, circumstances);
const alone = { ...rules, architectures: ["SCMP_ARCH_X86_64"] };

const compile: Figure = {
  name: "seccomp: docker's profile compiled",
  goal: "≤ 10 ms",
  async measure(_, { rounds }) {
    const time = (who: string) =>
      sampleOf(Array.from({ length: rounds }, () => compiledIn(who))).median.toFixed(1);
    return {
      berth: `${time("berth")} ms`,
      ...(hasLibseccomp ? { runc: `${time("libseccomp")} ms (libseccomp)` } : {}),
    };
  },
};

function compiledIn(who: string): number {
  const { stdout } = Bun.spawnSync([process.execPath, `${import.meta.dir}/seccomp-compile.ts`, who]);
  return Number(stdout.toString());
}

interface Costs {
  readonly instructions: number;
  readonly loadNs: number;
  readonly plainCallNs: number;
  readonly boundCallNs: number;
}

function filterFigure(name: string, text: (costs: Costs) => string): Figure {
  return {
    name: `seccomp: ${name}`,
    goal: "",
    async measure(_, { rounds }) {
      const { berth, x86, plain, libseccomp, none } = await (measured ??= measureAll(rounds));
      const beside = `x86-64 alone ${text(x86)}, the plainest ${text(plain)}, without filter ${text(none)}`;
      return {
        berth: `${text(berth)} (${beside})`,
        ...(libseccomp === undefined ? {} : { runc: `${text(libseccomp)} (libseccomp)` }),
      };
    },
  };
}

let measured: ReturnType<typeof measureAll> | undefined;

async function measureAll(rounds: number) {
  return {
    berth: await costsOf(compileSeccomp(rules, "x86_64"), rounds),
    x86: await costsOf(compileSeccomp(alone, "x86_64"), rounds),
    plain: await costsOf(linearProgram(rules, "x86_64"), rounds),
    libseccomp: hasLibseccomp ? await costsOf(libseccompProgram(rules), rounds) : undefined,
    none: await costsOf(new Uint8Array(), rounds),
  };
}

async function costsOf(program: Uint8Array, rounds: number): Promise<Costs> {
  const directory = await mkdtemp("/tmp/bench-seccomp-");
  try {
    await Bun.write(`${directory}/filter`, program);
    const tool = await programOf(`${import.meta.dir}/seccomp.c`);
    const { stdout } = Bun.spawnSync([tool, `${directory}/filter`, String(rounds)]);
    const [loadNs = NaN, plainCallNs = NaN, boundCallNs = NaN] = stdout.toString().split(" ").map(Number);
    return { instructions: program.length / 8, loadNs, plainCallNs, boundCallNs };
  } finally {
    await rm(directory, { recursive: true });
  }
}

export const seccomp: readonly Figure[] = [
  compile,
  filterFigure("instructions", ({ instructions }) => String(instructions)),
  filterFigure("loaded", ({ loadNs }) => `${(loadNs / 1000).toFixed(0)} µs`),
  filterFigure("a call that is always allowed", ({ plainCallNs }) => `${plainCallNs} ns`),
  filterFigure("a call whose arguments are compared", ({ boundCallNs }) => `${boundCallNs} ns`),
];
