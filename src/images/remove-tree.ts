/** Deleting what was unpacked from archives: by coreutils, which walk by descriptors. Node's rm takes minutes for a tree of 2,000 levels. */
import { run } from "../kernel/spawn.ts";

/** Gone afterwards, with all that is in it; never across a mount. */
export async function removeTree(path: string): Promise<void> {
  await run("rm", ["-rf", "--one-file-system", "--", path], { debianPackage: "coreutils" });
}
