/** Commands of `berth oci` on one container at the same time, and processes in it that do not let them go. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { readFile, rename } from "node:fs/promises";
import { Place } from "../oci/bundle.ts";
import { output, PATH } from "../support/command.ts";
import { has } from "../support/parts.ts";

const SLEEP = "exec sleep 1000";

describe.if(has("root", "busybox"))("berth oci", () => {
  let place: Place;
  beforeAll(async () => {
    place = await Place.make();
  }, 30_000);
  afterAll(() => place[Symbol.asyncDispose](), 30_000);

  const oci = (...words: readonly string[]) => place.call(place.berth, words);
  const state = () => place.state(place.berth);

  async function started(id: string): Promise<void> {
    await place.configure(SLEEP, ({ root }) => (root.readonly = false));
    expect(await oci("run", "-d", id)).toMatchObject({ code: 0 });
  }

  async function stopped(id: string): Promise<void> {
    await oci("kill", id, "KILL");
    while (!(await oci("state", id)).stdout.includes('"stopped"'));
  }

  /** A command that finds the container locked; what happens before it gets the lock is `meanwhile`. */
  async function behindLock(id: string, words: readonly string[], meanwhile: () => Promise<void>) {
    const holder = Bun.spawn(["flock", `${state()}/${id}`, "sh", "-c", "echo locked; read line"], {
      env: { PATH },
      stdio: ["pipe", "pipe", "inherit"],
    });
    expect((await holder.stdout.getReader().read()).value?.length).toBe(7);
    const command = Bun.spawn([place.berth, "--root", state(), ...words], {
      env: { PATH },
      stdio: ["ignore", "ignore", "pipe"],
    });
    while (!new RegExp(`-> FLOCK .* ${command.pid} `).test(readFileSync("/proc/locks", "utf8")))
      await Bun.sleep(1);
    await meanwhile();
    holder.kill();
    holder.stdin.end();
    return { code: await command.exited, stderr: await new Response(command.stderr).text() };
  }

  test("deletes no other container that has the name by the time that it may", async () => {
    await started("c1");
    await stopped("c1");
    const outcome = await behindLock("c1", ["delete", "c1"], async () => {
      await rename(`${state()}/c1`, `${place.path}/removed`);
      await started("c1");
    });
    expect(outcome.stderr).toContain("cannot delete container c1 that is not stopped: running");
    expect(outcome.code).toBe(1);
    expect((await oci("state", "c1")).stdout).toContain('"running"');
    await oci("delete", "--force", "c1");
  }, 30_000);

  test("whoever waited for a container in the foreground removes no other that has the name by then", async () => {
    await place.configure(SLEEP);
    const attendant = Bun.spawn([place.berth, "--root", state(), "run", "c7"], {
      cwd: place.bundle(place.berth),
      env: { PATH },
      stdio: ["ignore", "ignore", "ignore"],
    });
    while (!(await oci("state", "c7")).stdout.includes('"running"'));
    attendant.kill("SIGSTOP");
    expect(await oci("delete", "--force", "c7")).toMatchObject({ code: 0 });
    await started("c7");
    attendant.kill("SIGCONT");
    expect(await attendant.exited).toBe(137);
    expect((await oci("state", "c7")).stdout).toContain('"running"');
    await oci("delete", "--force", "c7");
  }, 30_000);

  test.each([
    [["delete", "--force", "c2"], 0, ""],
    [["delete", "c2"], 1, "container does not exist"],
    [["start", "c2"], 1, "container does not exist"],
  ])(
    "%p finds that somebody else has deleted it",
    async (words, code, said) => {
      await started("c2");
      await stopped("c2");
      const outcome = await behindLock("c2", words, async () => {
        await rename(`${state()}/c2`, `${place.path}/removed-${words.join("")}`);
      });
      expect(outcome.stderr).toContain(said);
      expect(outcome.code).toBe(code);
    },
    30_000,
  );

  test("list sees containers come and go, and no more in a file than that it is none", async () => {
    await started("c8");
    await Bun.write(`${state()}/plain`, "");
    await place.configure(SLEEP);
    const turmoil = { over: false };
    const others = (async () => {
      for (let count = 0; count < 5; count++) {
        await oci("run", "-d", "other");
        await oci("delete", "--force", "other");
      }
      turmoil.over = true;
    })();
    while (!turmoil.over) {
      const list = Bun.spawn([place.berth, "--root", state(), "list"], { env: { PATH }, stderr: "ignore" });
      const text = await new Response(list.stdout).text();
      expect(await list.exited).toBe(0);
      expect(text).toContain("c8 ");
      expect(text).not.toContain("plain");
    }
    await others;
    await oci("delete", "--force", "c8");
  }, 30_000);

  test("update changes what is recorded when it may, not what was before", async () => {
    await started("c3");
    await behindLock("c3", ["update", "--pids-limit", "50", "c3"], async () => {
      const path = `${state()}/c3/state.json`;
      await Bun.write(path, (await readFile(path, "utf8")).replace("{", '{"seen":true,'));
    });
    expect(await readFile(`${state()}/c3/state.json`, "utf8")).toContain('"seen":true');
    await oci("delete", "--force", "c3");
  }, 30_000);

  test("a process that nobody could be told of does not run", async () => {
    await started("c4");
    const words = ["exec", "--detach", "--pid-file", "/no/such/place", "c4", "sleep", "1234"];
    expect((await oci(...words)).code).toBe(255);
    const left = async () => (await oci("exec", "c4", "ps")).stdout;
    while ((await left()).includes("sleep 1234"));
    await oci("delete", "--force", "c4");
  }, 30_000);

  test("a fifo in the place of a namespace holds nobody up", async () => {
    const fifo = `${place.path}/fifo`;
    await output(["mkfifo", fifo]);
    await place.configure(SLEEP, ({ linux: { namespaces } }) => {
      for (const namespace of namespaces) if (namespace.type === "network") namespace.path = fifo;
    });
    const { code, stderr } = await oci("create", "c6");
    expect(stderr).toContain("join namespace");
    expect(code).toBe(1);
  }, 30_000);

  test.if(has("script"))(
    "exec ends with its process, whoever goes on printing to its terminal",
    async () => {
      await started("c5");
      // It has no terminal to lose, and opens that of the exec again and again.
      const loop = "x=$(yes | head -c 4000); touch /noise; while :; do echo $x >/dev/pts/0; done";
      const noise = `for each in 1 2 3; do setsid sh -c '${loop}' 2>/dev/null & done;`;
      const script = `trap "" HUP; ${noise} while [ ! -e /noise ]; do :; done; yes | head -c 100000; exit 7`;
      await Bun.write(`${place.path}/script`, script);
      // Its reader is slow, as a person's terminal is.
      const exec = `${place.berth} --root ${state()} exec -t c5 sh -c "$(cat ${place.path}/script)"`;
      const shown = `{ ${exec}; echo $? >${place.path}/code; } | dd bs=1 of=/dev/null`;
      const attended = Bun.spawn(["script", "-qec", shown, "/dev/null"], {
        env: { PATH },
        stdio: ["ignore", "ignore", "ignore"],
        timeout: 20_000,
        killSignal: "SIGKILL",
      });
      await attended.exited;
      expect(await readFile(`${place.path}/code`, "utf8")).toBe("7\n");
      expect(existsSync(`${place.path}/rootfs/noise`)).toBe(true);
      await oci("delete", "--force", "c5");
    },
    30_000,
  );
});
