/** berth's own command line: help, completion, what was meant, fsck. */
import { expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { command } from "../support/command.ts";
import { BERTH, startEngine } from "../support/engine.ts";
import { has } from "../support/parts.ts";

const COMMANDS =
  "run create start stop kill restart rm ps inspect logs attach exec pause unpause rename top cp diff export wait events version info images import load save tag rmi history";

test.each(COMMANDS.split(" "))("berth %s --help answers without an engine", async (name) => {
  const { stdout, code } = await command([BERTH, name, "--help"], {
    env: { DOCKER_HOST: "unix:///nowhere.sock" },
  });
  expect(code).toBe(0);
  expect(stdout).toContain(`Usage:  berth ${name}`);
});

test("berth alone and --help list the commands", async () => {
  const { stdout, code } = await command([BERTH, "--help"]);
  expect(code).toBe(0);
  for (const name of COMMANDS.split(" ")) expect(stdout).toMatch(new RegExp(`^ +${name} `, "m"));
});

test("--version needs no engine", async () => {
  expect((await command([BERTH, "--version"])).stdout).toMatch(
    /^berth version \d+\.\d+\.\d+, build [0-9a-f]{12}\n$/,
  );
});

test("what was meant is said", async () => {
  const { stderr, code } = await command([BERTH, "rnu"]);
  expect(code).toBe(1);
  expect(stderr).toContain("run");
});

test("the bash completion is a script that bash accepts, and knows commands and flags", async () => {
  const { stdout } = await command([BERTH, "completion", "bash"]);
  const probe = `${stdout}
complete -p berth >/dev/null || exit 3
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}; COMPREPLY=(); $(complete -p berth | sed 's/.*-F \\([^ ]*\\).*/\\1/') berth "\${@: -1}" "\${@: -2:1}"; printf '%s\\n' "\${COMPREPLY[@]}"; }
ask berth ru; ask berth run --memory-s`;
  const { stdout: replies, code } = await command(["bash", "-c", probe], {
    env: { PATH: `${BERTH.replace(/\/berth$/, "")}:/usr/bin:/bin` },
  });
  expect(code).toBe(0);
  expect(replies.split("\n").map((line) => line.trim())).toEqual(
    expect.arrayContaining(["run", "--memory-swap"]),
  );
});

test.if(has("root", "busybox"))(
  "fsck finds nothing on a sound root, and repairs what is left over",
  async () => {
    await using engine = await startEngine({ image: "busybox" });
    await engine.berth(["run", "--name", "c", "busybox", "true"]);
    const sound = await engine.berth(["system", "fsck"]);
    expect({ code: sound.code, stderr: sound.stderr }).toEqual({ code: 0, stderr: "" });

    const orphan = "f".repeat(64);
    await mkdir(`${engine.root}/containers/${orphan}`);
    const found = await engine.berth(["system", "fsck"]);
    expect(found.stdout + found.stderr).toContain(orphan.slice(0, 12));
    expect(found.code).not.toBe(0);
    expect((await engine.berth(["system", "fsck", "--repair"])).code).toBe(0);
    expect((await engine.berth(["system", "fsck"])).code).toBe(0);
  },
  60_000,
);
