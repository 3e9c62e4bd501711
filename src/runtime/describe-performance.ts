/** How the kernel runs a process, in words and as the commands of util-linux and numactl. */
import type { Description } from "./description.ts";
import type { PerformanceOp } from "./op.ts";

export function describePerformance(op: PerformanceOp): Description {
  switch (op.op) {
    case "scheduler":
      return {
        call: `sched_setattr(policy ${op.policy}, flags ${op.flags}, nice ${op.nice}, priority ${op.priority}, runtime ${op.runtime}, deadline ${op.deadline}, period ${op.period})`,
        purpose: "when it gets its turn on a CPU",
      };
    case "io-priority":
      return {
        call: `ioprio_set(${classAndLevel(op.value).join(", ")})`,
        purpose: "when it gets its turn on a disk",
      };
    case "affinity":
      return { call: `sched_setaffinity(${maskText(op.cpus)})`, purpose: "the CPUs that it may run on" };
    case "personality":
      return { call: `personality(${op.persona})`, purpose: "the kind of machine that uname tells it" };
    case "memory-policy":
      return {
        call: `set_mempolicy(${op.mode}, ${maskText(op.nodes)})`,
        purpose: "the nodes that its memory comes from",
      };
  }
}

/** For the shell that becomes the container's first process. */
export function performanceCommand(op: PerformanceOp): string[] {
  switch (op.op) {
    case "scheduler":
      return [schedulerCommand(op)];
    case "io-priority": {
      const [kind, level] = classAndLevel(op.value);
      return [
        `ionice --class ${kind}${kind === 3 ? "" : ` --classdata ${level}`} --pid "$(readlink /proc/self)"`,
      ];
    }
    case "affinity":
      return [`taskset --pid ${maskText(op.cpus)} "$(readlink /proc/self)"`];
    case "personality":
    case "memory-policy":
      return ["# what setarch and numactl do for a program of theirs: this step is left out"];
  }
}

const POLICIES: Readonly<Record<number, string>> = {
  1: "fifo",
  2: "rr",
  3: "batch",
  5: "idle",
  6: "deadline",
};

function schedulerCommand({
  policy,
  nice,
  priority,
  runtime,
  deadline,
  period,
}: Extract<PerformanceOp, { op: "scheduler" }>): string {
  const name = POLICIES[policy];
  const self = '"$(readlink /proc/self)"';
  if (name === undefined) return `renice -n ${nice} -p ${self}`;
  const times =
    policy === 6 ? ` --sched-runtime ${runtime} --sched-deadline ${deadline} --sched-period ${period}` : "";
  return `chrt --${name}${times} --pid ${priority} ${self}`;
}

const classAndLevel = (value: number): [kind: number, level: number] => [value >> 13, value & 0x1fff];

/** As taskset writes it. */
function maskText(words: readonly bigint[]): string {
  return `0x${words.reduceRight((mask, word) => (mask << 64n) | word, 0n).toString(16)}`;
}
