/**
 * The bottom of every image: the directories and empty files that a container's mounts need, as docker's init layer has them (moby
 * daemon/initlayer/setup_unix.go). It lies below the image's own layers, so the image wins, and is in no image's history, size or archive.
 */
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import type { Places } from "./places.ts";

const DIRECTORIES = ["dev", "dev/pts", "dev/shm", "etc", "proc", "sys"];
const FILES = ["dev/console", "etc/hostname", "etc/hosts", "etc/resolv.conf"];
const MTAB = "etc/mtab";

/** May be called at every start: what a crash has left undone is done then. */
export function ensureInitLayer(places: Places): void {
  const root = places.initLayer;
  if (!existsSync(`${root}/${MTAB}`)) fill(root);
  if (!existsSync(places.link(0))) symlinkSync("../init/fs", places.link(0));
}

/** Modes are set apart from making, because of our umask; the link comes last and says that all is there. */
function fill(root: string): void {
  chmodSync(root, 0o755);
  for (const name of DIRECTORIES) {
    mkdirSync(`${root}/${name}`, { recursive: true });
    chmodSync(`${root}/${name}`, 0o755);
  }
  for (const name of FILES) {
    writeFileSync(`${root}/${name}`, "");
    chmodSync(`${root}/${name}`, 0o755);
  }
  symlinkSync("/proc/mounts", `${root}/${MTAB}`);
}
