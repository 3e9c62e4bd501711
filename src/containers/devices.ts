/** `--device`, `--device-cgroup-rule` and the devices of `--privileged`, as nodes to make and rules for the control group. */
import { BerthError } from "../lib/error.ts";
import type { Device, DeviceRule } from "../runtime/spec.ts";
import type { DeviceMapping, HostConfig } from "../wire/schema.ts";

/** The device nodes at or below a path of the host; `path` is where they are there. Undefined: nothing is there. */
export type FindDevices = (path: string) => readonly Device[] | undefined;

export interface ContainerDevices {
  readonly nodes: readonly Device[];
  readonly rules: readonly DeviceRule[];
}

export function devicesOf(hostConfig: HostConfig, find: FindDevices): ContainerDevices {
  const rules = (hostConfig.DeviceCgroupRules ?? []).map(parseRule);
  if (hostConfig.Privileged)
    return { nodes: find("/dev") ?? [], rules: [{ allow: true, access: "rwm" }, ...rules] };
  const asked = (hostConfig.Devices ?? []).map((mapping) => mapDevices(mapping, find));
  return {
    nodes: asked.flatMap(({ nodes }) => nodes),
    rules: [...asked.flatMap((each) => each.rules), ...rules],
  };
}

/** A directory stands for all devices in it. */
function mapDevices(mapping: DeviceMapping, find: FindDevices): { nodes: Device[]; rules: DeviceRule[] } {
  const source = mapping.PathOnHost ?? "";
  const target = mapping.PathInContainer || source;
  const access = mapping.CgroupPermissions || "rwm";
  if (!/^[rwm]{1,3}$/.test(access)) throw new BerthError("invalid", `invalid device mode: ${access}`);
  const found = find(source);
  if (found === undefined || found.length === 0)
    throw new BerthError(
      "invalid",
      `error gathering device information while adding custom device "${source}": ${found === undefined ? "no such file or directory" : "not a device node"}`,
    );
  return {
    nodes: found.map((device) => ({ ...device, path: target + device.path.slice(source.length) })),
    rules: found.map((device) => ruleFor(device, access)),
  };
}

function ruleFor({ type, major, minor }: Device, access: string): DeviceRule {
  return { allow: true, type: type === "b" ? "b" : "c", major: major ?? -1, minor: minor ?? -1, access };
}

/** `c 1:3 rwm`, with `*` for any number. */
export function parseRule(text: string): DeviceRule {
  const match = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text);
  if (match === null) throw new BerthError("invalid", `invalid device cgroup rule format: '${text}'`);
  const [, type = "a", major, minor, access = ""] = match;
  return { allow: true, type: type as "a" | "b" | "c", major: number(major), minor: number(minor), access };
}

function number(text: string | undefined): number {
  return text === "*" ? -1 : Number(text);
}
