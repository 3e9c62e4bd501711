/** Ports of a container as `ps` shows them: `90-92/udp, 0.0.0.0:8080->80/tcp` (docker's formatter DisplayablePorts). */
import type { Port } from "../wire/schema.ts";

interface Run {
  readonly ip: string;
  readonly type: string;
  first: number;
  last: number;
}

/** Ports side by side become one run, unless they have another number outside: those come last, one by one. */
export function displayPorts(ports: readonly Port[]): string {
  const sorted = ports.toSorted(byPlace);
  const moved = sorted.filter(isMoved);
  const open = new Map<string, Run>();
  const done: Run[] = [];
  for (const port of sorted.filter((one) => !isMoved(one))) {
    const key = `${port.IP ?? ""}/${port.Type}`;
    const run = open.get(key);
    if (run !== undefined && run.last + 1 === port.PrivatePort) {
      run.last++;
      continue;
    }
    if (run !== undefined) done.push(run);
    open.set(key, { ip: port.IP ?? "", type: port.Type, first: port.PrivatePort, last: port.PrivatePort });
  }
  return [...[...done, ...open.values()].map(showRun), ...moved.map(showMoved)].join(", ");
}

function isMoved(port: Port): boolean {
  return Boolean(port.IP) && port.PublicPort !== port.PrivatePort;
}

function showRun({ ip, type, first, last }: Run): string {
  const range = first === last ? `${first}` : `${first}-${last}`;
  return `${ip === "" ? "" : `${ip}:${range}->`}${range}/${type}`;
}

function showMoved(port: Port): string {
  const ip = port.IP?.includes(":") ? `[${port.IP}]` : port.IP;
  return `${ip}:${port.PublicPort}->${port.PrivatePort}/${port.Type}`;
}

function byPlace(a: Port, b: Port): number {
  if (a.PrivatePort !== b.PrivatePort) return a.PrivatePort - b.PrivatePort;
  if ((a.IP ?? "") !== (b.IP ?? "")) return (a.IP ?? "") < (b.IP ?? "") ? -1 : 1;
  const [publicA, publicB] = [a.PublicPort ?? 0, b.PublicPort ?? 0];
  if (publicA !== publicB) return publicA - publicB;
  return a.Type < b.Type ? -1 : 1;
}
