/** Paths as text. node:path costs a command line a millisecond, and this is all that run needs of it. */
import { desk } from "./desk.ts";

/** Absolute, without `.`, `..` and doubled slashes. */
export function absolutePath(path: string, directory: string = desk().directory()): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${directory}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
