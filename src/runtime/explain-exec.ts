/** The plan of an exec as a shell script: it joins the container's groups and namespaces, as `nsenter` does. */
import { namespaceTypes } from "./describe.ts";
import { quote } from "./explain-commands.ts";
import { all, HEAD, identity, joins, NSENTER } from "./explain-parts.ts";
import type { Op } from "./op.ts";

/** One more process: groups, then namespaces, then the program. */
export function execScript(ops: readonly Op[]): string {
  const target = all(ops, "join-process");
  const pid = target[0]?.pid ?? 0;
  const types = target.flatMap(({ flags }) => namespaceTypes(flags)).map((type) => `--${NSENTER[type]}`);
  const exec = all(ops, "exec")[0];
  const cwd = all(ops, "cwd")[0]?.path ?? "/";
  const environment = (exec?.env ?? []).map(quote).join(" ");
  return [
    HEAD,
    "# The container's limits count for this process, too.",
    ...joins(ops),
    "# Not in this script: dropping capabilities and the seccomp filter. Entering takes rights that are given up only behind it.",
    "# Its namespaces, its root, its program.",
    `exec env -i ${environment} "$(command -v nsenter)" --target ${pid} ${types.join(" ")} --root=/proc/${pid}/root --wd=${quote(`/proc/${pid}/root${cwd}`)}${identity(ops)} ${(exec?.argv ?? []).map(quote).join(" ")}`,
    "",
  ].join("\n");
}
