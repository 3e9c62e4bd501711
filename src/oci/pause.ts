/** `pause` and `resume`: all processes of a container stop where they are, and go on. */
import { freeze, thaw } from "../kernel/cgroups.ts";
import { BerthError } from "../lib/error.ts";
import type { Command } from "./command.ts";
import { lockContainer, statusOf } from "./container.ts";

export const pause: Command = {
  flags: [],
  usage: "<container-id>",
  help: "Suspends all processes of a container.",
  least: 1,
  most: 1,
  async run(call) {
    using locked = lockContainer(call, call.args[0] ?? "");
    const { container } = locked;
    const { features } = call;
    const status = statusOf(container, features);
    if (status !== "running" && status !== "created")
      throw new BerthError("conflict", "container not running");
    await freeze(features.cgroups, container.spec.linux.cgroupsPath ?? "");
  },
};

export const resume: Command = {
  flags: [],
  usage: "<container-id>",
  help: "Lets the processes of a paused container go on.",
  least: 1,
  most: 1,
  async run(call) {
    using locked = lockContainer(call, call.args[0] ?? "");
    const { container } = locked;
    const { features } = call;
    if (statusOf(container, features) !== "paused") throw new BerthError("conflict", "container not paused");
    await thaw(features.cgroups, container.spec.linux.cgroupsPath ?? "");
  },
};
