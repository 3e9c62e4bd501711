/** The file system that every container stands on. */
import { readFileSync } from "node:fs";
import type { Features } from "../kernel/features.ts";
import { run } from "../kernel/spawn.ts";
import { BerthError } from "../lib/error.ts";

let loaded = false;

/** A kernel that has it as a module may not have loaded it yet; one that has none is named before anything is tried. */
export async function requireOverlay({ filesystems }: Features): Promise<void> {
  if (loaded || filesystems.includes("overlay")) return;
  await run("modprobe", ["overlay"], { debianPackage: "kmod" }).catch(() => undefined); // what counts is what there is now
  loaded = /\toverlay$/m.test(readFileSync("/proc/filesystems", "utf8"));
  if (loaded) return;
  throw new BerthError(
    "unavailable",
    "this kernel has no overlay file system, on which every container stands: " +
      "load its module (modprobe overlay), or boot a kernel with CONFIG_OVERLAY_FS",
  );
}
