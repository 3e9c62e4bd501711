/** The commands by name, each loaded by who types it. */
import type { Command } from "./command.ts";

export interface Entry {
  readonly summary: string;
  /** Ends soon, and is what engines call for each container: the engine may do it in the name of its caller. */
  readonly brief?: true;
  load(): Promise<Command>;
}

export const COMMANDS: Readonly<Record<string, Entry>> = {
  create: {
    summary: "create a container",
    brief: true,
    load: async () => (await import("./create.ts")).create,
  },
  delete: {
    summary: "delete any resources held by the container",
    brief: true,
    load: async () => (await import("./delete.ts")).remove,
  },
  events: {
    summary: "display container events such as OOM notifications, cpu, memory, and IO usage statistics",
    load: async () => (await import("./events.ts")).events,
  },
  exec: {
    summary: "execute new process inside the container",
    brief: true,
    load: async () => (await import("./exec.ts")).exec,
  },
  features: {
    summary: "show the enabled features",
    load: async () => (await import("./features.ts")).features,
  },
  kill: {
    summary: "send the specified signal (default: SIGTERM) to the container's init process",
    brief: true,
    load: async () => (await import("./kill.ts")).kill,
  },
  list: {
    summary: "list the containers with the given root",
    load: async () => (await import("./list.ts")).list,
  },
  pause: {
    summary: "suspend all processes inside the container",
    brief: true,
    load: async () => (await import("./pause.ts")).pause,
  },
  ps: {
    summary: "display the processes running inside a container",
    load: async () => (await import("./ps.ts")).ps,
  },
  resume: {
    summary: "resume all processes that have been paused",
    brief: true,
    load: async () => (await import("./pause.ts")).resume,
  },
  run: {
    summary: "create and run a container",
    brief: true,
    load: async () => (await import("./run.ts")).run,
  },
  spec: {
    summary: "create a new specification file",
    load: async () => (await import("./spec.ts")).spec,
  },
  start: {
    summary: "execute the user defined process in a created container",
    brief: true,
    load: async () => (await import("./start.ts")).start,
  },
  state: {
    summary: "output the state of a container",
    brief: true,
    load: async () => (await import("./state.ts")).state,
  },
  update: {
    summary: "update container resource constraints",
    load: async () => (await import("./update.ts")).update,
  },
};

/** Known to runc, and what stands against them here. */
export const REFUSED: Readonly<Record<string, string>> = {
  checkpoint: "checkpoint is not supported: berth does not work with CRIU",
  restore: "restore is not supported: berth does not work with CRIU",
};
