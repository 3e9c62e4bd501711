/** Sockets that node:net cannot make: pairs, and who is at the other end of one. */
import { closeSync, openSync } from "node:fs";
import { basename, dirname } from "node:path";
import { addressOf, call, keepAlive } from "./ffi.ts";

const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

/** Two ends of a unix stream, both closed on exec. */
export function socketpair(): readonly [number, number] {
  const pair = new Int32Array(2);
  call("socketpair", "make a pair of", "sockets", AF_UNIX, SOCK_STREAM_CLOEXEC, 0, pair);
  return [pair[0] ?? -1, pair[1] ?? -1];
}

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** The process that connected, as the kernel noted it then. */
export function peerCredentials(fd: number): PeerCredentials {
  const credentials = new Int32Array(3);
  const size = new Int32Array([credentials.byteLength]);
  call(
    "getsockopt",
    "identify the peer of",
    `descriptor ${fd}`,
    fd,
    SOL_SOCKET,
    SO_PEERCRED,
    credentials,
    size,
  );
  return { pid: credentials[0] ?? 0, uid: credentials[1] ?? 0, gid: credentials[2] ?? 0 };
}

/** Connects to a unix stream socket. The caller closes it. */
export function connectUnix(path: string): number {
  return atAddress("connect", path, SOCK_STREAM_CLOEXEC);
}

/** A unix datagram socket that others send to at `path`, which is not there yet. The caller closes it. */
export function bindDatagrams(path: string): number {
  return atAddress("bind", path, SOCK_DGRAM_CLOEXEC);
}

/** However long the path is: an address holds 107 bytes, but a directory can be named by its descriptor. */
function atAddress(what: "connect" | "bind", path: string, type: number): number {
  const fd = call("socket", "make a socket for", path, AF_UNIX, type, 0);
  try {
    const directory = openSync(dirname(path), "r");
    try {
      const name = Buffer.from(`/proc/self/fd/${directory}/${basename(path)}`);
      const address = Buffer.alloc(2 + name.length + 1);
      address.writeUInt16LE(AF_UNIX, 0);
      address.set(name, 2);
      call(what, `${what} a socket to`, path, fd, address, address.length);
      return fd;
    } finally {
      closeSync(directory);
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

const CONTROL_SIZE = 24; // a header of 16 bytes and one descriptor, padded
const MSG_CMSG_CLOEXEC = 0x40000000;

/** Waits for the next message; the descriptor that came with it, undefined where none did. The caller closes it. */
export function receiveDescriptor(socket: number): number | undefined {
  const [data, control] = [new Uint8Array(256), new Uint8Array(CONTROL_SIZE)];
  const part = new BigUint64Array([BigInt(addressOf(data)), BigInt(data.length)]);
  const parts = new Uint8Array(part.buffer);
  const message = new BigUint64Array([
    0n,
    0n,
    BigInt(addressOf(parts)),
    1n,
    BigInt(addressOf(control)),
    BigInt(control.length),
    0n,
  ]);
  call("recvmsg", "receive from", `descriptor ${socket}`, socket, message, MSG_CMSG_CLOEXEC);
  keepAlive(data, control, parts);
  return message[5] === 0n ? undefined : new DataView(control.buffer).getInt32(16, true);
}
