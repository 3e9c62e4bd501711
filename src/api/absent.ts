/** Objects that berth has none of beside the built-in networks, for clients that look for them before they go on. */
import { BerthError } from "../lib/error.ts";
import type { Call } from "./call.ts";
import { json, type Reply } from "./reply.ts";
import { route } from "./route.ts";

const BUILT_IN = [network("bridge", "bridge"), network("host", "host"), network("none", "null")];

function network(name: string, driver: string) {
  return {
    Name: name,
    Id: new Bun.CryptoHasher("sha256").update(`berth network ${name}`).digest("hex"),
    Created: "0001-01-01T00:00:00Z",
    Scope: "local",
    Driver: driver,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: { Driver: "default", Options: null, Config: [] },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: {},
    Options: {},
    Labels: {},
  };
}

function list({ query }: Call): Reply {
  const filters = query.filters();
  const names = filters.get("name") ?? [];
  const drivers = filters.get("driver") ?? [];
  const shown = BUILT_IN.filter(
    ({ Name: name, Driver: driver }) =>
      (names.length === 0 || names.some((wanted) => name.includes(wanted))) &&
      (drivers.length === 0 || drivers.includes(driver)),
  );
  return json(shown);
}

function inspect(call: Call): Reply {
  const ref = call.parameter("id");
  const found = BUILT_IN.find(({ Name: name, Id: id }) => name === ref || id.startsWith(ref));
  if (found === undefined) throw new BerthError("not_found", `network ${ref} not found`);
  return json(found);
}

/** `docker inspect NAME` asks for one object after the other, and goes on only after a 404. */
function noVolume(call: Call): Reply {
  throw new BerthError("not_found", `get ${call.parameter("name")}: no such volume`);
}

function noPlugin(call: Call): Reply {
  throw new BerthError("not_found", `plugin ${JSON.stringify(call.parameter("name"))} not found`);
}

export const absentRoutes = [
  route("GET", "/networks", list, { query: ["filters"] }),
  route("GET", "/networks/{id}", inspect, { query: ["verbose", "scope"] }),
  route("GET", "/volumes", () => json({ Volumes: [], Warnings: null }), { query: ["filters"] }),
  route("GET", "/volumes/{name}", noVolume),
  route("GET", "/plugins/{name}/json", noPlugin),
];
