/** Sizes as docker reads and writes them (github.com/docker/go-units). */
import { BerthError } from "./error.ts";

const DECIMAL = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];
const POWERS = "kmgtp";

/** `512m`, `1.5g`, `64KiB`, `100` as bytes: letters are powers of 1024, as docker counts memory. Whole, never negative. */
export function parseSizeBytes(text: string): number {
  const [, number = "", suffix = ""] = /^(.*[\d.]) ?([^\d. ]*)$/s.exec(text) ?? [];
  if (number === "") throw new BerthError("invalid", `invalid size: '${text}'`);
  const value = parseFloatStrictly(number);
  if (value < 0) throw new BerthError("invalid", `invalid size: '${text}'`);
  return Math.trunc(value * multiplierOf(suffix.toLowerCase()));
}

/** Powers of 1000 with `digits` significant ones: `1.23MB`. */
export function formatSize(bytes: number, digits = 3): string {
  return scaled(bytes, 1000, DECIMAL, digits);
}

/** Powers of 1024 with four significant digits: `1.952GiB`. */
export function formatBinarySize(bytes: number): string {
  return scaled(bytes, 1024, BINARY, 4);
}

/** Go's `%.<digits>g`: no zeros at the end, an exponent when there are more digits before the point than asked for. */
export function formatSignificant(value: number, digits: number): string {
  if (value === 0) return "0";
  const [mantissa = "", exponentText = "0"] = value.toExponential(digits - 1).split("e");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < digits) return trimZeros(value.toFixed(digits - 1 - exponent));
  const sign = exponent < 0 ? "-" : "+";
  return `${trimZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function scaled(bytes: number, base: number, units: readonly string[], digits: number): string {
  let [value, at] = [bytes, 0];
  for (; value >= base && at < units.length - 1; at++) value /= base;
  return `${formatSignificant(value, digits)}${units[at]}`;
}

function trimZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** ``, `b`, `k`, `kb`, `kib` and so on. */
function multiplierOf(suffix: string): number {
  if (suffix === "" || suffix === "b") return 1;
  const power = POWERS.indexOf(suffix.slice(0, 1));
  if (power < 0 || !["", "b", "ib"].includes(suffix.slice(1))) {
    throw new BerthError("invalid", `invalid suffix: '${suffix}'`);
  }
  return 1024 ** (power + 1);
}

function parseFloatStrictly(text: string): number {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) {
    throw new BerthError("invalid", `strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return Number(text);
}
