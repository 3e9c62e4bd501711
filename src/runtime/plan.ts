/** Compiles a container into its launch plan: what the shim does, in order. Pure: tests read the list, golden files hold it. */
import type { CgroupPlan } from "../kernel/cgroups.ts";
import { type Features, featuresWith } from "../kernel/features.ts";
import { BerthError } from "../lib/error.ts";
import { rootOf } from "../lib/id-map.ts";
import type { Op } from "./op.ts";
import { cgroupPlanOf, joinCgroupOps, makeCgroupOps } from "./plan-cgroups.ts";
import { hooksBeforeExec } from "./plan-hooks.ts";
import { filterOf, identityOps } from "./plan-identity.ts";
import { CLONE, hasOwn, namespaceOps, timeOf } from "./plan-namespaces.ts";
import { consoleOp, treeOps } from "./plan-mounts.ts";
import { networkOps } from "./plan-network.ts";
import {
  affinityOps,
  checkEnteringScheduler,
  checkLinux,
  checkProcess,
  performanceOps,
} from "./plan-process.ts";
import { sysctlOps } from "./plan-sysctls.ts";
import { supervisionOps } from "./plan-supervision.ts";
import { prepare, raisedLimits } from "./plan-user.ts";
import type { NetworkPlan } from "./network-plan.ts";
import type { ExecLaunch, Launch } from "./runtime.ts";
import { listenerOps, messengerOps } from "./seccomp/listener.ts";
import type { Spec } from "./spec.ts";

export { encodePlan } from "./encode.ts";

/** Throws `unsupported` or `unavailable` with the name of what cannot be done, `invalid` for what makes no sense. */
export function compilePlan(launch: Launch, features: Features): Op[] {
  const { spec, network } = launch;
  checkProcess(spec.process);
  checkLinux(spec.linux);
  const cgroup = cgroupPlanOf(spec, features);
  const namespaces = namespaceOps(spec, features);
  const entering = namespaces.shared.length > 0;
  if (entering) checkEnteringScheduler(spec.process);
  const rights = spec.linux.namespaces.some(({ type }) => type === "user")
    ? withAllRights(features)
    : features;
  const filter = filterOf(spec.process, spec.linux.seccomp, rights);
  const ops: Op[] = [
    ...supervisionOps(launch.id, spec.process, launch.supervision, cgroup?.oomCounterFile),
    ...(cgroup === undefined ? [] : makeCgroupOps(cgroup)),
    ...(launch.root.kind === "overlay"
      ? [{ op: "mkdir", path: launch.root.mountpoint, mode: 0o755, existOk: true } as const]
      : []),
    ...listenerOps(filter, launch, { entering }),
    ...namespaces.beforeClone,
    { op: "clone", flags: namespaces.cloneFlags | kinship(launch), cgroup: cgroup?.v2Directory ?? "" },
    ...joinCgroupOps(cgroup?.v1Tasks ?? []),
    ...namespaces.afterClone,
    { op: "session" },
    ...(spec.process.oomScoreAdj === undefined
      ? []
      : [{ op: "oom-score", value: spec.process.oomScoreAdj } as const]),
    ...(entering ? [...messengerOps(filter), ...namespaces.shared] : []),
    ...treeOps(launch, features),
    ...performanceOps(spec.process, spec.linux),
    ...nameOps(spec),
    ...networkOps(
      spec,
      network,
      launch.supervision.waitForStart || needsBarrier(network, cgroup),
      sysctlOps(spec),
    ),
    ...(entering ? [] : messengerOps(filter)),
    ...identityOps(spec.process, filter, rights, {
      createCwd: true,
      enter: entering ? [{ op: "enter" }] : [],
      hooks: hooksBeforeExec(launch),
      handover: launch.supervision.handover,
    }),
  ];
  return prepare(ops, launch, features);
}

/** Over what belongs to a user namespace its root has every right, whatever the engine lacks. */
function withAllRights(features: Features): Features {
  return featuresWith(features, { boundingSet: 2n ** 64n - 1n });
}

/** linux/sched.h: the child is the caller's sibling. */
const CLONE_PARENT = 0x8000;

function kinship({ supervision }: Pick<Launch, "supervision">): number {
  return supervision.handover === undefined ? 0 : CLONE_PARENT;
}

/** Whether the engine has something to do between the clone and the program's first instruction. */
function needsBarrier(network: NetworkPlan | undefined, cgroup: CgroupPlan | undefined): boolean {
  return network?.afterClone !== undefined || cgroup?.deviceProgram !== undefined;
}

/** Without a UTS namespace the names would be the host's. An empty name is none. */
function nameOps(spec: Spec): Op[] {
  const names = [
    { op: "hostname", name: spec.hostname ?? "" },
    { op: "domainname", name: spec.domainname ?? "" },
  ] as const;
  const asked = names.filter(({ name }) => name !== "");
  if (asked[0] !== undefined && !hasOwn(spec, "uts"))
    throw new BerthError("invalid", `unable to set ${asked[0].op} without a private UTS namespace`);
  return asked;
}

/** Behind what takes the host's rights: none of them is left. */
function joinUser(target: ExecLaunch["target"], others: number): Op[] {
  return [{ op: "join-process", ...target, flags: others | CLONE.user }, { op: "become-root" }];
}

const JOINED = CLONE.mount | CLONE.uts | CLONE.ipc | CLONE.network | CLONE.cgroup | CLONE.pid;

/**
 * One more process in a container: joins, then the same last steps as the first. It is born into the pid namespace when it may no more
 * than it shall: until then nobody in the container sees it.
 */
export function compileExecPlan(launch: ExecLaunch, features: Features): Op[] {
  const { id, process, supervision, target, seccomp, idMap } = launch;
  checkProcess(process);
  checkEnteringScheduler(process);
  const rights = idMap === undefined ? features : withAllRights(features);
  const oomScore: Op[] =
    process.oomScoreAdj === undefined ? [] : [{ op: "oom-score", value: process.oomScoreAdj }];
  const { hierarchies, v2 } = features.cgroups;
  const joined = JOINED | timeOf(launch.container.spec);
  const birth = launch.v2Cgroup ?? launch.cgroup;
  const filter = filterOf(process, seccomp, rights);
  const identity = identityOps(process, filter, rights, {
    createCwd: false,
    enter: [{ op: "enter" }],
    handover: supervision.handover,
  });
  return [
    ...supervisionOps(id, process, supervision),
    ...(idMap === undefined ? [] : [{ op: "owner", ...rootOf(idMap) } as const]),
    ...listenerOps(filter, launch.container, { pid: target.pid, entering: true }),
    { op: "join-process", ...target, flags: 0 }, // is it still there?
    { op: "clone", flags: kinship(launch), cgroup: v2 === undefined ? "" : v2.mountpoint + birth },
    ...affinityOps(process.execCPUAffinity?.initial),
    ...joinCgroupOps(hierarchies.map(({ mountpoint }) => `${mountpoint}${launch.cgroup}/tasks`)),
    ...affinityOps(process.execCPUAffinity?.final),
    ...performanceOps(process, launch.linux),
    ...messengerOps(filter),
    ...(idMap === undefined
      ? [{ op: "join-process", ...target, flags: joined } as const, ...oomScore]
      : [...oomScore, ...raisedLimits(identity, features), ...joinUser(target, joined)]),
    ...(process.terminal ? [consoleOp({ process }, { bind: false, entering: true })] : []),
    ...(supervision.waitForStart ? [{ op: "barrier" } as const] : []),
    ...identity,
  ];
}
