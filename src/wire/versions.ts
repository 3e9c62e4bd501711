/** Which versions of Docker's API berth speaks, and the names of its media types. */

export const API_VERSION = "1.50";
export const MIN_API_VERSION = "1.24";

/** The bytes of a terminal, or frames for clients older than 1.42. */
export const RAW_STREAM = "application/vnd.docker.raw-stream";
/** Frames of `wire/stream.ts`; announced since 1.42. */
export const MULTIPLEXED_STREAM = "application/vnd.docker.multiplexed-stream";

/** Carries a base64 `PathStat`. */
export const PATH_STAT_HEADER = "X-Docker-Container-Path-Stat";

/** Negative when `a` is older than `b`; both are `major.minor`. */
export function compareVersions(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split(".").map(Number);
  const [bMajor = 0, bMinor = 0] = b.split(".").map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}
