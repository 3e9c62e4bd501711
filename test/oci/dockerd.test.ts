/** Debian's docker.io with berth as its runtime. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { busyboxTar } from "../support/busybox.ts";
import { command, type CommandResult } from "../support/command.ts";
import { Dockerd } from "../support/dockerd.ts";
import { leaks } from "../support/leaks.ts";
import { has } from "../support/parts.ts";
import { PERFORMERS, Place } from "./bundle.ts";
import { hierarchiesAreMounted } from "./hierarchies.ts";

const here = has("root", "busybox", "dockerd", "docker", "script");
describe.each(PERFORMERS)("performed by $by", ({ engine }) => {
  let place: Place;
  let dockerd: Dockerd | undefined;

  const docker = (...words: readonly string[]): Promise<CommandResult> =>
    command([...(dockerd?.client ?? []), ...words]);

  beforeAll(async () => {
    if (!here) return;
    place = await Place.make({ engine, wrapper: ["unshare", "--net"] });
    const { env, berth, engine: helper } = place;
    const options = { runtime: berth, env, ...(helper === undefined ? {} : { networkOf: helper.pid }) };
    dockerd = await Dockerd.open(`${place.path}/docker`, options);
    const words = [...(dockerd?.client ?? []), "import", "-", "box"];
    expect(await command(words, { stdin: await busyboxTar() })).toMatchObject({ code: 0 });
  }, 60_000);
  afterAll(async () => {
    if (!here) return;
    await dockerd?.[Symbol.asyncDispose]();
    await place.engine?.terminate();
    const left = await leaks(place.path.slice("/tmp/".length), `${place.path}/state`);
    await place[Symbol.asyncDispose]();
    expect(left).toEqual([]);
  }, 60_000);

  /** Resolves once docker's answer is as wanted. */
  async function untilAnswers(wanted: string, ...words: readonly string[]): Promise<void> {
    const deadline = Date.now() + 15_000;
    for (;;) {
      const { stdout } = await docker(...words);
      if (stdout === wanted) return;
      if (Date.now() > deadline) throw new Error(`docker ${words.join(" ")}: ${stdout}, not ${wanted}`);
      await Bun.sleep(10);
    }
  }

  async function until(format: string, name: string, wanted: string): Promise<void> {
    await untilAnswers(`${wanted}\n`, "inspect", "--format", format, name);
  }

  test.if(here).each([
    ["output", ["sh", "-c", "echo out; echo err >&2"], { stdout: "out\n", stderr: "err\n", code: 0 }],
    ["an exit code", ["sh", "-c", "exit 3"], { code: 3 }],
    ["a program that is not in PATH", ["nope"], { code: 127 }],
    ["a program that is not there", ["/nope"], { code: 127 }],
    ["a directory", ["/etc"], { code: 126 }],
    ["a file that is not executable", ["/etc/not-executable"], { code: 126 }],
  ] as const)("docker run with %s", async (_, argv, outcome) => {
    expect(await docker("run", "--rm", "--network", "none", "box", ...argv)).toMatchObject(outcome);
  });

  test.if(here)("docker run on a bridge has the interface that docker's hook gives it", async () => {
    const { stdout, code } = await docker("run", "--rm", "box", "ip", "-o", "addr");
    expect(code).toBe(0);
    expect(stdout).toMatch(/eth0\s+inet 172\./);
  });

  test.if(here)(
    "docker run --user --workdir --env --read-only --memory --pids-limit --cap-drop",
    async () => {
      const flags = ["--user", "1000:1000", "--workdir", "/tmp", "--env", "A=b", "--read-only"];
      const limits = ["--memory", "64m", "--pids-limit", "50", "--cap-drop", "ALL", "--network", "none"];
      const script =
        "id -u; pwd; echo $A; touch /x 2>/dev/null || echo read-only; grep CapEff /proc/self/status";
      const { stdout, code } = await docker("run", "--rm", ...flags, ...limits, "box", "sh", "-c", script);
      expect(code).toBe(0);
      expect(stdout.split("\n").slice(0, 5)).toEqual([
        "1000",
        "/tmp",
        "b",
        "read-only",
        "CapEff:\t0000000000000000",
      ]);
    },
  );

  /** With a terminal around it, as people have it. */
  const onTerminal = (...words: readonly string[]) =>
    command(["script", "-qec", [...(dockerd?.client ?? []), ...words].join(" "), "/dev/null"]);

  test.if(here)("docker run -it has a terminal", async () => {
    const { stdout } = await onTerminal("run", "-it", "--rm", "box", "sh -c 'test -t 0 && stty size && tty'");
    expect(stdout).toContain("/dev/pts/0");
  });

  test.if(here)(
    "a container's life: exec, stats, top, pause, update, restart, kill",
    async () => {
      expect(await docker("run", "--detach", "--name", "life", "box", "sleep", "1000")).toMatchObject({
        code: 0,
      });
      expect(await docker("exec", "life", "sh", "-c", "echo in; exit 4")).toMatchObject({
        stdout: "in\n",
        code: 4,
      });
      expect(
        (await docker("exec", "life", "nope")).stderr + (await docker("exec", "life", "nope")).stdout,
      ).toContain("executable file not found");
      expect(
        (await onTerminal("exec", "-it", "life", "sh -c 'test -t 0 && echo terminal'")).stdout,
      ).toContain("terminal");
      if (hierarchiesAreMounted())
        await untilAnswers("1\n", "stats", "--no-stream", "--format", "{{.PIDs}}", "life"); // the execs' have ended
      expect((await docker("top", "life")).stdout).toContain("sleep 1000");
      expect((await docker("pause", "life")).code).toBe(0);
      expect((await docker("inspect", "--format", "{{.State.Status}}", "life")).stdout).toBe("paused\n");
      expect((await docker("unpause", "life")).code).toBe(0);
      const limits = ["--memory", "64m", "--memory-swap", "128m", "--cpus", "0.5", "--pids-limit", "30"];
      expect(await docker("update", ...limits, "life")).toMatchObject({ code: 0 });
      expect((await docker("restart", "--time", "0", "life")).code).toBe(0);
      expect((await docker("exec", "life", "sh", "-c", "echo again")).stdout).toBe("again\n");
      expect((await docker("kill", "life")).code).toBe(0);
      await until("{{.State.Status}} {{.State.ExitCode}}", "life", "exited 137");
      expect((await docker("rm", "life")).code).toBe(0);
    },
    60_000,
  );

  test.if(here)(
    "a health check, then docker stop",
    async () => {
      const check = ["--health-cmd", "test -e /ready", "--health-interval", "100ms"];
      await docker(
        "run",
        "--detach",
        "--name",
        "well",
        ...check,
        "box",
        "sh",
        "-c",
        "trap 'exit 9' TERM; touch /ready; while :; do sleep 0.05; done",
      );
      await until("{{.State.Health.Status}}", "well", "healthy");
      expect((await docker("stop", "well")).code).toBe(0);
      await until("{{.State.ExitCode}}", "well", "9");
      expect((await docker("rm", "well")).code).toBe(0);
    },
    60_000,
  );
});
