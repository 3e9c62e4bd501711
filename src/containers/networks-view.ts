/** `NetworkSettings` of inspect and list. */
import type { EndpointSettings, NetworkSettings, Port, PortMap } from "../wire/schema.ts";
import type { Container } from "./container.ts";
import { networkKind, networkName } from "./network.ts";
import type { Parts } from "./parts.ts";

const NO_ENDPOINT: EndpointSettings = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  MacAddress: "",
  DriverOpts: null,
  GwPriority: 0,
  NetworkID: "",
  EndpointID: "",
  Gateway: "",
  IPAddress: "",
  IPPrefixLen: 0,
  IPv6Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  DNSNames: null,
};

/** By network name; without addresses while it does not run. */
export function endpointsOf(parts: Parts, container: Container): { [name: string]: EndpointSettings } {
  const name = networkName(container.spec.hostConfig);
  if (name === undefined) return {};
  if (name !== "bridge") return { [name]: NO_ENDPOINT };
  return { bridge: parts.networks.describe(parts.networks.find(container.id)) };
}

export function networkSettings(parts: Parts, container: Container): NetworkSettings {
  const Networks = endpointsOf(parts, container);
  const { bridge = NO_ENDPOINT } = Networks;
  const own = container.handle !== undefined && networkKind(container.spec.hostConfig).kind !== "container";
  const endpoint = {
    EndpointID: bridge.EndpointID ?? "",
    Gateway: bridge.Gateway ?? "",
    IPAddress: bridge.IPAddress ?? "",
    IPPrefixLen: bridge.IPPrefixLen ?? 0,
    MacAddress: bridge.MacAddress ?? "",
  };
  return {
    Bridge: "",
    SandboxID: own ? container.id : "",
    SandboxKey: own ? `/proc/${container.handle?.pid}/ns/net` : "",
    Ports: exposedPorts(container),
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    IPv6Gateway: "",
    ...endpoint,
    Networks,
  };
}

/** Docker's null for a port that is exposed, but not published. */
function exposedPorts(container: Container): PortMap {
  const names = hasPorts(container) ? Object.keys(container.spec.config.ExposedPorts ?? {}) : [];
  return Object.fromEntries(names.map((name) => [name, null])) as unknown as PortMap;
}

function hasPorts({ handle, spec }: Container): boolean {
  return handle !== undefined && networkKind(spec.hostConfig).kind === "bridge";
}

/** `Ports` of list. */
export function portsOf(container: Container): Port[] {
  if (!hasPorts(container)) return [];
  return Object.keys(container.spec.config.ExposedPorts ?? {}).map((name) => {
    const [number, protocol = "tcp"] = name.split("/");
    return { PrivatePort: Number(number), Type: protocol as Port["Type"] };
  });
}
