/** `spec`: a config.json to begin with. */
import { existsSync, writeFileSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import type { Command } from "./command.ts";
import { BUNDLE_FLAG } from "./create.ts";
import { SPEC_VERSION } from "./version.ts";

export const spec: Command = {
  flags: [BUNDLE_FLAG, { names: ["rootless"], help: "refused: berth runs containers as root" }],
  usage: "",
  help: "Writes config.json, which runs sh in the root file system `rootfs`.",
  least: 0,
  most: 0,
  run({ flags }) {
    if (flags.on("rootless"))
      throw new BerthError("unsupported", "--rootless is not supported: berth runs containers as root");
    const directory = flags.text("bundle");
    const path = directory === undefined ? "config.json" : `${directory}/config.json`;
    if (existsSync(path)) throw new BerthError("conflict", "File config.json exists. Remove it first");
    writeFileSync(path, JSON.stringify(example(), undefined, "\t"), { mode: 0o666 });
  },
};

const CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
const NAMESPACES = ["pid", "network", "ipc", "uts", "mount"];

/** What runc writes, too. */
function example(): object {
  return {
    ociVersion: SPEC_VERSION,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
      cwd: "/",
      capabilities: {
        bounding: CAPABILITIES,
        effective: CAPABILITIES,
        permitted: CAPABILITIES,
        ambient: CAPABILITIES,
      },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "runc",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      mount("/dev", "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k"),
      mount("/dev/pts", "devpts", "devpts", "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5"),
      mount("/dev/shm", "tmpfs", "shm", "nosuid noexec nodev mode=1777 size=65536k"),
      mount("/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev"),
      mount("/sys", "sysfs", "sysfs", "nosuid noexec nodev ro"),
      mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid noexec nodev relatime ro"),
    ],
    linux: {
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces: NAMESPACES.map((type) => ({ type })),
      maskedPaths: MASKED,
      readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
  };
}

function mount(destination: string, type: string, source: string, options: string): object {
  return { destination, type, source, options: options.split(" ") };
}

const MASKED = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/sys/firmware",
  "/proc/scsi",
];
