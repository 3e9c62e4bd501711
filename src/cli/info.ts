/** `berth info`. */
import { BerthError } from "../lib/error.ts";
import { formatBinarySize } from "../lib/size.ts";
import type { SystemInfo } from "../wire/schema.ts";
import { type Call, type Command, NONE } from "./command.ts";
import { failed } from "./failure.ts";
import { print, printError } from "./output.ts";
import { compileFormat, ONE_FORMAT_HELP } from "./value-format.ts";
import { clientVersion } from "./version.ts";

export const info: Command = {
  usage: "[OPTIONS]",
  args: NONE,
  flags: [{ name: "format", short: "f", value: "string", help: ONE_FORMAT_HELP }],
  async run(call: Call): Promise<void> {
    const format = call.flags.text("format");
    const template = format === "" ? undefined : compileFormat(format);
    const { Version: version, Context: context } = clientVersion();
    if (template === undefined)
      print(`Client:\n Version:    ${version}\n Context:    ${context}\n Debug Mode: false\n\nServer:`);
    const system = await askEngine(call);
    if (template === undefined) print(describeSystem(system).join("\n"));
    else
      print(
        template.execute({
          ...system,
          ClientInfo: { ...clientVersion(), Debug: false, Plugins: [], Warnings: null },
        }),
      );
    for (const warning of template === undefined ? (system.Warnings ?? []) : []) printError(warning);
  },
};

async function askEngine(call: Call): Promise<SystemInfo> {
  try {
    return await (await call.client()).info();
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    throw failed(1, `${error.message}\nerrors pretty printing info`);
  }
}

/** Docker's lines, as far as the engine has something to say (cli/command/system/info.go). */
export function describeSystem(system: SystemInfo): string[] {
  return [
    ` Containers: ${system.Containers}`,
    `  Running: ${system.ContainersRunning}`,
    `  Paused: ${system.ContainersPaused}`,
    `  Stopped: ${system.ContainersStopped}`,
    ` Images: ${system.Images}`,
    ` Server Version: ${system.ServerVersion}`,
    ` Storage Driver: ${system.Driver}`,
    ...(system.DriverStatus ?? []).map(([name, value]) => `  ${name}: ${value}`),
    ` Logging Driver: ${system.LoggingDriver}`,
    ` Cgroup Driver: ${system.CgroupDriver}`,
    ` Cgroup Version: ${system.CgroupVersion}`,
    ...pluginLines(system),
    ` Swarm: ${system.Swarm?.LocalNodeState ?? "inactive"}`,
    ` Runtimes: ${Object.keys(system.Runtimes ?? {}).join(" ")}`,
    ` Default Runtime: ${system.DefaultRuntime}`,
    ...securityLines(system.SecurityOptions ?? []),
    ` Kernel Version: ${system.KernelVersion}`,
    ` Operating System: ${system.OperatingSystem}`,
    ` OSType: ${system.OSType}`,
    ` Architecture: ${system.Architecture}`,
    ` CPUs: ${system.NCPU}`,
    ` Total Memory: ${formatBinarySize(system.MemTotal ?? 0)}`,
    ` Name: ${system.Name}`,
    ` ID: ${system.ID}`,
    ` Docker Root Dir: ${system.DockerRootDir}`,
    ` Debug Mode: ${system.Debug}`,
    ...labelLines(system.Labels ?? []),
    ` Experimental: ${system.ExperimentalBuild}`,
    ` Live Restore Enabled: ${system.LiveRestoreEnabled}`,
    "",
  ];
}

function pluginLines({ Plugins: plugins }: SystemInfo): string[] {
  const { Volume: volume, Network: network, Authorization: authorization, Log: log } = plugins ?? {};
  const line = (kind: string, names: readonly string[] | null | undefined): string =>
    `  ${kind}: ${(names ?? []).join(" ")}`;
  const authorizers = authorization?.length ? [line("Authorization", authorization)] : [];
  return [" Plugins:", line("Volume", volume), line("Network", network), ...authorizers, line("Log", log)];
}

/** `name=seccomp,profile=builtin` is a name, and what is set below it. */
function securityLines(options: readonly string[]): string[] {
  if (options.length === 0) return [];
  const lines = options.flatMap((option) => {
    const pairs = option.split(",").map((pair) => pair.split("="));
    const name = pairs.find(([key]) => key === "name")?.[1] ?? option;
    const others = pairs.filter(([key, value]) => key !== "name" && value !== undefined);
    return [
      `  ${name}`,
      ...others.map(([key = "", value]) => `   ${key.slice(0, 1).toUpperCase()}${key.slice(1)}: ${value}`),
    ];
  });
  return [" Security Options:", ...lines];
}

function labelLines(labels: readonly string[]): string[] {
  return labels.length === 0 ? [] : [" Labels:", ...labels.map((label) => `  ${label}`)];
}
