/** Names of images, read as docker reads them (distribution/reference): `busybox` is `docker.io/library/busybox:latest`. */
import { type Digest, isDigest } from "../lib/digest.ts";
import { BerthError } from "../lib/error.ts";

export interface Reference {
  /** `docker.io`, `localhost:5000` … */
  readonly domain: string;
  /** `library/busybox`, without the domain. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const DEFAULT_DOMAIN = "docker.io";
const OFFICIAL = "library/";
const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const DOMAIN_PART = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = new RegExp(`^(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^\w[\w.-]{0,127}$/;

/** With the tag `latest` when neither tag nor digest is said. Throws `invalid` in docker's words. */
export function parseReference(text: string): Reference {
  const { name, tag, digest } = split(text);
  const { domain, path } = splitDomain(name);
  if (/^[a-f0-9]{64}$/.test(text))
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  if (path.toLowerCase() !== path && PATH.test(path.toLowerCase()))
    throw invalid(`invalid reference format: repository name (${path}) must be lowercase`);
  if (!DOMAIN.test(domain) || !PATH.test(path) || (tag !== undefined && !TAG.test(tag)))
    throw invalid("invalid reference format");
  if (name.length > 255) throw invalid("repository name must not be more than 255 characters");
  if (digest !== undefined) return { domain, path, ...(tag === undefined ? {} : { tag }), digest };
  return { domain, path, tag: tag ?? "latest" };
}

/** Docker's pair of parameters `repo` and `tag`. A name by digest cannot be given to an image. */
export function nameFrom(repo: string, tag?: string): Reference {
  const reference = parseReference(repo);
  if (reference.digest !== undefined) throw invalid("refusing to create a tag with a digest reference");
  if (tag === undefined || tag === "") return reference;
  if (!TAG.test(tag)) throw invalid("invalid tag format");
  return { ...reference, tag };
}

export function isReference(text: string): boolean {
  try {
    return parseReference(text) !== undefined;
  } catch {
    return false;
  }
}

/** The whole name, under which tags are stored: `docker.io/library/busybox:latest`. */
export function canonical(reference: Reference): string {
  return `${reference.domain}/${reference.path}${suffix(reference)}`;
}

/** As people see it: `busybox:latest`. */
export function familiar(reference: Reference): string {
  return familiarName(reference) + suffix(reference);
}

/** As people see it, without tag and digest: `busybox`. */
export function familiarName({ domain, path }: Reference): string {
  if (domain !== DEFAULT_DOMAIN) return `${domain}/${path}`;
  return path.startsWith(OFFICIAL) && !path.slice(OFFICIAL.length).includes("/")
    ? path.slice(OFFICIAL.length)
    : path;
}

/** What a canonical name looks like to people. */
export function familiarOf(name: string): string {
  return familiar(parseReference(name));
}

function suffix({ tag, digest }: Reference): string {
  return (tag === undefined ? "" : `:${tag}`) + (digest === undefined ? "" : `@${digest}`);
}

function split(text: string): { name: string; tag?: string | undefined; digest?: Digest | undefined } {
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) throw invalid("invalid reference format");
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(":");
  const hasTag = colon > named.lastIndexOf("/");
  return {
    name: hasTag ? named.slice(0, colon) : named,
    tag: hasTag ? named.slice(colon + 1) : undefined,
    digest,
  };
}

function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf("/");
  const first = name.slice(0, slash);
  const isHost = slash >= 0 && (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first);
  const domain = isHost && first !== "index.docker.io" ? first : DEFAULT_DOMAIN;
  const rest = isHost ? name.slice(slash + 1) : name;
  return { domain, path: domain === DEFAULT_DOMAIN && !rest.includes("/") ? OFFICIAL + rest : rest };
}

function invalid(message: string): BerthError {
  return new BerthError("invalid", message);
}
