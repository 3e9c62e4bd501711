/** Device rules of cgroup version 2: an eBPF program of type CGROUP_DEVICE, attached to the group's directory. */
import { closeSync, constants, openSync } from "node:fs";
import type { DeviceRule } from "./cgroup-resources.ts";
import { addressOf, call, cString, keepAlive } from "./ffi.ts";

/** struct bpf_insn: code, registers, offset, constant. */
type Instruction = readonly [
  code: number,
  destination: number,
  source: number,
  offset: number,
  constant: number,
];

const LDX_W = 0x61;
const AND_W = 0x54;
const RSH_W = 0x74;
const MOV_W_X = 0xbc;
const MOV_X = 0xb7;
const JEQ = 0x15;
const JNE = 0x55;
const EXIT = 0x95;

/** Which register holds what: struct bpf_cgroup_dev_ctx {access_type, major, minor} is what register 1 points to. */
const CONTEXT = 1;
const TYPE = 2;
const ACCESS = 3;
const MAJOR = 4;
const MINOR = 5;
const SCRATCH = 6;

const TYPES = { b: 1, c: 2 } as const;
const ACCESSES: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const ALL_ACCESS = 7;

/** The last rule that matches decides, as with the files of version 1; the program asks from the last to the first. Pure. */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  const code: Instruction[] = [
    [LDX_W, TYPE, CONTEXT, 0, 0],
    [AND_W, TYPE, 0, 0, 0xffff],
    [LDX_W, ACCESS, CONTEXT, 0, 0],
    [RSH_W, ACCESS, 0, 0, 16],
    [LDX_W, MAJOR, CONTEXT, 4, 0],
    [LDX_W, MINOR, CONTEXT, 8, 0],
  ];
  for (const rule of rules.toReversed()) {
    code.push(...ruleCode(rule));
    if (isUnconditional(rule)) return assemble(code);
  }
  return assemble([...code, ...verdict(true)]); // a group without rules allows everything
}

function isUnconditional(rule: DeviceRule): boolean {
  return conditions(rule).length === 0;
}

/** Each condition that fails jumps behind the rule. */
function ruleCode(rule: DeviceRule): Instruction[] {
  const tests = conditions(rule);
  const body = [...tests, ...verdict(rule.allow)];
  return body.map((each, index): Instruction => {
    if (each[0] !== JNE && each[0] !== JEQ) return each;
    return [each[0], each[1], each[2], body.length - index - 1, each[4]];
  });
}

function conditions({
  allow,
  type = "a",
  major = -1,
  minor = -1,
  access = "rwm",
}: DeviceRule): Instruction[] {
  const mask = [...access].reduce((bits, letter) => bits | (ACCESSES[letter] ?? 0), 0);
  return [
    ...(type === "a" ? [] : [[JNE, TYPE, 0, 0, TYPES[type]] as const]),
    ...(mask === ALL_ACCESS ? [] : accessConditions(allow, mask)),
    ...(type === "a" || major < 0 ? [] : [[JNE, MAJOR, 0, 0, major] as const]),
    ...(type === "a" || minor < 0 ? [] : [[JNE, MINOR, 0, 0, minor] as const]),
  ];
}

/** Allowed is what asks for nothing beyond the rule; denied is what asks for anything of it. */
function accessConditions(allow: boolean, mask: number): Instruction[] {
  return [
    [MOV_W_X, SCRATCH, ACCESS, 0, 0],
    [AND_W, SCRATCH, 0, 0, allow ? ALL_ACCESS & ~mask : mask],
    [allow ? JNE : JEQ, SCRATCH, 0, 0, 0],
  ];
}

function verdict(allow: boolean): Instruction[] {
  return [
    [MOV_X, 0, 0, 0, Number(allow)],
    [EXIT, 0, 0, 0, 0],
  ];
}

function assemble(code: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(code.length * 8);
  for (const [index, [opcode, destination, source, offset, constant]] of code.entries()) {
    bytes.writeUInt8(opcode, index * 8);
    bytes.writeUInt8(destination | (source << 4), index * 8 + 1);
    bytes.writeInt16LE(offset, index * 8 + 2);
    bytes.writeInt32LE(constant | 0, index * 8 + 4);
  }
  return bytes;
}

const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const PROG_TYPE_CGROUP_DEVICE = 15;
const ATTACH_CGROUP_DEVICE = 6;
const FLAG_ALLOW_MULTI = 2;

/** Every rule set that is attached must agree; nested groups can only narrow. */
export function attachDeviceProgram(directory: string, rules: readonly DeviceRule[]): void {
  const group = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  const program = load(deviceProgram(rules), directory);
  try {
    const attributes = new Int32Array([group, program, ATTACH_CGROUP_DEVICE, FLAG_ALLOW_MULTI]);
    call("bpf", "attach the device rules to", directory, BPF_PROG_ATTACH, attributes, attributes.byteLength);
  } finally {
    closeSync(program);
    closeSync(group);
  }
}

/** union bpf_attr of BPF_PROG_LOAD: type, count, code, licence, then the log that nobody reads. */
function load(code: Uint8Array, directory: string): number {
  const licence = cString("GPL");
  const attributes = Buffer.alloc(48);
  attributes.writeUInt32LE(PROG_TYPE_CGROUP_DEVICE, 0);
  attributes.writeUInt32LE(code.length / 8, 4);
  attributes.writeBigUInt64LE(BigInt(addressOf(code)), 8);
  attributes.writeBigUInt64LE(BigInt(addressOf(licence)), 16);
  const program = call(
    "bpf",
    "load the device rules of",
    directory,
    BPF_PROG_LOAD,
    attributes,
    attributes.length,
  );
  keepAlive(code, licence);
  return program;
}
