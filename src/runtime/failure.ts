/** A start that failed, in the user's words. What it means follows from the operation and the errno, never from text. */
import { errnoText } from "../kernel/errno.ts";
import { BerthError, type ErrorCode } from "../lib/error.ts";
import { externalError } from "./external-failure.ts";
import type { Op } from "./op.ts";

export interface Failure {
  /** Index in the plan; -1 where no operation is to blame. */
  readonly op: number;
  /** 0 where the object says all. */
  readonly errno: number;
  readonly object: string;
}

const EPERM = 1;
const ENOENT = 2;
const E2BIG = 7;
const ENOEXEC = 8;
const EAGAIN = 11;
const EACCES = 13;
const ENODEV = 19;
const ENOTDIR = 20;
const EISDIR = 21;
const EINVAL = 22;
const ENOSPC = 28;
const ELOOP = 40;
const EDQUOT = 122;

export function startError(ops: readonly Op[], failure: Failure): BerthError {
  const op = ops[failure.op];
  if (op?.op === "exec") return execError(op.argv[0] ?? "", failure.errno);
  if (op?.op === "find") return findError(op.program, failure.errno);
  if (op?.op === "runtime") return externalError(op.argv[0] ?? "", failure);
  const code = codeOf(op, failure.errno);
  if ((op?.op === "clone" || op?.op === "enter") && failure.errno === EAGAIN)
    return new BerthError(
      code,
      "no further process may start: the limit of processes is reached (pids, --pids-limit)",
    );
  const ids = userNamespaceError(op, failure);
  if (ids !== undefined) return ids;
  const explained =
    failure.errno === 0 || ((op?.op === "user" || op?.op === "bundle") && failure.errno === ENOENT);
  return new BerthError(code, explained ? failure.object : `${failure.object}: ${errnoText(failure.errno)}`);
}

/** What the kernel has no words for. */
function userNamespaceError(op: Op | undefined, { errno, object }: Failure): BerthError | undefined {
  if (op?.op === "user" && errno === EINVAL)
    return new BerthError("invalid", `${object}: an id that the container's user namespace does not have`);
  if (op?.op === "user-namespace" && errno === ENOSPC)
    return new BerthError(
      "unavailable",
      "no user namespace is left: raise the sysctl user.max_user_namespaces",
    );
  return undefined;
}

function execError(program: string, errno: number): BerthError {
  if (errno === ENOENT && !program.includes("/"))
    return new BerthError("command_not_found", `exec: "${program}": executable file not found in $PATH`);
  return new BerthError(execCode(errno), `exec: "${program}": ${errnoText(errno)}`);
}

/** In the words of Go's exec.LookPath: engines look for them. A directory is what may not be executed. */
function findError(program: string, errno: number): BerthError {
  if (!program.includes("/")) return execError(program, errno);
  const absent = errno === ENOENT || errno === ENOTDIR;
  const reason = absent
    ? `stat ${program}: ${errnoText(errno)}`
    : errnoText(errno === EISDIR ? EACCES : errno);
  return new BerthError(execCode(errno), `exec: "${program}": ${reason}`);
}

function execCode(errno: number): ErrorCode {
  if (errno === ENOENT || errno === ENOTDIR || errno === ELOOP) return "command_not_found";
  return errno === E2BIG
    ? "invalid"
    : [EACCES, EPERM, ENOEXEC, EISDIR].includes(errno)
      ? "command_not_executable"
      : "internal";
}

/** Ops whose operands the user chose: their failure is the request's, not ours. */
const ASKED = new Set<Op["op"] | undefined>([
  "user",
  "bundle",
  "cwd",
  "scheduler",
  "io-priority",
  "affinity",
  "personality",
  "memory-policy",
  "bind",
  "tree",
  "attach",
  "sysctl",
  "rlimit",
]);

function codeOf(op: Op | undefined, errno: number): ErrorCode {
  if (errno === ENOSPC || errno === EDQUOT) return "no_space";
  if (errno === ENODEV) return "unavailable";
  return ASKED.has(op?.op) || (op?.op === "write" && op.path.includes("/cgroup")) ? "invalid" : "internal";
}

/** What exit code stands for a start that failed: docker's. */
export function exitCodeOf(error: BerthError): number {
  if (error.code === "command_not_found") return 127;
  return error.code === "command_not_executable" ? 126 : 128;
}

/** What was optional and could not be done. */
export function warningText(ops: readonly Op[], failure: Failure): string {
  const op = ops[failure.op];
  const lacking = "this engine lacks CAP_SYS_RESOURCE";
  if (op?.op === "rlimit") return `resource limit ${op.resource} is lower than asked: ${lacking}`;
  if (op?.op === "oom-score") return `the OOM score stays as it is instead of ${op.value}: ${lacking}`;
  return startError(ops, failure).message;
}
