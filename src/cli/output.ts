/** The two streams that people read. What was printed is out before the process ends. */
import { desk } from "./desk.ts";

export function print(line: string): void {
  write(1, `${line}\n`);
}

/** For people: what an image or a container has chosen in it (a path, a name) does not get to speak to their terminal. */
export function printError(line: string): void {
  write(2, `${visible(line)}\n`);
}

/** Control characters spelled out, but for ends of lines and tabs. */
export function visible(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

/** For programs as it is; on a terminal as people may see it. */
export function visibleOn(number: 1 | 2, text: string): string {
  return isTerminal(number) ? visible(text) : text;
}

/** Writes all of it. `number` is 1 or 2. */
export function write(number: number, data: string | Uint8Array): void {
  desk().write(number, bytesOf(data));
}

/** The same, for what must be quick. Resolves when all of it is out, or will be. */
export async function writeQuickly(number: number, data: string | Uint8Array): Promise<void> {
  const bytes = bytesOf(data);
  if (bytes.length > 0) await desk().writeQuickly(number, bytes);
}

export function isTerminal(descriptor: number): boolean {
  return desk().isTerminal(descriptor);
}

function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}
