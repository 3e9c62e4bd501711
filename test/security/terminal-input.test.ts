/** CVE-2017-5226 (bubblewrap): a process typed into the terminal of whoever had started it (TIOCSTI), and the shell behind it obeyed. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { command } from "../support/command.ts";
import { BERTH } from "../support/engine.ts";
import { has } from "../support/parts.ts";
import { attackerOf } from "./attacker.ts";
import { Target } from "./hostile.ts";

describe.if(has("root", "busybox", "script"))("the terminal of whoever runs a container", () => {
  let target: Target;
  let attacker: string;
  beforeAll(async () => {
    target = await Target.start();
    attacker = await attackerOf(target);
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  /** How many characters wait in the terminal when `words` have ended there. */
  async function typed(words: string): Promise<number> {
    const session = ["script", "-qec", `${words}; ${attacker} pending`, "/dev/null"];
    const { stdout } = await command(session, { env: target.engine.client });
    return Number(/pending (\d+)/.exec(stdout)?.[1]);
  }

  test("takes what a program types that has it for its own", async () => {
    expect(await typed(`${attacker} type 'echo typed\n'`)).toBeGreaterThan(0);
  }, 30_000);

  test.each([
    [
      "run",
      (berth: string) =>
        `${berth} run --rm --network none -v ${"ATTACKER"}:/attacker busybox /attacker type 'echo typed\n'`,
    ],
    [
      "run -t",
      (berth: string) =>
        `${berth} run --rm -t --network none -v ${"ATTACKER"}:/attacker busybox /attacker type 'echo typed\n'`,
    ],
    [
      "run -it",
      (berth: string) =>
        `${berth} run --rm -it --network none -v ${"ATTACKER"}:/attacker busybox /attacker type 'echo typed\n'`,
    ],
  ])(
    "takes nothing from a container: %s",
    async (_, words) => {
      expect(await typed(words(BERTH).replace("ATTACKER", attacker))).toBe(0);
    },
    30_000,
  );

  test("takes nothing from an exec", async () => {
    const id = await target.start("-v", `${attacker}:/attacker`, "busybox", "sleep", "100");
    for (const flags of ["", "-t", "-it"])
      expect(await typed(`${BERTH} exec ${flags} ${id} /attacker type 'echo typed\n'`)).toBe(0);
  }, 30_000);
});
