/** Readiness (`$NOTIFY_SOCKET`, sd_notify(3)): a container has a socket of its own for it, and what its program says there the service manager is told. */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { hasErrno } from "../kernel/error.ts";
import { bindDatagrams } from "../kernel/sockets.ts";
import { BerthError } from "../lib/error.ts";
import type { Spec } from "../runtime/spec.ts";
import { demandOurs } from "./caller.ts";
import type { Call } from "./command.ts";

/** Where runc puts it, too. */
const INSIDE = "/run/notify";
const SOCKET = "notify.sock";
const ENOENT = 2;

const directoryIn = (directory: string) => `${directory}/notify`;

export interface Readiness {
  /** Address of the service manager's socket. */
  readonly manager: string;
  /** Ours, which the container's program sends to. */
  readonly socket: number;
}

/** The service manager that wants to know, if one does. */
export function managerOf({ environment, caller }: Pick<Call, "environment" | "caller">): string | undefined {
  const manager = environment["NOTIFY_SOCKET"];
  if (manager === undefined || manager === "") return undefined;
  demandOurs(caller);
  return manager;
}

/** Makes the directory that the container will see; the socket is made in it for the start. */
export function withNotifyDirectory(spec: Spec, directory: string): Spec {
  const source = directoryIn(directory);
  mkdirSync(source);
  chmodSync(source, 0o755); // whatever the umask
  const options = ["bind", "ro", "nosuid", "nodev", "noexec"];
  const mounts = [...(spec.mounts ?? []), { destination: INSIDE, type: "bind", source, options }];
  const env = [...(spec.process.env ?? []), `NOTIFY_SOCKET=${INSIDE}/${SOCKET}`];
  return { ...spec, mounts, process: { ...spec.process, env } };
}

/** Before the program starts, so that none of its messages is lost. Undefined: nobody wants to know. */
export function listenForReadiness(
  call: Pick<Call, "environment" | "caller">,
  directory: string,
): Readiness | undefined {
  const manager = managerOf(call);
  if (manager === undefined) return undefined;
  const path = `${directoryIn(directory)}/${SOCKET}`;
  try {
    rmSync(path, { force: true }); // of a start that was killed before it started anything
    const socket = bindDatagrams(path);
    chmodSync(path, 0o777); // whoever the program is
    return { manager, socket };
  } catch (error) {
    if (!hasErrno(error, ENOENT)) throw error;
    throw new BerthError(
      "conflict",
      "NOTIFY_SOCKET is set, but the container was created without it and has no such socket: set it for create, too, or unset it",
      { cause: error },
    );
  }
}

/** What of it is in the container's directory, in the order of removal. */
export const NOTIFY_FILES = [`notify/${SOCKET}`, "notify"] as const;
