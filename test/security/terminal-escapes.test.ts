/** Names, paths and users that an image or a container has chosen are printed by people's terminals, and some do as they are told there. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { command, type CommandResult } from "../support/command.ts";
import { BERTH } from "../support/engine.ts";
import { has } from "../support/parts.ts";
import { said } from "./attacker.ts";
import { Target } from "./hostile.ts";

/** Sets a terminal's title, and makes some type an answer. */
const ESCAPE = "\u001b]0;evil\u0007";
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u001b\u0007]/;

describe.if(has("root", "busybox", "script"))("a control sequence in", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
    await target.image("escapes", {
      sh: `mkdir 'd${ESCAPE}'; printf '#!/nonexistent${ESCAPE}\\n' >script; chmod 755 script`,
      changes: [
        `VOLUME /v${ESCAPE}`,
        `LABEL a="${ESCAPE}"`,
        `CMD ${JSON.stringify([`/x${ESCAPE}`])}`,
        `USER u${ESCAPE}`,
        `WORKDIR /w${ESCAPE}`,
      ],
    });
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  /** What a command prints on a terminal, both streams. */
  const shown = (...words: readonly string[]): Promise<CommandResult> =>
    command(["script", "-qec", [BERTH, ...words].join(" "), "/dev/null"], { env: target.engine.client });

  test("what a container prints reaches the terminal: that is what it is for", async () => {
    const { stdout } = await shown("run --rm --network none busybox printf", `'\\033]0;evil\\007'`);
    expect(stdout).toContain(ESCAPE);
  }, 30_000);

  test.each([
    ["an image's volume and user", ["run", "--rm", "escapes"]],
    ["an image's program", ["run", "--rm", "-u", "0", "escapes"]],
    ["a script's interpreter", ["run", "--rm", "-u", "0", "escapes", "/script"]],
    ["a list of containers", ["ps", "-a", "--no-trunc"]],
    ["a list of images", ["images"]],
    ["an image's configuration", ["inspect", "escapes"]],
  ])(
    "%s does not",
    async (_, words) => {
      const { stdout } = await shown(...words);
      expect(stdout).not.toBe("");
      expect(stdout).not.toMatch(CONTROL);
    },
    30_000,
  );

  test("a container's processes and files does not, nor in a path that is not there", async () => {
    const script = `touch '/f${ESCAPE}'; sleep 300 & exec sh -c 'echo ready; read x </dev/zero' 'p${ESCAPE}'`;
    const id = await target.start("-u", "0", "-w", "/", "escapes", "sh", "-c", script);
    await said(target, id, "ready");
    for (const words of [
      ["top", id],
      ["diff", id],
      ["cp", `${id}:/nosuch`, "/nonexistent"],
      ["exec", id, "/nosuch"],
    ]) {
      const { stdout } = await shown(...words);
      expect(stdout).not.toBe("");
      expect(stdout).not.toMatch(CONTROL);
    }
    await target.engine.berth(["rm", "-f", id]);
  }, 30_000);
});
