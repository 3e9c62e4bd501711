/** Who decides where a filter notifies: the rules that such a profile keeps, and what the listener is told of the process. */
import { BerthError } from "../../lib/error.ts";
import { containerState, stateAroundPid, type StateSource } from "../container-state.ts";
import type { Op } from "../op.ts";
import type { CompiledSeccomp, Seccomp } from "../spec.ts";

const NOTIFY = "SCMP_ACT_NOTIFY";
/** sun_path with its NUL. */
const SOCKET_PATH_LIMIT = 107;

/** Undefined where no rule notifies: a path is of no meaning then. The refusals are runc's. */
export function listenerOf(seccomp: Seccomp): CompiledSeccomp["listener"] {
  const { defaultAction, syscalls, listenerPath = "", listenerMetadata } = seccomp;
  const rules = (syscalls ?? []).filter(({ action }) => action === NOTIFY);
  if (defaultAction === NOTIFY) throw invalid("SCMP_ACT_NOTIFY cannot be used as default action");
  if (rules.length === 0) return undefined;
  if (rules.some(({ names }) => names.includes("write")))
    throw invalid("SCMP_ACT_NOTIFY cannot be used for the write syscall");
  if (listenerPath === "") throw invalid("seccomp listenerPath is not set");
  if (!listenerPath.startsWith("/") || Buffer.byteLength(listenerPath) > SOCKET_PATH_LIMIT)
    throw invalid(
      `seccomp listenerPath "${listenerPath}" is no absolute path of at most ${SOCKET_PATH_LIMIT} bytes`,
    );
  return { path: listenerPath, ...(listenerMetadata === undefined ? {} : { metadata: listenerMetadata }) };
}

function invalid(why: string): BerthError {
  return new BerthError("invalid", why);
}

/** Before the clone. `pid` is that of the container's first process where the filter is another's; `entering`: it is that of the process behind `enter`. */
export function listenerOps(
  filter: CompiledSeccomp | undefined,
  container: StateSource,
  { pid, entering }: { readonly pid?: number; readonly entering: boolean },
): Op[] {
  if (filter?.listener === undefined) return [];
  const { path, metadata } = filter.listener;
  const introduction = introductionOf(container, metadata, pid);
  return [{ op: "seccomp-listener", path, introduction, entering }];
}

/** Of the child, before it joins a pid namespace: who hands the listener over may not be seen in a container. */
export function messengerOps(filter: CompiledSeccomp | undefined): Op[] {
  return filter?.listener === undefined ? [] : [{ op: "seccomp-messenger" }];
}

/** The specification's container process state, cut where the process's own id goes. */
function introductionOf(
  container: StateSource,
  metadata: string | undefined,
  pid: number | undefined,
): string[] {
  const { ociVersion } = container.spec;
  const head = JSON.stringify({ ociVersion, fds: ["seccompFd"] }).slice(0, -1);
  const about = metadata === undefined ? "" : `"metadata":${JSON.stringify(metadata)},`;
  const own = `${head},"pid":`;
  if (pid !== undefined)
    return [own, `,${about}"state":${JSON.stringify(containerState(container, "running", pid))}}`];
  const [before, behind] = stateAroundPid(container, "creating");
  return [own, `,${about}"state":${before}`, `${behind}}`];
}
