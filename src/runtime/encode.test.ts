import { expect, test } from "bun:test";
import { encodePlan } from "./encode.ts";
import { OP_CODES, PLAN_MAGIC, PROTOCOL_VERSION } from "./protocol.ts";

/** Reads a plan as native/shim/plan.c does. */
function decodePlan(bytes: Uint8Array) {
  const view = Buffer.from(bytes);
  expect([view.readUInt32LE(0), view.readUInt16LE(4), view.readUInt32LE(12)]).toEqual([
    PLAN_MAGIC,
    PROTOCOL_VERSION,
    view.length,
  ]);
  const ops = [];
  for (let at = 16; at < view.length; at += view.readUInt32LE(at + 8)) {
    const [numbers, strings] = [view.readUInt16LE(at + 2), view.readUInt16LE(at + 4)];
    let next = at + 16 + numbers * 8;
    const texts = Array.from({ length: strings }, () => {
      const length = view.readUInt32LE(next);
      const text = view.toString("latin1", next + 4, next + 4 + length);
      expect(view[next + 4 + length]).toBe(0);
      next += (length + 8) & ~3;
      return text;
    });
    expect(view.readUInt32LE(at + 8)).toBe((next - at + 7) & ~7);
    ops.push({
      code: view.readUInt16LE(at),
      numbers: Array.from({ length: numbers }, (_, index) => view.readBigUInt64LE(at + 16 + index * 8)),
      texts,
    });
  }
  expect(ops.length).toBe(view.readUInt32LE(8));
  return ops;
}

test("an op is its numbers, then its strings, all padded", () => {
  const plan = encodePlan([
    { op: "mkdir", path: "/a", mode: 0o755, existOk: true },
    { op: "oom-score", value: -500 },
    { op: "exec", argv: ["sh", "-c", "true"], env: ["A=1"], setHome: true },
  ]);
  expect(decodePlan(plan)).toEqual([
    { code: OP_CODES.mkdir, numbers: [0o755n, 1n], texts: ["/a"] },
    { code: OP_CODES["oom-score"], numbers: [2n ** 64n - 500n], texts: [] },
    { code: OP_CODES.exec, numbers: [3n, 1n], texts: ["sh", "-c", "true", "A=1"] },
  ]);
});

test("a barrier has its number; a hook its state around the process id, its arguments, its environment", () => {
  const hook = {
    op: "hook",
    name: "a hook",
    path: "/h",
    argv: ["h", "x"],
    env: ["A=1"],
    state: ["{", "}"],
    timeoutMs: 2000,
    atRoot: true,
  } as const;
  const plan = encodePlan([{ op: "barrier", for: "hooks" }, hook, { op: "barrier" }]);
  expect(decodePlan(plan)).toEqual([
    { code: OP_CODES.barrier, numbers: [1n], texts: [] },
    { code: OP_CODES.hook, numbers: [2n, 2000n, 1n], texts: ["a hook", "/h", "{", "}", "h", "x", "A=1"] },
    { code: OP_CODES.barrier, numbers: [2n], texts: [] },
  ]);
});

test("numbers keep all 64 bits", () => {
  const plan = encodePlan([
    { op: "bounding", mask: 0x1ff_feff_ffffn },
    { op: "log", path: "/l", maxBytes: 2 ** 40 + 5, maxFiles: 3 },
    { op: "rlimit", resource: 7, soft: 1n, hard: 2n ** 64n - 1n },
    { op: "propagation", path: "/", flags: 2 ** 31 },
  ]);
  expect(decodePlan(plan).map(({ numbers }) => numbers)).toEqual([
    [0x1ff_feff_ffffn],
    [2n ** 40n + 5n, 3n],
    [7n, 1n, 2n ** 64n - 1n],
    [2n ** 31n],
  ]);
});

test("a plan grows to what is in it, and no further than the shim reads", () => {
  const text = "x".repeat(100_000);
  expect(
    decodePlan(encodePlan([{ op: "exec", argv: [text], env: [text], setHome: false }]))[0]?.texts,
  ).toEqual([text, text]);
  const env = Array.from({ length: 50 }, () => text);
  expect(() => encodePlan([{ op: "exec", argv: ["x"], env, setHome: false }])).toThrow("too long");
});

test("more arguments than an op can count are refused", () => {
  const argv = Array.from({ length: 70_000 }, () => "x");
  expect(() => encodePlan([{ op: "exec", argv, env: [], setHome: false }])).toThrow("argument list too long");
});

test("a null byte cannot cut an argument short", () => {
  expect(() => encodePlan([{ op: "exec", argv: ["a\0b"], env: [], setHome: false }])).toThrow("null byte");
});

test("an attendant's plan says whom it is for, how it starts and who concludes", () => {
  const conclude = { argv: ["/bin/berth", "oci", "delete"], always: true };
  const plan = encodePlan([
    {
      op: "attend",
      pid: 7,
      terminal: true,
      startFifo: "/f",
      directory: "/run/x",
      manager: "/run/m",
      leave: false,
      conclude,
    },
    { op: "remove", path: "/run/x" },
  ]);
  expect(decodePlan(plan)).toEqual([
    { code: OP_CODES.attend, numbers: [7n, 3n], texts: ["/f", "/run/x", "/run/m", ...conclude.argv] },
    { code: OP_CODES.remove, numbers: [], texts: ["/run/x"] },
  ]);
});
