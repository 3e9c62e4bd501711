/** What a process is handed: terminals, descriptors, signals, the numbers it is known by; and what is left when its start fails. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { link, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink } from "node:fs/promises";
import { dirname } from "node:path";
import { isAlive } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { PERFORMERS, Place } from "./bundle.ts";

const here = has("root", "busybox");

describe.each(PERFORMERS)("performed by $by", ({ engine }) => {
  let place: Place;

  beforeAll(async () => {
    if (here) place = await Place.make({ engine });
  });
  afterAll(async () => {
    if (here) await place[Symbol.asyncDispose]();
  });

  const call = (words: readonly string[], env: Record<string, string> = {}) =>
    place.call(place.berth, words, { env });

  /** The groups that containers of this place have. */
  async function groups(): Promise<string[]> {
    const found = await Array.fromAsync(
      new Bun.Glob(`*/${place.path.slice("/tmp/".length)}/ours/*`).scan({
        cwd: "/sys/fs/cgroup",
        onlyFiles: false,
      }),
    );
    return found.filter((path) => path.includes("/group-"));
  }

  test.if(here).each(["runc", "berth-oci"])("a hard link named %s is the runtime", async (name) => {
    const path = `${place.path}/links/${name}`;
    await mkdir(`${place.path}/links`, { recursive: true });
    // Beside the executable: a hard link lies in the same file system.
    const beside = await mkdtemp(`${dirname(await realpath(place.berth))}/.links-`);
    try {
      await link(await realpath(place.berth), `${beside}/${name}`);
      await symlink(`${beside}/${name}`, path);
      for (const called of [path, `${beside}/${name}`]) {
        const { stdout, code } = await place.call(called, ["--version"]);
        expect({ code, first: stdout.split("\n")[0] }).toEqual({ code: 0, first: `${name} version 0.1.0` });
      }
    } finally {
      await rm(beside, { recursive: true });
    }
  });

  test.if(here)("--pid-file holds the process's number, without a newline", async () => {
    await place.configure("exec sleep 1000");
    expect(await call(["create", "--pid-file", `${place.path}/pid`, "p1"])).toMatchObject({ code: 0 });
    const text = await readFile(`${place.path}/pid`, "utf8");
    expect(JSON.parse((await call(["state", "p1"])).stdout)).toMatchObject({ pid: Number(text) });
    expect(await isAlive(Number(text))).toBe(true);
    expect((await call(["delete", "--force", "p1"])).code).toBe(0);
    expect(await isAlive(Number(text))).toBe(false);
  });

  test.if(here)("a descriptor that is to be preserved is there, and no other", async () => {
    await place.configure("ls /proc/self/fd; cat <&3");
    const script = `exec ${place.berth} --root ${place.path}/state-d run --preserve-fds 1 d1 3<${place.path}/kept 7</dev/null`;
    await Bun.write(`${place.path}/kept`, "kept\n");
    const child = Bun.spawn(["sh", "-c", script], {
      cwd: place.bundle(place.berth),
      stdio: ["ignore", "pipe", "pipe"],
      env: place.env,
    });
    expect(await child.stdout.text()).toBe("0\n1\n2\n3\n4\nkept\n"); // 4 is that of ls itself
    expect(await child.exited).toBe(0);
  });

  test.if(here)("sockets of the service manager come with their variables", async () => {
    await place.configure("echo $LISTEN_FDS $LISTEN_PID; cat <&3");
    const script = `LISTEN_FDS=1 exec ${place.berth} --root ${place.path}/state-d run d2 3<${place.path}/kept`;
    await Bun.write(`${place.path}/kept`, "kept\n");
    const child = Bun.spawn(["sh", "-c", script], {
      cwd: place.bundle(place.berth),
      stdio: ["ignore", "pipe", "pipe"],
      env: place.env,
    });
    expect(await child.stdout.text()).toBe("1 1\nkept\n");
  });

  test.if(here)("a signal to the caller in the foreground reaches the process", async () => {
    await place.configure("trap 'echo told; exit 9' TERM; echo ready; while :; do sleep 0.05; done");
    const child = Bun.spawn([place.berth, "--root", `${place.path}/state-s`, "run", "s1"], {
      cwd: place.bundle(place.berth),
      stdio: ["ignore", "pipe", "pipe"],
      env: place.env,
    });
    const reader = child.stdout.getReader();
    const text = async () => new TextDecoder().decode((await reader.read()).value);
    expect(await text()).toBe("ready\n");
    child.kill("SIGTERM");
    expect(await text()).toBe("told\n");
    expect(await child.exited).toBe(9);
    expect(await readdir(`${place.path}/state-s`)).toEqual([]);
  });

  test.if(here && has("script"))(
    "a terminal in the foreground: size, raw input, exit code",
    async () => {
      await place.configure("stty size; read line; echo got $line; exit 5", (config) => {
        config.process.terminal = true;
      });
      const inner = `stty rows 33 cols 99; exec ${place.berth} --root ${place.path}/state-t run t1`;
      const child = Bun.spawn(["script", "-qec", inner, "/dev/null"], {
        cwd: place.bundle(place.berth),
        stdio: ["pipe", "pipe", "ignore"],
        env: { ...place.env, TERM: "xterm" },
      });
      let seen = "";
      for await (const bytes of child.stdout) {
        seen += new TextDecoder().decode(bytes);
        if (seen.includes("33 99") && !seen.includes("word")) {
          child.stdin.write("word\r");
          await child.stdin.flush();
        }
      }
      expect(seen).toContain("33 99");
      expect(seen).toContain("got word");
      expect(await child.exited).toBe(5);
    },
    20_000,
  );

  test.if(here)("a start that fails leaves nothing", async () => {
    await place.configure("", (config) => (config.process.args = ["nope"]));
    const before = await groups();
    expect((await call(["create", "f1"])).code).toBe(1);
    expect((await call(["run", "f1"])).code).toBe(1);
    expect((await call(["list", "--quiet"])).stdout).toBe("");
    expect(existsSync(`${place.state(place.berth)}/f1`)).toBe(false);
    expect(await groups()).toEqual(before);
  });

  test.if(here)(
    "delete --force removes what a create has left that was killed at any moment",
    async () => {
      await place.configure("exec sleep 1000");
      const before = await groups();
      for (let after = 0; after < 40; after += 2) {
        const child = Bun.spawn([place.berth, "--root", `${place.path}/state-k`, "create", "k1"], {
          cwd: place.bundle(place.berth),
          stdio: ["ignore", "ignore", "ignore"],
          env: place.env,
        });
        await Promise.race([child.exited, Bun.sleep(after)]); // where it is by then does not matter
        child.kill("SIGKILL");
        await child.exited;
        const deleted = await place.call(place.berth, ["delete", "--force", "k1"], {
          root: `${place.path}/state-k`,
        });
        expect({ after, ...deleted }).toEqual({ after, stdout: "", stderr: "", code: 0 });
        expect(existsSync(`${place.path}/state-k/k1`)).toBe(false);
        expect(await groups()).toEqual(before);
      }
    },
    60_000,
  );

  test.if(here)("of many that create the same container at once one succeeds", async () => {
    await place.configure("exec sleep 1000");
    const children = Array.from({ length: 8 }, () =>
      Bun.spawn([place.berth, "--root", `${place.path}/state-m`, "create", "m1"], {
        cwd: place.bundle(place.berth),
        stdio: ["ignore", "ignore", "ignore"],
        env: place.env,
      }),
    );
    const codes = await Promise.all(children.map(({ exited }) => exited));
    expect(codes.filter((code) => code === 0)).toHaveLength(1);
    const { code } = await place.call(place.berth, ["delete", "--force", "m1"], {
      root: `${place.path}/state-m`,
    });
    expect(code).toBe(0);
  });

  test.if(here)("hooks run in their order and are told the state", async () => {
    const log = `${place.path}/hooks`;
    const hook = (name: string) => ({
      path: "/bin/sh",
      args: ["sh", "-c", `echo ${name} $(grep -o '"status": *"[a-z]*"' | cut -d'"' -f4) >>${log}`],
      env: ["PATH=/bin:/usr/bin"],
    });
    await place.configure("true", (config) => {
      config.hooks = Object.fromEntries(
        ["prestart", "createRuntime", "poststart", "poststop"].map((name) => [name, [hook(name)]]),
      );
    });
    expect(await call(["run", "h1"])).toMatchObject({ stderr: "", code: 0 });
    expect(await readFile(log, "utf8")).toBe(
      "prestart creating\ncreateRuntime creating\npoststart running\npoststop stopped\n",
    );
  });
});
