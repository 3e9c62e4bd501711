/** berth on a machine that has control groups of version 2 only, with Debian's kernel. Two guests perform the checks. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { PATH } from "../support/command.ts";
import { BERTH } from "../support/engine.ts";
import { type Check, GUESTS } from "./checks.ts";
import { findKernel, type Guest, type Outcome, runGuest } from "./guest.ts";

const LIMIT_MS = 500_000; // below that of the whole suite
const NOTHING: Promise<Guest> = Promise.resolve({ outcomes: [], console: "" });

const kernel = await findKernel();
const missing = whatIsMissing();
if (missing !== undefined && process.env.CI === "true")
  throw new Error(`CI must have every part: ${missing}`);
if (missing !== undefined) process.stderr.write(`skipping tests: ${missing}\n`);

function whatIsMissing(): string | undefined {
  if (kernel === undefined) return "no kernel for a guest (tools/guest-kernel unpacks Debian's)";
  const tools = {
    "qemu-system-x86_64": "qemu-system-x86",
    mke2fs: "e2fsprogs",
    busybox: "busybox-static",
    crun: "crun",
  };
  const absent = Object.entries(tools).find(([name]) => Bun.which(name, { PATH }) === null);
  return absent && `no ${absent[0]} (Debian: ${absent[1]})`;
}

for (const [number, checks] of GUESTS.entries())
  describe.skipIf(missing !== undefined)(`in guest ${number + 1} with cgroup version 2`, () => {
    const performed = missing === undefined ? perform(checks) : NOTHING;

    beforeAll(async () => void (await performed), LIMIT_MS + 60_000);

    afterAll(async () => {
      if (process.env.BERTH_TEST_VERBOSE !== undefined) process.stderr.write((await performed).console);
    });

    for (const [index, check] of checks.entries())
      test(check.title, async () => {
        const guest = await performed;
        const outcome = guest.outcomes[index];
        if (outcome === undefined)
          throw new Error(`not performed; the guest said last:\n${guest.console.slice(-2000)}`);
        compare(check, outcome);
      });
  });

/** Begins at once: all guests run at the same time. */
async function perform(pieces: readonly Check[]): Promise<Guest> {
  const place = await mkdtemp("/tmp/berth-v2-");
  try {
    if (kernel === undefined) throw new Error("no kernel");
    return await runGuest({ place, kernel, berth: BERTH, pieces, timeoutMs: LIMIT_MS });
  } finally {
    await rm(place, { recursive: true });
  }
}

/** All three at once: what one of them says explains the others. */
function compare({ sh, out, err, code }: Check, outcome: Outcome): void {
  const wanted = { code: code ?? 0, stdout: text(out), stderr: text(err) };
  expect({ sh, ...outcome }).toMatchObject(wanted);
}

function text(wanted: string | RegExp | undefined): unknown {
  if (wanted === undefined) return expect.any(String);
  return typeof wanted === "string" ? wanted : expect.stringMatching(wanted);
}
