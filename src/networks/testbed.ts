/** For the tests: network namespaces made in this process, and a process in each that plays a container. Needs root. */
import { closeSync, openSync, readlinkSync } from "node:fs";
import { splitMessages } from "../kernel/netlink-message.ts";
import { Netlink, NETLINK_ROUTE } from "../kernel/netlink.ts";
import { setns, unshare } from "../kernel/processes.ts";
import type { NetworkPlan } from "./plan.ts";

const CLONE_NEWNET = 0x40000000;
const THREAD_NAMESPACE = "/proc/thread-self/ns/net";

/** A namespace that lives as long as its descriptor and the processes in it. */
export class Namespace implements Disposable {
  readonly #fd: number;
  readonly #children: Bun.Subprocess[] = [];

  constructor() {
    using _ = here();
    unshare(CLONE_NEWNET);
    this.#fd = openSync(THREAD_NAMESPACE, "r");
  }

  /** This thread, and what it starts, is in the namespace until disposal. For a whole test: nothing may touch the real host. */
  enter(): Disposable {
    const back = here();
    setns(this.#fd, CLONE_NEWNET);
    return back;
  }

  /** Runs synchronous `work` on this thread inside the namespace; sockets that it makes stay there. */
  inside<T>(work: () => T): T {
    using _ = this.enter();
    return work();
  }

  /** A process whose only purpose is a pid. */
  sleeper(): number {
    return this.#spawn(["sleep", "100"]).pid;
  }

  /** What arrives when a TCP connection is opened from here. "" when nothing does in `seconds`. */
  async fetch(address: string, port: number, seconds = 10): Promise<string> {
    const script = `exec 3<>/dev/tcp/${address}/${port} && cat <&3`;
    const child = this.#spawn(["timeout", String(seconds), "bash", "-c", script]);
    return new Response(child.stdout as ReadableStream).text();
  }

  /** Answers every connection with the address that it came from. */
  serve(address: string, port: number): Disposable {
    const open = (socket: Bun.Socket): void => void socket.end(`from ${socket.remoteAddress}`);
    const listener = this.inside(() => Bun.listen({ hostname: address, port, socket: { open, data() {} } }));
    return { [Symbol.dispose]: () => listener.stop(true) };
  }

  /** Standard output of a command that is run inside. */
  run(...command: string[]): string {
    const { stdout, stderr, success } = this.inside(() => Bun.spawnSync(command));
    if (!success) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
    return stdout.toString();
  }

  /** Sends `plan`'s messages as the container's process would. */
  configure(plan: NetworkPlan): void {
    this.inside(() => {
      using route = new Netlink(NETLINK_ROUTE);
      for (const { label, messages } of plan.inside)
        for (const message of splitMessages(messages)) route.request(label, message);
    });
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill(9);
    closeSync(this.#fd);
  }

  #spawn(command: string[]): Bun.Subprocess {
    const child = this.inside(() => Bun.spawn(command, { stdio: ["ignore", "pipe", "ignore"] }));
    this.#children.push(child);
    return child;
  }
}

/** Brings this thread back to the namespace it is in now. */
function here(): Disposable {
  const fd = openSync(THREAD_NAMESPACE, "r");
  const before = readlinkSync(THREAD_NAMESPACE);
  return {
    [Symbol.dispose]: () => {
      setns(fd, CLONE_NEWNET);
      closeSync(fd);
      if (readlinkSync(THREAD_NAMESPACE) !== before)
        throw new Error("this thread is lost in a network namespace");
    },
  };
}
