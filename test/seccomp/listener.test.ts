/** SCMP_ACT_NOTIFY with a real listener: a small agent in C, which says that directories were made that were not. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import type { ProcessHandle } from "../../src/runtime/runtime.ts";
import { SYSCALL_TABLE } from "../../src/runtime/seccomp/numbers.ts";
import type { Seccomp } from "../../src/runtime/spec.ts";
import { Testbed, type Wishes } from "../../src/runtime/testbed.ts";
import { has } from "../support/parts.ts";
import { programOf } from "./support/program.ts";

setDefaultTimeout(30_000);

type Child = Bun.Subprocess<"ignore", "pipe", "inherit">;

class Agent implements AsyncDisposable {
  readonly path: string;
  readonly #child: Child;
  readonly #output: AsyncIterator<Uint8Array>;
  #text = "";

  private constructor(path: string, program: string) {
    this.path = path;
    this.#child = Bun.spawn([program, path], { stdout: "pipe", stderr: "inherit", stdin: "ignore" });
    this.#output = this.#child.stdout[Symbol.asyncIterator]();
  }

  static async start(path: string): Promise<Agent> {
    const agent = new Agent(path, await programOf(`${import.meta.dir}/agent.c`));
    expect(await agent.line()).toBe("listening");
    return agent;
  }

  async line(): Promise<string> {
    while (!this.#text.includes("\n")) {
      const { value, done } = await this.#output.next();
      if (done === true) throw new Error(`the agent ended behind "${this.#text}"`);
      this.#text += Buffer.from(value).toString();
    }
    const at = this.#text.indexOf("\n");
    const line = this.#text.slice(0, at);
    this.#text = this.#text.slice(at + 1);
    return line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    rmSync(this.path, { force: true });
  }
}

const present = has("root", "busybox");
let bed: Testbed;
beforeAll(() => {
  if (present) bed = new Testbed();
});
afterAll(async () => bed?.[Symbol.asyncDispose]());

function notifying(path: string, names: readonly string[], more: Partial<Seccomp> = {}): Seccomp {
  return {
    defaultAction: "SCMP_ACT_ALLOW",
    listenerPath: path,
    syscalls: [{ names, action: "SCMP_ACT_NOTIFY" }],
    ...more,
  };
}

const SCRIPT = "mkdir /faked && echo made; ls -d /faked; mkdir /refused; mkdir /real && ls -d /real";

/** All calls that there are but `write`, with which none may notify. */
const EVERY = SYSCALL_TABLE.split("\n")
  .map((line) => line.split(" ")[0] ?? "")
  .filter((name) => name !== "write");

describe.if(present)("a seccomp listener", () => {
  test.each<[string, readonly string[], Wishes]>([
    ["the calls that are asked about", ["mkdir"], {}],
    ["every call there is, also those with which the process becomes what it shall be", EVERY, {}],
    [
      "every call, the filter being the last step",
      EVERY,
      { process: { noNewPrivileges: true, user: { uid: 0, gid: 0, username: "root" } } },
    ],
    ["every call, below an init", EVERY, { supervision: { init: true } }],
    ["every call, with a flag that waits for answers", EVERY, {}],
  ])("decides about %s", async (title, names, wishes) => {
    await using agent = await Agent.start(`${bed.directory}/agent`);
    const flags = title.includes("flag") ? { flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"] } : {};
    const seccomp = notifying(agent.path, names, flags);
    const launch = bed.launch(["sh", "-c", `(${SCRIPT}) 2>&1`], { ...wishes, linux: { seccomp } });
    const process = await bed.runtime.create(launch);
    try {
      await process.start();
      await agent.line();
      expect([await agent.line(), await agent.line(), await agent.line()]).toEqual([
        "mkdir /faked",
        "mkdir /refused",
        "mkdir /real",
      ]);
      expect((await process.exited).exitCode).toBe(0);
      expect(bed.logged(launch)).toBe(
        "made\nls: /faked: No such file or directory\nmkdir: can't create directory '/refused': Disk quota exceeded\n/real\n",
      );
    } finally {
      await process.release();
    }
  });

  test.each<[string, boolean, readonly string[]]>([
    ["", false, ["mkdir"]],
    [", whose every call is asked about", false, EVERY],
    [", whose every call is asked about, the filter being the last step", true, EVERY],
  ])(
    "is told of the container and of the process that it decides about; of a second process, too%s",
    async (_, noNewPrivileges, names) => {
      await using agent = await Agent.start(`${bed.directory}/agent`);
      const annotations = { "org.example.text": 'with "quotes"' };
      const seccomp = notifying(agent.path, ["mkdir"], { listenerMetadata: "any\ntext" });
      const launch = bed.launch(["sleep", "1000"], { linux: { seccomp }, annotations });
      const process = await bed.runtime.create(launch);
      let second: ProcessHandle | undefined;
      try {
        await process.start();
        const about = { ociVersion: "1.2.0", fds: ["seccompFd"], metadata: "any\ntext" };
        const common = {
          ociVersion: "1.2.0",
          id: launch.id,
          pid: process.pid,
          bundle: bed.directory,
          annotations,
        };
        expect(JSON.parse(await agent.line())).toEqual({
          ...about,
          pid: process.pid,
          state: { ...common, status: "creating" },
        });
        const rules = { ...seccomp, syscalls: [{ names, action: "SCMP_ACT_NOTIFY" }] };
        const wishes = { process: { noNewPrivileges } };
        const exec = { ...bed.exec(launch, process, ["mkdir", "/faked"], wishes), seccomp: rules };
        second = await bed.runtime.exec(exec);
        await second.start();
        expect((await second.exited).exitCode).toBe(0);
        expect(JSON.parse(await agent.line())).toEqual({
          ...about,
          pid: second.pid,
          state: { ...common, status: "running" },
        });
        expect(await agent.line()).toBe("mkdir /faked");
      } finally {
        await second?.release();
        await process.release();
      }
    },
  );

  test("that nobody is at fails the start, which names it", async () => {
    const seccomp = notifying(`${bed.directory}/nobody`, ["mkdir"]);
    const create = bed.runtime.create(bed.launch(["true"], { linux: { seccomp } }));
    await expect(create).rejects.toThrow(
      `connect to seccomp listener "${bed.directory}/nobody": no such file or directory`,
    );
  });

  test("that went away between the connection and the filter fails the start, and no program runs", async () => {
    const agent = Bun.listen({
      unix: `${bed.directory}/gone`,
      socket: { data() {}, open: (socket) => void socket.end() },
    });
    const seccomp = notifying(`${bed.directory}/gone`, ["mkdir"]);
    const launch = bed.launch(["echo", "ran"], { linux: { seccomp } });
    const process = await bed.runtime.create(launch);
    try {
      agent.stop(true);
      await expect(process.start()).rejects.toThrow(`send to seccomp listener "${bed.directory}/gone"`);
      await process.exited;
      expect(bed.logged(launch)).toBe("");
    } finally {
      await process.release();
    }
  });
});
