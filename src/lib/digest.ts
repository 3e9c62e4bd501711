/** Content digests. Only `sha256` exists here; other algorithms are refused, not guessed. */
import { BerthError } from "./error.ts";

/** `sha256:` and 64 hex digits. Only functions of this file make one, so holding a Digest means it is well formed. */
export type Digest = string & { readonly brand: "Digest" };

export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && /^sha256:[0-9a-f]{64}$/.test(text);
}

export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw new BerthError("invalid", `invalid digest "${text}"`);
  return text;
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return new Digester().update(bytes).finish();
}

/** The 64 digits, as file names in an OCI layout have them. */
export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** A digest of bytes that come piece by piece. */
export class Digester {
  readonly #hash = new Bun.CryptoHasher("sha256");

  update(bytes: Uint8Array | string): this {
    this.#hash.update(bytes);
    return this;
  }

  finish(): Digest {
    return `sha256:${this.#hash.digest("hex")}` as Digest; // a sha256 in hex is 64 lower-case digits
  }
}
