/** In which user namespace a container is: the host's, one of its own, or that of the containers whose namespaces it shares. */
import { BerthError } from "../lib/error.ts";
import type { IdMap } from "../lib/id-map.ts";
import type { HostConfig } from "../wire/schema.ts";
import { mountRequests } from "./mounts.ts";
import { networkKind, otherContainer } from "./network.ts";
import type { Parts } from "./parts.ts";
import type { ContainerSpec } from "./spec.ts";
import { parseUsersMode, type UsersMode } from "./user-ranges.ts";

/** How a container comes to its ids. */
export type UsersChoice = UsersMode | { readonly kind: "joined"; readonly idMap: IdMap };

/** What `hostConfig` comes to; its references are ids already. Nothing is taken. */
export function chooseUsers({ registry, usersDefault }: Parts, hostConfig: HostConfig): UsersChoice {
  const asked = parseUsersMode(hostConfig.UsernsMode);
  const donors = [hostConfig.NetworkMode, hostConfig.IpcMode, hostConfig.PidMode]
    .map(otherContainer)
    .flatMap((ref) => (ref === undefined ? [] : [registry.get(ref)]));
  const choice = donors.length === 0 ? (asked ?? usersDefault) : joined(asked, donors);
  verifyUsers(choice, hostConfig);
  return choice;
}

/** Who shares a namespace must have rights over it, which follow from the user namespace that owns it; docker does the same. */
function joined(asked: UsersMode | undefined, donors: ReturnType<Parts["registry"]["get"]>[]): UsersChoice {
  const [first, ...others] = donors;
  const idMap = first?.spec.idMap;
  const stranger = others.find(({ spec }) => JSON.stringify(spec.idMap) !== JSON.stringify(idMap));
  if (stranger !== undefined)
    throw new BerthError(
      "conflict",
      `containers ${first?.id} and ${stranger.id} are in different user namespaces: one cannot share both`,
    );
  if (asked !== undefined && (asked.kind === "host") !== (idMap === undefined))
    throw new BerthError(
      "conflict",
      `container ${first?.id} is in ${idMap === undefined ? "the host's" : "a"} user namespace: who shares its namespaces is in the same; leave --userns out`,
    );
  return idMap === undefined ? { kind: "host" } : { kind: "joined", idMap };
}

/** Docker's words (moby daemon/daemon_unix.go). */
function verifyUsers({ kind }: UsersChoice, hostConfig: HostConfig): void {
  const refuse = (message: string) => new BerthError("invalid", message);
  if (kind === "host") {
    const mapped = mountRequests(hostConfig).find((mount) => mount.type === "bind" && mount.idMap);
    if (mapped === undefined) return;
    throw refuse(
      `the bind on ${mapped.destination} has the option idmap, which takes a user namespace: add --userns auto`,
    );
  }
  if (hostConfig.Privileged)
    throw refuse(
      "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode",
    );
  if (networkKind(hostConfig).kind === "host")
    throw refuse("cannot share the host's network namespace when user namespaces are enabled");
  if (hostConfig.PidMode === "host")
    throw refuse("cannot share the host PID namespace when user namespaces are enabled");
}

/** Takes what was chosen; undefined for the host's ids. Give it back when the container is gone. */
export function takeUsers({ users }: Parts, choice: UsersChoice): IdMap | undefined {
  switch (choice.kind) {
    case "host":
      return undefined;
    case "auto":
      return users.take(choice.size);
    case "private":
      return held(users, users.shared());
    case "joined":
      return held(users, choice.idMap);
  }
}

function held(users: Parts["users"], idMap: IdMap): IdMap {
  users.hold(idMap);
  return idMap;
}

/** The same for looking at: nothing is taken. */
export function previewUsers({ users }: Parts, choice: UsersChoice): IdMap | undefined {
  switch (choice.kind) {
    case "host":
      return undefined;
    case "auto":
      return users.peek(choice.size);
    case "private":
      return users.peekShared();
    case "joined":
      return choice.idMap;
  }
}

export function withUsers(spec: ContainerSpec, idMap: IdMap | undefined): ContainerSpec {
  return idMap === undefined ? spec : { ...spec, idMap };
}

/** When nothing of the container is left that could own anything. */
export function giveBackUsers({ users }: Parts, { idMap }: ContainerSpec): void {
  if (idMap !== undefined) users.release(idMap);
}
