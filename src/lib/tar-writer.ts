/** Writes tar archives: ustar where it suffices, a pax header before what it cannot say (long or odd names, big numbers, xattrs, nanoseconds). */
import { checksums, FIELD, type Field } from "./tar-fields.ts";
import { BLOCK, type ByteString, fromByteString, paddingOf, type TarHeader, type TarType } from "./tar.ts";

const FLAGS: Readonly<Record<TarType, string>> = {
  file: "0",
  link: "1",
  symlink: "2",
  char: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

/** Two blocks of zeroes. */
export const END_OF_TAR: Uint8Array = new Uint8Array(2 * BLOCK);

const ZEROES = new Uint8Array(BLOCK);

/** The header block of an entry, with its pax header if it needs one. `size` bytes of content and padding() must follow. */
export function encodeHeader(header: Partial<TarHeader> & { name: ByteString; type: TarType }): Uint8Array {
  const full = { ...EMPTY, ...header };
  const records = paxRecords(full);
  const block = headerBlock(full, FLAGS[full.type]);
  if (records.length === 0) return block;
  const body = Buffer.concat(records.map(encodeRecord));
  const pax = { ...EMPTY, name: "PaxHeaders/entry", type: "file" as const, size: body.length, mode: 0o644 };
  return Buffer.concat([headerBlock(pax, "x"), body, padding(body.length), block]);
}

/** What fills the last block of `size` bytes. */
export function padding(size: number): Uint8Array {
  return ZEROES.subarray(0, paddingOf(size));
}

/** A small file as one piece: header, content, padding. */
export function encodeFile(name: ByteString, content: Uint8Array | string, mode = 0o644): Uint8Array {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  return Buffer.concat([
    encodeHeader({ name, type: "file", size: bytes.length, mode }),
    bytes,
    padding(bytes.length),
  ]);
}

const EMPTY: TarHeader = {
  type: "file",
  name: "",
  linkName: "",
  size: 0,
  mode: 0,
  uid: 0,
  gid: 0,
  userName: "",
  groupName: "",
  mtime: { seconds: 0, nanoseconds: 0 },
  major: 0,
  minor: 0,
  xattrs: new Map(),
};

const MAX_OCTAL_7 = 0o7777777;
const MAX_OCTAL_11 = 0o77777777777;

function paxRecords(header: TarHeader): [string, Uint8Array][] {
  const records: [string, Uint8Array][] = [];
  const say = (key: string, value: ByteString): void => void records.push([key, fromByteString(value)]);
  const tooBig = (value: number, limit: number): boolean => value < 0 || value > limit;
  if (header.name.length > 100) say("path", header.name);
  if (header.linkName.length > 100) say("linkpath", header.linkName);
  if (tooBig(header.size, MAX_OCTAL_11)) say("size", String(header.size));
  if (tooBig(header.uid, MAX_OCTAL_7)) say("uid", String(header.uid));
  if (tooBig(header.gid, MAX_OCTAL_7)) say("gid", String(header.gid));
  if (header.userName.length > 32) say("uname", header.userName);
  if (header.groupName.length > 32) say("gname", header.groupName);
  if (header.mtime.nanoseconds !== 0 || tooBig(header.mtime.seconds, MAX_OCTAL_11))
    say("mtime", formatTime(header));
  if (tooBig(header.major, MAX_OCTAL_7)) say("SCHILY.devmajor", String(header.major));
  if (tooBig(header.minor, MAX_OCTAL_7)) say("SCHILY.devminor", String(header.minor));
  for (const [name, value] of header.xattrs) records.push([`SCHILY.xattr.${name}`, value]);
  return records;
}

/** `seconds.nanoseconds`, where a time before 1970 counts down from zero. */
function formatTime({ mtime: { seconds, nanoseconds } }: TarHeader): string {
  const below = seconds < 0 && nanoseconds > 0;
  const whole = below ? -(seconds + 1) : Math.abs(seconds);
  const fraction = below ? 1_000_000_000 - nanoseconds : nanoseconds;
  const digits = fraction === 0 ? "" : `.${String(fraction).padStart(9, "0").replace(/0+$/, "")}`;
  return `${seconds < 0 ? "-" : ""}${whole}${digits}`;
}

/** `length key=value\n`, where the length counts itself. */
function encodeRecord([key, value]: readonly [string, Uint8Array]): Uint8Array {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, "latin1"), value, Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function headerBlock(header: TarHeader, flag: string): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  const text = ([offset, length]: Field, value: ByteString): void =>
    void block.write(value.slice(0, length), offset, "latin1");
  const octal = ([offset, length]: Field, value: number): void => {
    const digits = value < 0 ? "" : value.toString(8);
    text([offset, length], (digits.length < length ? digits : "").padStart(length - 1, "0"));
  };
  text(FIELD.name, header.name);
  octal(FIELD.mode, header.mode);
  octal(FIELD.uid, header.uid);
  octal(FIELD.gid, header.gid);
  octal(FIELD.size, header.size);
  octal(FIELD.mtime, header.mtime.seconds);
  text(FIELD.type, flag);
  text(FIELD.linkName, header.linkName);
  text(FIELD.magic, "ustar\x0000");
  text(FIELD.userName, header.userName);
  text(FIELD.groupName, header.groupName);
  octal(FIELD.major, header.major);
  octal(FIELD.minor, header.minor);
  text(FIELD.checksum, `${checksums(block).unsigned.toString(8).padStart(6, "0")}\0 `);
  return block;
}
