/** Ports of a container as `ps` shows them: `0.0.0.0:8080->80/tcp, 90-92/udp` (docker's formatter DisplayablePorts). */
import type { Port } from "../wire/schema.ts";

interface Run {
  readonly key: string;
  readonly shown: (range: string) => string;
  first: number;
  last: number;
}

export function displayPorts(ports: readonly Port[]): string {
  const runs: Run[] = [];
  for (const port of ports.toSorted(byPlace)) {
    const published = port.IP ? `${port.IP.includes(":") ? `[${port.IP}]` : port.IP}:` : "";
    const key = `${published}/${port.Type}/${port.PublicPort ? port.PublicPort - port.PrivatePort : ""}`;
    const last = runs.at(-1);
    if (last?.key === key && last.last + 1 === port.PrivatePort) last.last++;
    else runs.push({ key, first: port.PrivatePort, last: port.PrivatePort, shown: shower(port, published) });
  }
  return runs
    .map((run) => run.shown(run.first === run.last ? `${run.first}` : `${run.first}-${run.last}`))
    .join(", ");
}

function shower(port: Port, published: string): (range: string) => string {
  if (!port.PublicPort) return (range) => `${range}/${port.Type}`;
  const shift = port.PublicPort - port.PrivatePort;
  const shifted = (range: string): string =>
    range
      .split("-")
      .map((one) => Number(one) + shift)
      .join("-");
  return (range) => `${published}${shifted(range)}->${range}/${port.Type}`;
}

function byPlace(a: Port, b: Port): number {
  if (a.PrivatePort !== b.PrivatePort) return a.PrivatePort - b.PrivatePort;
  if ((a.IP ?? "") !== (b.IP ?? "")) return (a.IP ?? "") < (b.IP ?? "") ? -1 : 1;
  return a.Type < b.Type ? -1 : 1;
}
