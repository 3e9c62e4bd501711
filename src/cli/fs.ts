/** Files of the command line's own: what only the process itself can open, with its rights and from where it is. */
import { demandOurs, ownFs } from "./desk.ts";

export function fs(): typeof import("node:fs") {
  demandOurs();
  return ownFs();
}
