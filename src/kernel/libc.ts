/** The doors to Linux by name; the files behind them hold one subject each, `ffi.ts` the one dlopen they share. */
export { attempt, call, cString, type Path, setEnvironment, setEnvironment as setenv } from "./ffi.ts";
export * from "./files.ts";
export * from "./mounts.ts";
export * from "./processes.ts";
export * from "./sockets.ts";
