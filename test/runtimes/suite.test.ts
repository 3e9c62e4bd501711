/** The suite of berth's own driver, passed by the other OCI runtimes that Debian has. */
import { probeFeatures } from "../../src/kernel/features.ts";
import { openExternalRuntime } from "../../src/runtime/external.ts";
import { runtimeSuite, type Subject } from "../../src/runtime/runtime-suite.ts";
import { has, type Part } from "../support/parts.ts";

function subject(
  name: Extract<Part, "runc" | "crun" | "runsc">,
  { args = [], cannot, missing }: { args?: string[]; missing?: string | undefined } & Pick<Subject, "cannot">,
): Subject {
  const path = Bun.which(name) ?? "";
  return {
    title: `a process of ${name}`,
    missing: has("root", "busybox", name) ? missing : "its parts are missing",
    open: ({ instance, features, directory }) =>
      openExternalRuntime({
        instance,
        features,
        runtime: { name, path, args, stateDirectory: `${directory}/state-${name}` },
      }),
    ...(cannot && { cannot }),
  };
}

runtimeSuite(subject("runc", {}));

runtimeSuite(
  subject("runsc", {
    args: ["--network=host", "--net-raw", "--oci-seccomp"],
    cannot: {
      "a value no sysctl takes fails the start and leaves nothing":
        "gVisor's kernel is its own, and it does not look at sysctls",
      "an exec has the rights and the filter of the container":
        "this gVisor filters the system calls of the first process and its children only",
      "an exec is in the control groups of the container": "gVisor shows none to its processes",
      "an exec that has ended leaves no process": "gVisor's own processes come and go",
    },
  }),
);

runtimeSuite(subject("crun", { missing: crunRefuses() }));

/** crun 1.8 knows version 1 and version 2, and between them only a version 2 without controllers. */
function crunRefuses(): string | undefined {
  const { mode, v2 } = probeFeatures().cgroups;
  const refused = mode === "hybrid" && v2 !== undefined && v2.controllers.length > 0;
  return refused
    ? 'it says "cgroups in hybrid mode not supported, drop all controllers from cgroupv2"'
    : undefined;
}
