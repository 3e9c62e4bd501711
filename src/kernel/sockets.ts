/** Sockets that node:net cannot make: pairs, and who is at the other end of one. */
import { call } from "./ffi.ts";

const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
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
