/** `linux/amd64`, `linux/arm64/v8`: which machine an image is for (containerd/platforms). */
import { BerthError } from "../lib/error.ts";

export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
}

const ALIASES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  aarch64: ["arm64"],
  i386: ["386"],
  i686: ["386"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
};
const NODE_NAMES: Readonly<Record<string, string>> = {
  x64: "amd64",
  arm64: "arm64",
  ia32: "386",
  arm: "arm",
};

export function hostPlatform(): Platform {
  return { architecture: NODE_NAMES[process.arch] ?? process.arch, os: "linux" };
}

/** `arm64` alone is an architecture, `linux` alone an operating system; what is not said is the host's. */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split("/");
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part)))
    throw new BerthError("invalid", `"${text}": unknown operating system or architecture: invalid argument`);
  const [first = "", second, third] = parts;
  if (second === undefined) return first === "linux" ? hostPlatform() : withAlias("linux", first);
  return withAlias(first, second, third);
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined || variant === "" ? [] : [variant])].join("/");
}

/** Whether an image for `actual` will do for `wanted`. Where one of them names no variant, any will do. */
export function matchesPlatform(actual: Platform, wanted: Platform): boolean {
  const variants = [actual.variant, wanted.variant].map((variant) => variant ?? "");
  const sameVariant =
    variants[0] === variants[1] ||
    variants.includes("") ||
    (variants.includes("v8") && actual.architecture === "arm64");
  return actual.os === wanted.os && actual.architecture === wanted.architecture && sameVariant;
}

function withAlias(os: string, architecture: string, variant?: string): Platform {
  const [canonical, implied] = ALIASES[architecture] ?? [architecture];
  const chosen = variant ?? implied;
  return { architecture: canonical, os, ...(chosen === undefined ? {} : { variant: chosen }) };
}
