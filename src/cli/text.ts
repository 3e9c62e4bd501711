/** How single facts are written in docker's lists. */
import { humanDuration } from "../lib/duration.ts";

/** The last sign becomes `…` when there are more than `most`. */
export function ellipsis(text: string, most: number): string {
  const signs = [...text];
  return signs.length <= most ? text : `${signs.slice(0, most - 1).join("")}…`;
}

/** Twelve digits, without the algorithm. */
export function shortId(id: string): string {
  return id.replace(/^[a-z0-9]+:/, "").slice(0, 12);
}

const QUOTED: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\t": "\\t",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};

/** As Go quotes a string. */
export function quote(text: string): string {
  const signs = Array.from(
    text,
    (sign) => QUOTED[sign] ?? (sign < " " || sign === "\u007f" ? `\\x${hex(sign)}` : sign),
  );
  return `"${signs.join("")}"`;
}

function hex(sign: string): string {
  return sign.charCodeAt(0).toString(16).padStart(2, "0");
}

/** `2 hours ago`. */
export function ago(unixSeconds: number, now = Date.now()): string {
  return `${humanDuration(now - unixSeconds * 1000)} ago`;
}

/** Go's time.String() in local time: `2026-01-02 03:04:05 +0000 UTC`. */
export function goTime(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time} ${offset(date, "")} ${zoneName(date)}`;
}

/** RFC 3339 in local time, with seconds. */
export function rfc3339(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000);
  const zone = date.getTimezoneOffset() === 0 ? "Z" : offset(date, ":");
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return `${local.toISOString().slice(0, 19)}${zone}`;
}

export function offset(date: Date, separator: string): string {
  const minutes = -date.getTimezoneOffset();
  const two = (value: number): string => String(Math.floor(Math.abs(value))).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(minutes / 60)}${separator}${two(minutes % 60)}`;
}

function zoneName(date: Date): string {
  if (date.getTimezoneOffset() === 0) return "UTC";
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? offset(date, "");
}

/** Labels as `a=1,b=2`. */
export function joinLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .toSorted()
    .join(",");
}
