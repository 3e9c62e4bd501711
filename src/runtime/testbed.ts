/** For tests: a busybox root filesystem and launches in it, all below one directory that goes away. */
import { dlopen } from "bun:ffi";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { removeCgroup } from "../kernel/cgroups.ts";
import { type Features, probeFeatures } from "../kernel/features.ts";
import { defaultSpec } from "./defaults.ts";
import { type NamespacesOptions, openNamespacesRuntime } from "./namespaces.ts";
import type { ExecLaunch, Launch, ProcessHandle, Runtime, Supervision } from "./runtime.ts";
import type { Process, Resources, Spec } from "./spec.ts";

const BUSYBOX = "/bin/busybox";

/** Why the tests that start containers cannot run here; undefined when they can. */
export function missingForContainers(): string | undefined {
  if (process.getuid?.() !== 0) return "not root";
  return existsSync(BUSYBOX) ? undefined : "busybox-static is not installed";
}

export interface Wishes {
  readonly process?: Partial<Process>;
  readonly linux?: Partial<Spec["linux"]>;
  readonly resources?: Resources;
  readonly supervision?: Partial<Supervision>;
  readonly mounts?: Spec["mounts"];
  readonly readonly?: boolean;
  readonly network?: Launch["network"];
  readonly hooks?: Spec["hooks"];
  readonly annotations?: Spec["annotations"];
}

export interface TestbedOptions {
  readonly features?: Features;
  readonly instance?: string;
  /** Opens the driver that is tested; `directory` is for what it keeps. */
  readonly open?: (options: NamespacesOptions & { readonly directory: string }) => Runtime;
}

let beds = 0;

export class Testbed implements AsyncDisposable {
  readonly directory = mkdtempSync("/tmp/b-rt-");
  readonly features: Features;
  readonly instance: string;
  readonly runtime: Runtime;
  #count = 0;

  readonly #open: NonNullable<TestbedOptions["open"]>;

  constructor({
    features = probeFeatures(),
    instance = `brt${process.pid}-${++beds}`,
    open = openNamespacesRuntime,
  }: TestbedOptions = {}) {
    this.features = features;
    this.instance = instance;
    this.#open = open;
    this.runtime = this.open();
    const layer = `${this.directory}/layers/l/1`;
    for (const name of ["bin", "etc", "tmp"]) mkdirSync(`${layer}/${name}`, { recursive: true });
    cpSync(BUSYBOX, `${layer}/bin/busybox`);
    const applets =
      "cat chmod date echo env false grep hostname id kill ls mkdir mount pwd readlink sh sleep stty tail test touch true umask yes head";
    for (const name of applets.split(" ")) symlinkSync("busybox", `${layer}/bin/${name}`);
    writeFileSync(
      `${layer}/etc/passwd`,
      "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n",
    );
    writeFileSync(`${layer}/etc/group`, "root:x:0:\nalice:x:1000:\nvideo:x:44:alice\n");
    writeFileSync(`${layer}/etc/plain`, "no program");
    mkdirSync(`${this.directory}/run`);
  }

  /** The driver once more, as the next engine has it. */
  open(): Runtime {
    return this.#open({ instance: this.instance, features: this.features, directory: this.directory });
  }

  launch(args: readonly string[], wishes: Wishes = {}): Launch {
    const id = `c${++this.#count}`;
    const own = `${this.directory}/containers/${id}`;
    for (const name of ["upper", "work"]) mkdirSync(`${own}/${name}`, { recursive: true });
    const { directory } = this;
    return {
      id,
      spec: this.#spec(id, args, wishes),
      root: {
        kind: "overlay",
        lower: ["l/1"],
        layersDirectory: `${directory}/layers`,
        upper: `${own}/upper`,
        work: `${own}/work`,
        volatile: true,
        mountpoint: `${directory}/run/root`,
      },
      supervision: {
        runDirectory: `${directory}/run/${id}`,
        openStdin: false,
        stdinOnce: false,
        init: false,
        log: { path: `${own}/log`, maxBytes: 1 << 20, maxFiles: 2 },
        spillDirectory: own,
        waitForStart: true,
        ...wishes.supervision,
      },
      ...(wishes.network === undefined ? {} : { network: wishes.network }),
      bundle: directory,
    };
  }

  #spec(
    id: string,
    args: readonly string[],
    { process, linux, resources, mounts = [], readonly = false, hooks, annotations }: Wishes,
  ): Spec {
    const defaults = defaultSpec();
    const { capabilities, maskedPaths, readonlyPaths, namespaces, deviceRules } = defaults;
    return {
      ociVersion: "1.2.0",
      hostname: id,
      process: {
        args,
        cwd: "/",
        env: ["PATH=/bin"],
        user: { uid: 0, gid: 0, username: "" },
        capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
        ...process,
      },
      root: { path: "", readonly },
      mounts: [...defaults.mounts, ...mounts],
      linux: {
        namespaces,
        maskedPaths,
        readonlyPaths,
        cgroupsPath: `/${this.instance}/${id}`,
        resources: { devices: deviceRules, ...resources },
        seccomp: { profile: "default" },
        ...linux,
      },
      ...(hooks === undefined ? {} : { hooks }),
      ...(annotations === undefined ? {} : { annotations }),
    };
  }

  exec(launch: Launch, target: ProcessHandle, args: readonly string[], wishes: Wishes = {}): ExecLaunch {
    const id = `x${++this.#count}`;
    const { process } = launch.spec;
    return {
      id,
      container: launch,
      target: { pid: target.pid, startTime: target.startTime },
      process: { ...process, args, terminal: false, ...wishes.process },
      seccomp: { profile: "default" },
      ...(wishes.linux === undefined ? {} : { linux: wishes.linux }),
      supervision: {
        ...launch.supervision,
        runDirectory: `${this.directory}/run/${id}`,
        ...wishes.supervision,
      },
      cgroup: launch.spec.linux.cgroupsPath ?? "",
    };
  }

  /** What the log holds, as text. */
  logged({ supervision }: Launch): string {
    const lines = readFileSync(supervision.log?.path ?? "", "utf8")
      .split("\n")
      .filter(Boolean);
    return lines.map((line) => String(JSON.parse(line).log)).join("");
  }

  /** Runs a command to its end; answers its output and exit code. */
  async run(
    args: readonly string[],
    wishes: Wishes = {},
  ): Promise<{ output: string; exitCode: number; oomKilled: boolean }> {
    const launch = this.launch(args, wishes);
    const handle = await this.runtime.create(launch);
    try {
      await handle.start();
      const { exitCode, oomKilled } = await handle.exited;
      return { output: this.logged(launch), exitCode, oomKilled };
    } finally {
      await handle.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeCgroup(this.features.cgroups, `/${this.instance}`);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** With the sockets of ours that are there since. */
export async function openedBy<T>(work: () => Promise<T>): Promise<{ result: T; sockets: number[] }> {
  const before = openSockets();
  const result = await work();
  const sockets = [...openSockets()].flatMap(([fd, link]) => (before.get(fd) === link ? [] : [fd]));
  return { result, sockets };
}

function openSockets(): Map<number, string> {
  const links = readdirSync("/proc/self/fd").map(
    (fd) => [Number(fd), linkOf(`/proc/self/fd/${fd}`)] as const,
  );
  return new Map(links.filter(([, link]) => link.startsWith("socket:")));
}

/** "" where it is closed by now, as that of the listing itself. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** The one connection among them ends as if the other side had hung up. */
export function shutDown(sockets: readonly number[]): void {
  const { symbols } = dlopen("libc.so.6", { shutdown: { args: ["i32", "i32"], returns: "i32" } });
  const [fd = -1] = sockets;
  if (sockets.length !== 1 || symbols.shutdown(fd, SHUT_RDWR) !== 0)
    throw new Error(`no connection: ${sockets}`);
}
const SHUT_RDWR = 2;

export async function bytesOf(output: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of output) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function textOf(output: AsyncIterable<Uint8Array>): Promise<string> {
  return (await bytesOf(output)).toString();
}

/** Docker's stream frames without their headers. */
export function payloadOf(frames: Buffer): Buffer {
  const payload: Buffer[] = [];
  for (let at = 0; at < frames.length; at += 8 + frames.readUInt32BE(at + 4))
    payload.push(frames.subarray(at + 8, at + 8 + frames.readUInt32BE(at + 4)));
  return Buffer.concat(payload);
}
