/** A launch plan as the bytes that the shim reads from its descriptor 3: one buffer, written once. */
import { BerthError } from "../lib/error.ts";
import type { Op } from "./op.ts";
import * as protocol from "./protocol.ts";

/** What stands behind an op's header. */
type Operands = readonly [numbers: readonly (number | bigint)[], strings: readonly (string | Uint8Array)[]];

const HEADER_SIZE = 16;

/** Throws `invalid` when arguments and environment are too much for a plan. */
export function encodePlan(ops: readonly Op[]): Uint8Array {
  const writer = new PlanWriter();
  for (const op of ops) writer.op(protocol.OP_CODES[op.op], ...operandsOf(op));
  return writer.finish(ops.length);
}

class PlanWriter {
  #bytes = Buffer.alloc(16 << 10);
  #offset = HEADER_SIZE;

  op(code: number, numbers: Operands[0], strings: Operands[1]): void {
    const start = this.#offset;
    this.#reserve(HEADER_SIZE + numbers.length * 8);
    this.#offset += HEADER_SIZE;
    for (const number of numbers) this.#number(number);
    for (const text of strings) this.#string(text);
    this.#offset = (this.#offset + 7) & ~7;
    this.#reserve(0);
    this.#bytes.writeUInt16LE(code, start);
    this.#bytes.writeUInt16LE(numbers.length, start + 2);
    this.#bytes.writeUInt16LE(strings.length, start + 4);
    this.#bytes.writeUInt32LE(this.#offset - start, start + 8);
  }

  finish(count: number): Uint8Array {
    this.#bytes.writeUInt32LE(protocol.PLAN_MAGIC, 0);
    this.#bytes.writeUInt16LE(protocol.PROTOCOL_VERSION, 4);
    this.#bytes.writeUInt32LE(count, 8);
    this.#bytes.writeUInt32LE(this.#offset, 12);
    return this.#bytes.subarray(0, this.#offset);
  }

  #number(value: number | bigint): void {
    if (typeof value === "bigint") this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, value), this.#offset);
    else {
      this.#bytes.writeUInt32LE(value >>> 0, this.#offset);
      this.#bytes.writeUInt32LE(Math.floor(value / 2 ** 32) >>> 0, this.#offset + 4);
    }
    this.#offset += 8;
  }

  #string(text: string | Uint8Array): void {
    if (typeof text === "string" && text.includes("\0"))
      throw new BerthError("invalid", `${JSON.stringify(text)} contains a null byte`);
    const length = typeof text === "string" ? Buffer.byteLength(text) : text.length;
    this.#reserve(length + 8);
    this.#bytes.writeUInt32LE(length, this.#offset);
    if (typeof text === "string") this.#bytes.write(text, this.#offset + 4);
    else this.#bytes.set(text, this.#offset + 4);
    this.#offset = (this.#offset + 4 + length + 1 + 3) & ~3;
  }

  /** Room for `size` more bytes; all behind the offset are zeroes. */
  #reserve(size: number): void {
    const wanted = this.#offset + size + 8;
    if (wanted <= this.#bytes.length) return;
    if (wanted > protocol.PLAN_MAX_SIZE)
      throw new BerthError("invalid", "arguments and environment are too long");
    const larger = Buffer.alloc(Math.min(Math.max(wanted, this.#bytes.length * 2), protocol.PLAN_MAX_SIZE));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

const flag = (condition: boolean, value: number) => (condition ? value : 0);

function operandsOf(op: Op): Operands {
  switch (op.op) {
    case "supervise":
      return [
        [op.flags, op.rows, op.columns, op.drainMs],
        [op.id, op.runDirectory],
      ];
    case "log":
      return [[op.maxBytes, op.maxFiles], [op.path]];
    case "spill":
      return [[op.maxBytes], [op.directory]];
    case "oom-counter":
      return [[], [op.file]];
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

function childOperands(
  op: Exclude<
    Op,
    {
      op:
        | "supervise"
        | "log"
        | "spill"
        | "oom-counter"
        | "clone"
        | "mkdir"
        | "write"
        | "join"
        | "join-process"
        | "unshare";
    }
  >,
): Operands {
  switch (op.op) {
    case "propagation":
      return [[op.flags], [op.path]];
    case "mount-host":
      return [[op.flags], [op.source, op.target, op.type, op.data, op.workingDirectory]];
    case "root":
      return [[flag(op.bind, protocol.ROOT_BIND)], [op.path]];
    case "mount": {
      const options = flag(op.api, protocol.MOUNT_API) | flag(op.optional, protocol.MOUNT_OPTIONAL);
      return [
        [op.flags, options],
        [op.source, op.target, op.type, op.data],
      ];
    }
    case "bind": {
      const flags =
        flag(op.recursive, protocol.BIND_RECURSIVE) | flag(op.makeSource, protocol.BIND_MAKE_SOURCE);
      return [
        [flags, op.set, op.clear, op.propagation],
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
      return [[op.rows, op.columns, flag(op.bind, protocol.CONSOLE_BIND)], []];
    case "mount-attributes":
      return [[op.set, op.clear], [op.path]];
    case "mask":
    case "readonly-path":
      return [[], [op.path]];
    default:
      return settingOperands(op);
  }
}

function settingOperands(
  op: Extract<
    Op,
    {
      op:
        | "barrier"
        | "pivot"
        | "readonly-root"
        | "sysctl"
        | "hostname"
        | "domainname"
        | "netlink"
        | "rlimit"
        | "oom-score"
        | "umask"
        | "session"
        | "bounding"
        | "user"
        | "capabilities"
        | "no-new-privs"
        | "seccomp"
        | "cwd"
        | "exec";
    }
  >,
): Operands {
  switch (op.op) {
    case "sysctl":
      return [[], [op.name, op.value]];
    case "hostname":
    case "domainname":
      return [[], [op.name]];
    case "netlink":
      return [
        [0, op.count],
        [op.label, op.messages],
      ];
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
    case "pivot":
    case "readonly-root":
    case "session":
    case "no-new-privs":
      return [[], []];
  }
}
