/** pax extended headers: `length key=value\n` records, read as bytes and merged over the ustar header. */
import { type ByteString, tarError, type TarTime, toByteString } from "./tar.ts";

/** Keys and values in the order of the archive: the sparse format 0.0 repeats keys. */
export type PaxRecords = readonly (readonly [key: ByteString, value: Uint8Array])[];

export function parsePax(bytes: Uint8Array): PaxRecords {
  const records: [ByteString, Uint8Array][] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + recordLength(bytes, at);
    const blank = bytes.indexOf(0x20, at);
    const equals = bytes.indexOf(0x3d, blank);
    if (end > bytes.length || bytes[end - 1] !== 0x0a || equals < 0 || equals >= end) throw badRecord();
    records.push([toByteString(bytes.subarray(blank + 1, equals)), bytes.slice(equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

/** `1350244992.023960108`, also negative; digits behind the nanosecond are cut off. */
export function parsePaxTime(text: string): TarTime {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text);
  if (match === null) throw tarError(`pax header with the time "${text.slice(0, 40)}"`);
  const nanoseconds = Number((match[3] ?? "").slice(0, 9).padEnd(9, "0"));
  const seconds = Number(match[2]);
  if (match[1] === "") return { seconds, nanoseconds };
  return nanoseconds === 0
    ? { seconds: 0 - seconds, nanoseconds: 0 }
    : { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

export function parsePaxNumber(text: string, key: string): number {
  const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw tarError(`pax header with ${key}="${text.slice(0, 40)}"`);
  return value;
}

function recordLength(bytes: Uint8Array, at: number): number {
  const digits = /^(\d{1,9}) /.exec(toByteString(bytes.subarray(at, at + 10)))?.[1];
  const length = Number(digits);
  if (digits === undefined || length <= digits.length + 2) throw badRecord();
  return length;
}

function badRecord(): Error {
  return tarError("pax header with a record that is no `length key=value`");
}
