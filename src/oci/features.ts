/** `features`: what this runtime can do, as the specification's features.md has it. */
import { writeSync } from "node:fs";
import { probeFeatures } from "../kernel/features.ts";
import { VERSION } from "../lib/version.ts";
import { CAPABILITIES } from "../runtime/capabilities.ts";
import { mountOptionNames } from "../runtime/mount-options.ts";
import { CLONE } from "../runtime/plan-namespaces.ts";
import { ARCHITECTURES } from "../runtime/seccomp/architectures.ts";
import { ACTIONS, COMPARISONS } from "../runtime/seccomp/decisions.ts";
import { FLAGS } from "../runtime/seccomp/seccomp.ts";
import type { Command } from "./command.ts";
import { SPEC_VERSION } from "./version.ts";

export const features: Command = {
  flags: [],
  usage: "",
  help: "Prints what this runtime supports, as JSON.",
  least: 0,
  most: 0,
  run: () => void writeSync(1, `${JSON.stringify(supported(), undefined, 4)}\n`),
};

export function supported(): object {
  const { seccomp } = probeFeatures();
  return {
    ociVersionMin: "1.0.0",
    ociVersionMax: SPEC_VERSION,
    hooks: ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
    mountOptions: mountOptionNames(),
    linux: {
      namespaces: Object.keys(CLONE).toSorted(),
      capabilities: CAPABILITIES,
      cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: true },
      seccomp: {
        enabled: seccomp,
        actions: Object.keys(ACTIONS).toSorted(),
        operators: Object.keys(COMPARISONS).toSorted(),
        archs: Object.keys(ARCHITECTURES).toSorted(),
        knownFlags: Object.keys(FLAGS).toSorted(),
        supportedFlags: Object.keys(FLAGS).toSorted(),
      },
      apparmor: { enabled: false },
      selinux: { enabled: false },
      intelRdt: { enabled: false },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: { "dev.berth.version": VERSION },
  };
}
