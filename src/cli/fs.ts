/** node:fs, loaded by who needs it: it costs a command line a millisecond, and `run` can do without. */
export function fs(): typeof import("node:fs") {
  return process.getBuiltinModule("node:fs");
}
