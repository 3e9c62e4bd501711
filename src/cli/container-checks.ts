/** What may stand behind the flags of run and create. The messages are docker's (cli/opts, cli/command/container). */
import { BerthError } from "../lib/error.ts";
import { parseSizeBytes } from "../lib/size.ts";

export function checkAttach(text: string): void {
  if (["stdin", "stdout", "stderr"].includes(text.toLowerCase())) return;
  throw wrong("valid streams are STDIN, STDOUT and STDERR");
}

/** `1.5` processors as billionths of one. */
export function parseCpusNano(text: string): number {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?(\/\d+)?$/.test(text)) {
    throw wrong(`failed to parse ${text} as a rational number`);
  }
  const [above = "", below = "1"] = text.split("/");
  const nano = (Number(above) / Number(below)) * 1e9;
  if (Math.abs(nano - Math.round(nano)) > 1e-4) throw wrong("value is too precise");
  return Math.round(nano);
}

export const checkCpus: (text: string) => void = parseCpusNano;

/** Bytes; -1 is without limit. */
export function parseSwapBytes(text: string): number {
  return text === "-1" ? -1 : parseSizeBytes(text);
}

export const checkSwap: (text: string) => void = parseSwapBytes;

export function checkUnsigned(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw wrong(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
}

export function checkEnvironment(text: string): void {
  if (text === "" || text.startsWith("=")) throw wrong(`invalid environment variable: ${text}`);
}

export function checkLabel(text: string): void {
  const key = (text.split("=")[0] ?? "").trimStart();
  if (key === "") throw wrong(`invalid label '${text}': empty name`);
  if (/\s/.test(key)) throw wrong(`label '${key}' contains whitespaces`);
}

const SYSCTLS = [
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
];

export function checkSysctl(text: string): void {
  const [key = ""] = text.split("=");
  const known = SYSCTLS.includes(key) || key.startsWith("net.") || key.startsWith("fs.mqueue.");
  if (!known || !text.includes("=")) throw wrong(`sysctl '${text}' is not allowed`);
}

export function checkDeviceRule(text: string): void {
  if (!/^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/.test(text))
    throw wrong(`invalid device cgroup format '${text}'`);
}

/** `/dev/sda:RATE`. */
export function parseThrottle(text: string, rate: (text: string) => number): { Path: string; Rate: number } {
  const { path, rest } = splitDevice(text);
  const shown = rest === "" ? "" : rest;
  try {
    return { Path: path, Rate: rate(shown) };
  } catch {
    throw wrong(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb`,
    );
  }
}

export function checkThrottle(rate: (text: string) => number): (text: string) => void {
  return (text) => parseThrottle(text, rate);
}

/** `/dev/sda:WEIGHT`, between 10 and 1000. */
export function parseWeightDevice(text: string): { Path: string; Weight: number } {
  const { path, rest } = splitDevice(text);
  const weight = Number(rest);
  if (/^\d+$/.test(rest) && (weight === 0 || (weight >= 10 && weight <= 1000)))
    return { Path: path, Weight: weight };
  throw wrong(`invalid weight for device: ${text}`);
}

export const checkWeightDevice: (text: string) => void = parseWeightDevice;

function splitDevice(text: string): { path: string; rest: string } {
  const [path = "", ...rest] = text.split(":");
  if (rest.length !== 1 || path === "") throw wrong(`bad format: ${text}`);
  if (!path.startsWith("/dev/")) throw wrong(`bad format for device path: ${text}`);
  return { path, rest: rest[0] ?? "" };
}

function wrong(message: string): BerthError {
  return new BerthError("invalid", message);
}
