/** The unix socket: who may use it, and what becomes of one that a dead engine left behind. */
import { chmodSync, chownSync, lstatSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { BerthError } from "../lib/error.ts";

/** Listens at `path` with mode 0600, or 0660 for a group; at no moment is it wider. */
export async function listen(server: Server, path: string, group: string | undefined): Promise<void> {
  const groupId = group === undefined ? undefined : groupIdOf(group);
  await removeStale(path);
  const mask = process.umask(0o177);
  try {
    await listening(server, path);
  } finally {
    process.umask(mask);
  }
  if (groupId === undefined) return;
  chownSync(path, -1, groupId);
  chmodSync(path, 0o660);
}

export async function closeSocket(
  server: Server,
  sockets: ReadonlySet<Duplex>,
  path: string,
  graceMs: number,
): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeIdleConnections();
  const cut = setTimeout(() => sockets.forEach((socket) => socket.destroy()), graceMs);
  await closed;
  clearTimeout(cut);
  rmSync(path, { force: true });
}

function listening(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", (error) => {
    reject(new BerthError("unavailable", `listen on ${path}: ${error.message}`, { cause: error }));
  });
  server.listen(path, resolve);
  return promise;
}

async function removeStale(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new BerthError("conflict", `${path} exists and is no socket: remove it`);
  if (await isAlive(path)) throw new BerthError("conflict", `another engine listens on ${path}`);
  rmSync(path, { force: true });
}

function isAlive(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ path });
  socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}

function groupIdOf(group: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  const line = readFileSync("/etc/group", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${group}:`));
  if (line === undefined) throw new BerthError("not_found", `no such group: ${group}`);
  return Number(line.split(":")[2]);
}
