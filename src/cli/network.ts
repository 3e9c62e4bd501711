/** `--network NAME` or `--network name=NAME,ip=…`, and the flags about the address. */
import { BerthError } from "../lib/error.ts";
import type { EndpointSettings, NetworkingConfig } from "../wire/schema.ts";
import { parseCsvLine } from "./csv.ts";

export interface NetworkRequest {
  readonly mode: string;
  readonly networking: NetworkingConfig | undefined;
}

/** One network for now; `mode` is `default` when none is named. */
export function networkRequest(names: readonly string[], ip: string, mac: string): NetworkRequest {
  if (names.length > 1) {
    throw new BerthError(
      "unsupported",
      "--network is given more than once: one network is supported for now",
    );
  }
  const { mode, settings } = parseNetwork(names[0] ?? "default");
  const endpoint: EndpointSettings = {
    ...settings,
    ...(ip === "" ? {} : { IPAMConfig: { IPv4Address: ip } }),
    ...(mac === "" ? {} : { MacAddress: mac }),
  };
  if (Object.keys(endpoint).length === 0) return { mode, networking: undefined };
  return { mode, networking: { EndpointsConfig: { [mode]: endpoint } } };
}

function parseNetwork(text: string): { mode: string; settings: EndpointSettings } {
  if (!text.includes("=")) return { mode: requireName(text), settings: {} };
  const fields = new Map(parseCsvLine(text).map((field) => splitField(field)));
  const [ip, mac] = [fields.get("ip"), fields.get("mac-address")];
  const settings: EndpointSettings = {
    ...(ip === undefined ? {} : { IPAMConfig: { IPv4Address: ip } }),
    ...(mac === undefined ? {} : { MacAddress: mac }),
  };
  return { mode: requireName(fields.get("name") ?? ""), settings };
}

function splitField(field: string): [string, string] {
  const [key = "", value = ""] = field.split(/=(.*)/s);
  if (["name", "ip", "mac-address"].includes(key)) return [key, value];
  throw new BerthError("unsupported", `--network: ${key} is not supported yet`);
}

function requireName(mode: string): string {
  if (mode === "") throw new BerthError("invalid", "no name set for network");
  return mode;
}
