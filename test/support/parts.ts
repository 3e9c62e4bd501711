/** What a test may need of the machine. What is missing is said once, with the reason; under CI it is a failure. */
import { existsSync } from "node:fs";

const PARTS = {
  root: { present: () => process.getuid?.() === 0, missing: "not root" },
  docker: { present: () => Bun.which("docker") !== null, missing: "no docker command (Debian: docker.io)" },
  busybox: { present: () => Bun.which("busybox") !== null, missing: "no busybox (Debian: busybox-static)" },
  dockerd: {
    present: () => existsSync("/usr/sbin/dockerd"),
    missing: "no docker engine to compare with (Debian: docker.io)",
  },
  runc: { present: () => Bun.which("runc") !== null, missing: "no runc to compare with (Debian: runc)" },
  ctr: { present: () => Bun.which("ctr") !== null, missing: "no containerd (Debian: containerd)" },
  podman: { present: () => Bun.which("podman") !== null, missing: "no podman (Debian: podman)" },
  buildah: { present: () => Bun.which("buildah") !== null, missing: "no buildah (Debian: buildah)" },
  strace: { present: canTrace, missing: "strace is missing or may not trace (Debian: strace)" },
  skopeo: { present: () => Bun.which("skopeo") !== null, missing: "no skopeo (Debian: skopeo)" },
  umoci: { present: () => Bun.which("umoci") !== null, missing: "no umoci (Debian: umoci)" },
  crun: { present: () => Bun.which("crun") !== null, missing: "no crun (Debian: crun)" },
  runsc: { present: () => Bun.which("runsc") !== null, missing: "no gVisor (Debian: runsc)" },
  script: { present: () => Bun.which("script") !== null, missing: "no script (Debian: bsdutils)" },
} as const;

export type Part = keyof typeof PARTS;

const said = new Set<Part>();

/** Whether all of them are here: for `test.if(has("root", "docker"))`. */
export function has(...parts: readonly Part[]): boolean {
  const missing = parts.filter((part) => !PARTS[part].present());
  for (const part of missing) say(part);
  return missing.length === 0;
}

function say(part: Part): void {
  const reason = PARTS[part].missing;
  if (process.env.CI === "true") throw new Error(`CI must have every part: ${reason}`);
  if (!said.has(part)) console.log(`skipping tests: ${reason}`);
  said.add(part);
}

function canTrace(): boolean {
  if (Bun.which("strace") === null) return false;
  return (
    Bun.spawnSync(["strace", "-o", "/dev/null", "true"], { stdout: "ignore", stderr: "ignore" }).exitCode ===
    0
  );
}
