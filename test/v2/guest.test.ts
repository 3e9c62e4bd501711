/** berth on a machine that has control groups of version 2 only, with Debian's kernel. One guest performs all checks. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { PATH } from "../support/command.ts";
import { BERTH } from "../support/engine.ts";
import { CHECKS, type Check } from "./checks.ts";
import { findKernel, type Guest, type Outcome, runGuest } from "./guest.ts";

const LIMIT_MS = 280_000;

const kernel = await findKernel();
const missing = whatIsMissing();
if (missing !== undefined && process.env.CI === "true")
  throw new Error(`CI must have every part: ${missing}`);
if (missing !== undefined) process.stderr.write(`skipping tests: ${missing}\n`);

function whatIsMissing(): string | undefined {
  if (kernel === undefined) return "no kernel for a guest (tools/guest-kernel unpacks Debian's)";
  const tools = { "qemu-system-x86_64": "qemu-system-x86", mke2fs: "e2fsprogs", busybox: "busybox-static" };
  const absent = Object.entries(tools).find(([name]) => Bun.which(name, { PATH }) === null);
  return absent && `no ${absent[0]} (Debian: ${absent[1]})`;
}

describe.skipIf(missing !== undefined)("in a guest with cgroup version 2", () => {
  let guest: Guest = { outcomes: [], console: "" };

  beforeAll(async () => {
    const place = await mkdtemp("/tmp/berth-v2-");
    try {
      if (kernel === undefined) throw new Error("no kernel");
      guest = await runGuest({ place, kernel, berth: BERTH, pieces: CHECKS, timeoutMs: LIMIT_MS });
    } finally {
      await rm(place, { recursive: true });
    }
  }, LIMIT_MS + 60_000);

  afterAll(() => {
    if (process.env.BERTH_TEST_VERBOSE !== undefined) process.stderr.write(guest.console);
  });

  for (const [index, check] of CHECKS.entries())
    test(check.title, () => {
      const outcome = guest.outcomes[index];
      if (outcome === undefined)
        throw new Error(`not performed; the guest said last:\n${guest.console.slice(-2000)}`);
      compare(check, outcome);
    });
});

/** All three at once: what one of them says explains the others. */
function compare({ sh, out, err, code }: Check, outcome: Outcome): void {
  const wanted = { code: code ?? 0, stdout: text(out), stderr: text(err) };
  expect({ sh, ...outcome }).toMatchObject(wanted);
}

function text(wanted: string | RegExp | undefined): unknown {
  if (wanted === undefined) return expect.any(String);
  return typeof wanted === "string" ? wanted : expect.stringMatching(wanted);
}
