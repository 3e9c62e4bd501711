/** `--device /dev/x[:/dev/y][:rwm]` (docker's cli/command/container/opts.go parseLinuxDevice). */
import { BerthError } from "../lib/error.ts";
import type { DeviceMapping } from "../wire/schema.ts";

export function parseDevice(text: string): DeviceMapping {
  const parts = text.split(":");
  const [source = "", second = "", third] = parts;
  if (parts.length > 3) throw new BerthError("invalid", `invalid device specification: ${text}`);
  if (source === "") throw new BerthError("invalid", `bad format for path: ${text}`);
  const target = isMode(second) || second === "" ? source : second;
  const mode = third ?? (isMode(second) ? second : "rwm");
  if (!isMode(mode)) throw new BerthError("invalid", `bad mode specified: ${mode}`);
  if (!target.startsWith("/")) throw new BerthError("invalid", `${target} is not an absolute path`);
  return { PathOnHost: source, PathInContainer: target, CgroupPermissions: mode };
}

/** Each of r, w and m at most once. */
function isMode(text: string): boolean {
  return /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;
}
