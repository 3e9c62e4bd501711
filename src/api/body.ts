/** Request bodies: JSON within limits, or bytes that know whether they are all there. */
import type { IncomingMessage } from "node:http";
import { BerthError } from "../lib/error.ts";

export const MAX_JSON_BYTES = 4 << 20;
const MAX_JSON_DEPTH = 64;

/** The JSON value of the body, or undefined when there is none. Words of moby api/server/httputils/httputils.go. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const type = request.headers["content-type"];
  if (type === undefined && !mayHaveBody(request)) return undefined;
  requireJsonType(type ?? "");
  const text = await readText(request);
  return text.trim() === "" ? undefined : parseJson(text);
}

/** The raw body. It throws when the client goes away before the end, so that half an upload is never taken for one. */
export async function* uploadOf(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    // Who stops reading early still wants to answer: the connection stays.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
  } catch (error) {
    throw new BerthError("invalid", "the client went away in the middle of the request", { cause: error });
  }
}

export function mayHaveBody(request: IncomingMessage): boolean {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  return encoding !== undefined || Number(length ?? 0) > 0;
}

function requireJsonType(type: string): void {
  const media = type.split(";")[0]?.trim().toLowerCase();
  if (media === "application/json") return;
  throw new BerthError("invalid", `unsupported Content-Type header (${type}): must be 'application/json'`);
}

async function readText(request: IncomingMessage): Promise<string> {
  if (Number(request.headers["content-length"] ?? 0) > MAX_JSON_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of uploadOf(request)) {
    bytes += chunk.length;
    if (bytes > MAX_JSON_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return decodeUtf8(Buffer.concat(chunks));
}

/** The server reads on and forgets, so that the client gets as far as reading this. */
function tooLarge(): BerthError {
  return new BerthError("invalid", `the request body is larger than ${MAX_JSON_BYTES >> 20} MiB of JSON`);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new BerthError("invalid", "invalid JSON: not UTF-8", { cause: error });
  }
}

function parseJson(text: string): unknown {
  if (nesting(text) > MAX_JSON_DEPTH) throw new BerthError("invalid", "invalid JSON: nested too deeply");
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BerthError("invalid", `invalid JSON: ${why}`, { cause: error });
  }
}

/** How deep brackets go, those in strings left out. */
function nesting(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === "[" || token === "{") deepest = Math.max(deepest, ++depth);
    else if (token === "]" || token === "}") depth--;
  }
  return deepest;
}
