/** A launch plan as the bytes that the shim reads from its descriptor 3: one buffer, written once. */
import { stepNumbers } from "./mount-steps.ts";
import { userOperands } from "./encode-user.ts";
import type { CallerOp, ChildOp, IdentityOp, Op, PerformanceOp, SettingOp } from "./op.ts";
import { isUserOp } from "./op-user.ts";
import { PlanWriter } from "./plan-writer.ts";
import * as protocol from "./protocol.ts";

/** What stands behind an op's header. */
type Operands = readonly [numbers: readonly (number | bigint)[], strings: readonly (string | Uint8Array)[]];

/** Throws `invalid` when arguments and environment are too much for a plan. */
export function encodePlan(ops: readonly Op[]): Uint8Array {
  const writer = new PlanWriter();
  for (const op of ops) writer.op(protocol.OP_CODES[op.op], ...operandsOf(op));
  return writer.finish(ops.length);
}

const flag = (condition: boolean | undefined, value: number) => (condition ? value : 0);

function operandsOf(op: Op): Operands {
  if (isUserOp(op)) return userOperands(op);
  switch (op.op) {
    case "supervise":
      return [
        [op.flags, op.rows, op.columns, op.drainMs],
        [op.id, op.runDirectory],
      ];
    case "log":
      return [[op.maxBytes, op.maxFiles], [op.path]];
    case "spill":
      return [[op.maxBytes, op.sparePercent], [op.directory]];
    case "oom-counter":
      return [[], [op.file]];
    case "seccomp-listener":
      return [[Number(op.entering)], [op.path, ...op.introduction]];
    case "descriptors":
      return [[op.preserved, Number(op.console)], []];
    case "start-fifo":
    case "remove":
      return [[], [op.path]];
    case "attend":
      return [
        [op.pid, attendFlags(op)],
        [op.startFifo, op.directory, op.manager, ...op.conclude.argv],
      ];
    case "clone":
      return [[op.flags], [op.cgroup]];
    case "mkdir":
      return [[op.mode, Number(op.existOk)], [op.path]];
    case "write":
      return [[flag(op.optional, protocol.WRITE_OPTIONAL)], [op.path, op.data]];
    case "join":
      return [[op.type], [op.path]];
    case "join-process":
      return [[op.pid, op.startTime, op.flags], []];
    case "unshare":
      return [[op.flags], []];
    default:
      return childOperands(op);
  }
}

function sourceFlags({ recursive, makeSource }: { recursive: boolean; makeSource: boolean }): number {
  return flag(recursive, protocol.BIND_RECURSIVE) | flag(makeSource, protocol.BIND_MAKE_SOURCE);
}

function attendFlags({ terminal, conclude, leave }: Extract<Op, { op: "attend" }>): number {
  const lasting = flag(conclude.always, protocol.ATTEND_CONCLUDE) | flag(leave, protocol.ATTEND_LEAVE);
  return flag(terminal, protocol.ATTEND_TERMINAL) | lasting;
}

function childOperands(op: ChildOp | CallerOp): Operands {
  switch (op.op) {
    case "propagation":
      return [[op.flags], [op.path]];
    case "mount-host":
      return [[op.flags], [op.source, op.target, op.type, op.data, op.workingDirectory]];
    case "root":
      return [[flag(op.bind, protocol.ROOT_BIND)], [op.path]];
    case "mount": {
      const options =
        flag(op.api, protocol.MOUNT_API) |
        flag(op.optional, protocol.MOUNT_OPTIONAL) |
        flag(op.classic, protocol.MOUNT_CLASSIC) |
        flag(op.copyUp, protocol.MOUNT_COPY_UP);
      return [
        [op.flags, options, ...stepNumbers(op.steps)],
        [op.source, op.target, op.type, op.data],
      ];
    }
    case "remount":
      return [[op.flags], [op.target, op.data]];
    case "bind-source":
      return [[op.slot, sourceFlags(op)], [op.source]];
    case "bind": {
      const flags =
        sourceFlags(op) |
        flag(op.slot !== undefined, protocol.BIND_TAKEN) |
        flag(op.procfs, protocol.BIND_PROCFS);
      return [
        [flags, op.slot ?? 0, ...stepNumbers(op.steps)],
        [op.source, op.target],
      ];
    }
    case "directory":
      return [[op.mode, op.uid, op.gid], [op.path]];
    case "mknod":
      return [[op.mode, op.major, op.minor, op.uid, op.gid], [op.path]];
    case "symlink":
      return [[], [op.target, op.path]];
    case "console":
      return [
        [
          op.rows,
          op.columns,
          flag(op.bind, protocol.CONSOLE_BIND) | flag(op.entering, protocol.CONSOLE_ENTERING),
        ],
        [],
      ];
    case "mount-attributes":
      return [stepNumbers(op.steps), [op.path]];
    case "mask":
    case "readonly-path":
      return [[], [op.path]];
    case "pivot":
    case "chroot":
    case "readonly-root":
      return [[], []];
    default:
      return settingOperands(op);
  }
}

function settingOperands(op: IdentityOp | SettingOp | CallerOp | PerformanceOp): Operands {
  switch (op.op) {
    case "find":
      return [[], [op.program, op.path]];
    case "sysctl":
      return [[], [op.name, op.value]];
    case "hostname":
    case "keyring":
    case "domainname":
      return [[], [op.name]];
    case "netlink":
      return [op.slot === undefined ? [0, op.count] : [0, op.count, op.slot + 1], [op.label, op.messages]];
    case "rlimit":
      return [[op.resource, op.soft, op.hard], []];
    case "oom-score":
      return [[BigInt(op.value)], []];
    case "umask":
      return [[op.mask], []];
    case "bounding":
      return [[op.mask], []];
    case "user":
      return [[], [op.user, ...op.groups]];
    case "capabilities":
      return [[op.effective, op.permitted, op.inheritable, op.ambient], []];
    case "seccomp":
      return [[op.flags], [op.program]];
    case "cwd":
      return [[Number(op.create)], [op.path]];
    case "exec":
      return [
        [op.argv.length, flag(op.setHome, protocol.EXEC_SET_HOME)],
        [...op.argv, ...op.env],
      ];
    case "barrier":
      return [[op.for === "hooks" ? protocol.BARRIER_HOOKS : protocol.BARRIER_START], []];
    case "hook":
      return [
        [op.argv.length, op.timeoutMs, flag(op.atRoot, protocol.HOOK_AT_ROOT)],
        [op.name, op.path, ...op.state, ...op.argv, ...op.env],
      ];
    case "bundle":
      return [[], [op.path, op.before, op.behind, op.user, ...op.groups]];
    case "runtime":
      return runtimeOperands(op);
    case "process-network":
      return [[Number(op.enter)], []];
    case "await-start":
    case "session":
    case "no-new-privs":
    case "seccomp-messenger":
    case "enter":
      return [[], []];
    default:
      return performanceOperands(op);
  }
}

function performanceOperands(op: PerformanceOp): Operands {
  switch (op.op) {
    case "scheduler":
      return [[op.policy, op.flags, BigInt(op.nice), op.priority, op.runtime, op.deadline, op.period], []];
    case "io-priority":
      return [[op.value], []];
    case "affinity":
      return [op.cpus, []];
    case "personality":
      return [[op.persona], []];
    case "memory-policy":
      return [[op.mode, ...op.nodes], []];
  }
}

function runtimeOperands(op: Extract<Op, { op: "runtime" }>): Operands {
  const flags =
    flag(op.makesProcess, protocol.RUNTIME_MAKES_PROCESS) |
    flag(op.console, protocol.RUNTIME_CONSOLE) |
    flag(op.last, protocol.RUNTIME_LAST);
  return [
    [op.argv.length, flags, op.rows, op.columns],
    [op.directory, ...op.argv, ...op.env],
  ];
}
