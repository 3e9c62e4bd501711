/** Ids of containers, execs and endpoints: 64 lower-case hex digits, as docker's. */

export function newId(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

/** The 12 digits that people see. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}

export function isFullId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
