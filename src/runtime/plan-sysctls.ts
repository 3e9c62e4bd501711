/** Kernel settings: only what belongs to a namespace of the container; the rest would change the host. runc's list (configs/validate/validator.go). */
import { BerthError } from "../lib/error.ts";
import type { Op } from "./op.ts";
import { hasOwn } from "./plan-namespaces.ts";
import type { Spec } from "./spec.ts";

export function sysctlOps(spec: Spec): Op[] {
  return Object.entries(spec.linux.sysctl ?? {}).map(([name, value]): Op => {
    const path = sysctlPath(name);
    if (path === undefined || /[\n\0]/.test(value))
      throw new BerthError("invalid", `invalid sysctl "${name}=${value}"`);
    requireOwn(spec, name, path);
    return { op: "sysctl", name: path, value };
  });
}

/** Below /proc/sys. In the form with dots a slash stands for a dot within a name (`net.ipv4.conf.eno2/100.rp_filter`), in the form with slashes a dot is itself. */
export function sysctlPath(name: string): string | undefined {
  const path = /^[^./]*\//.test(name) ? name : name.replaceAll(/[./]/g, (each) => (each === "." ? "/" : "."));
  const parts = path.split("/");
  const sound = parts.every((part) => /^[^\s\0]+$/.test(part) && part !== "." && part !== "..");
  return sound && parts.length > 1 ? path : undefined;
}

function requireOwn(spec: Spec, name: string, path: string): void {
  if (path.startsWith("net/")) {
    if (!hasOwn(spec, "network"))
      throw new BerthError("invalid", `sysctl "${name}" not allowed in host network namespace`);
  } else if (isIpc(path)) {
    if (!hasOwn(spec, "ipc"))
      throw new BerthError("invalid", `sysctl "${name}" is not allowed in the hosts ipc namespace`);
  } else if (path === "kernel/hostname" && hasOwn(spec, "uts"))
    throw new BerthError(
      "invalid",
      `sysctl "${name}" is not allowed as it conflicts with the OCI "hostname" field`,
    );
  else if (path !== "kernel/domainname" || !hasOwn(spec, "uts"))
    throw new BerthError("invalid", `sysctl "${name}" is not in a separate kernel namespace`);
}

const isIpc = (path: string) =>
  path.startsWith("fs/mqueue/") ||
  /^kernel\/(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$/.test(path);
