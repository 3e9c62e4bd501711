/** The flags in front of the command. */
import type { Flag } from "./flags.ts";

export const GLOBAL_FLAGS: readonly Flag[] = [
  { names: ["debug"], help: "enable debug logging" },
  { names: ["log"], value: "path", help: "file for the log (default: standard error)" },
  { names: ["log-format"], value: "text", help: "text (default) or json" },
  {
    names: ["root"],
    value: "path",
    help: "where the states of containers are kept (default: /run/berth-oci)",
  },
  { names: ["criu"], value: "text", help: "accepted and without meaning: there is no checkpoint" },
  { names: ["systemd-cgroup"], help: "refused: control groups are made directly" },
  { names: ["rootless"], value: "text", help: "true is refused; false and auto (default) are taken" },
  { names: ["help", "h"], help: "show help" },
  { names: ["version", "v"], help: "print the version" },
];
