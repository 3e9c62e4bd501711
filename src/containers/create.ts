/** `create`: from a request to a record and a directory. Either both exist afterwards, or neither. */
import { mkdirSync, rmSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import { step } from "../lib/failpoint.ts";
import { newId } from "../lib/id.ts";
import { formatTime, unixNanoseconds } from "../lib/time.ts";
import type { Image } from "../images/image.ts";
import { parseMac } from "../networks/endpoint.ts";
import { parseExtraHost } from "../networks/hosts.ts";
import { noSuchContainer, platformMismatch } from "../wire/messages.ts";
import type { ContainerCreateRequest } from "../wire/requests.ts";
import type { ContainerCreateResponse, HostConfig } from "../wire/schema.ts";
import { requireSupported } from "./accept.ts";
import { Container } from "./container.ts";
import { hostFacts, hostName } from "./facts.ts";
import { mountRequests } from "./mounts.ts";
import { parseName, randomName } from "./names.ts";
import { otherContainer } from "./network.ts";
import type { Parts } from "./parts.ts";
import { containerDirectory } from "./places.ts";
import { shortfallWarnings } from "./shortfall.ts";
import { compact, type ContainerSpec, mergeConfig } from "./spec.ts";
import { hostWarnings, verifyConfig, verifyHostConfig } from "./verify.ts";
import { requireSources } from "./sources.ts";
import { chooseUsers, giveBackUsers, takeUsers, type UsersChoice, withUsers } from "./users.ts";

/** Durable when this returns. */
export function createContainer(
  parts: Parts,
  name: string | undefined,
  request: ContainerCreateRequest,
  platform: string | undefined,
): ContainerCreateResponse {
  const id = newId();
  const { spec: asked, users, warnings } = toSpec(parts, id, request, platform);
  const chosen = name ? parseName(name) : randomName((candidate) => parts.registry.hasName(candidate));
  parts.registry.requireFreeName(chosen);
  const createdAt = formatTime(unixNanoseconds());
  const spec = withUsers(asked, takeUsers(parts, users));
  const container = new Container(id, { name: chosen, createdAt, spec, state: { status: "created" } });
  try {
    store(parts, container);
  } catch (error) {
    giveBackUsers(parts, spec);
    throw error;
  }
  parts.events.container(container, "create");
  return { Id: id, Warnings: warnings };
}

function store(parts: Parts, container: Container): void {
  const directory = containerDirectory(parts.places, container.id);
  using undo = new DisposableStack();
  undo.defer(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(directory, { mode: 0o700 });
  mkdirSync(`${directory}/upper`, { mode: 0o755 });
  mkdirSync(`${directory}/work`, { mode: 0o755 });
  step();
  parts.registry.add(container);
  undo.move();
}

/** Checks everything that can be checked before there is a process. `explain` uses it too. */
export function toSpec(
  parts: Parts,
  id: string,
  request: ContainerCreateRequest,
  platform?: string,
): { spec: ContainerSpec; users: UsersChoice; warnings: string[] } {
  requireSupported(request);
  const { HostConfig: asked, NetworkingConfig: networking, ...config } = request;
  if (!config.Image) throw new BerthError("invalid", "Config.Image must not be empty: name an image");
  const image = parts.images.get(config.Image);
  requirePlatform(image, config.Image, platform);
  const hostConfig = normaliseHostConfig(asked ?? {});
  const facts = hostFacts(parts.features);
  verifyConfig(config);
  verifyHostConfig(hostConfig, facts);
  requireSources(mountRequests(hostConfig));
  verifyNetwork(parts, hostConfig, request);
  const references = resolveReferences(parts, hostConfig);
  const merged = mergeConfig(config, image.config.config ?? {});
  const spec: ContainerSpec = {
    config: compact({ ...merged, Hostname: hostnameOf(parts, id, merged.Hostname, references) }, [
      "StopTimeout",
    ]),
    hostConfig: references,
    image: {
      id: image.id,
      layers: image.layerLinks,
      platform: compact({
        os: image.config.os,
        architecture: image.config.architecture,
        variant: image.config.variant ?? "",
      }),
    },
    endpoint: endpointOf(request, networking?.EndpointsConfig ?? {}),
  };
  const warnings = [
    ...hostWarnings(hostConfig, facts),
    ...shortfallWarnings(hostConfig, parts.features),
    ...volumeWarnings(merged.Volumes ?? {}),
    ...(platform ? [] : platformWarnings(parts, image)),
  ];
  return { spec, users: chooseUsers(parts, references), warnings };
}

/** Addresses and names that would only fail at start. */
function verifyNetwork(parts: Parts, hostConfig: HostConfig, { MacAddress }: ContainerCreateRequest): void {
  for (const entry of hostConfig.ExtraHosts ?? []) parseExtraHost(entry);
  if (MacAddress) parseMac(MacAddress);
  const { Dns: dns, DnsSearch: search, DnsOptions: options } = hostConfig;
  if (dns || search || options)
    parts.networks.resolvConf({ dns: dns ?? [], search: search ?? [], options: options ?? [] });
}

/** Docker's defaults that show in inspect. */
function normaliseHostConfig(asked: HostConfig): HostConfig {
  const hostConfig = compact(asked, ["MemorySwappiness", "ConsoleSize"]);
  const memory = asked.Memory ?? 0;
  return {
    ...hostConfig,
    NetworkMode: !asked.NetworkMode || asked.NetworkMode === "default" ? "bridge" : asked.NetworkMode,
    ...(memory > 0 && !asked.MemorySwap ? { MemorySwap: memory * 2 } : {}),
    ...(asked.MaskedPaths ? { MaskedPaths: asked.MaskedPaths } : {}),
    ...(asked.ReadonlyPaths ? { ReadonlyPaths: asked.ReadonlyPaths } : {}),
  };
}

/** `container:web` means the container that is called web today: its id is kept. So is the runtime that is the default today. */
function resolveReferences(parts: Parts, hostConfig: HostConfig): HostConfig {
  const resolved = { ...hostConfig, Runtime: parts.runtimes.resolveName(hostConfig.Runtime) };
  for (const mode of ["NetworkMode", "IpcMode", "PidMode"] as const) {
    const ref = otherContainer(hostConfig[mode]);
    if (ref === undefined) continue;
    const other = parts.registry.find(ref);
    if (other === undefined) throw new BerthError("invalid", `${mode}: ${noSuchContainer(ref)}`); // 404 is the image's here
    resolved[mode] = `container:${other.id}`;
  }
  return resolved;
}

/** Asked for, or of the container or host whose network is shared, or the id's first digits. */
function hostnameOf(
  parts: Parts,
  id: string,
  asked: string | null | undefined,
  hostConfig: HostConfig,
): string {
  const other = otherContainer(hostConfig.NetworkMode);
  if (other !== undefined) {
    if (asked) throw new BerthError("invalid", "conflicting options: hostname and the network mode");
    return parts.registry.get(other).spec.config.Hostname ?? "";
  }
  if (asked) return asked;
  return hostConfig.NetworkMode === "host" || hostConfig.UTSMode === "host" ? hostName() : id.slice(0, 12);
}

function requirePlatform(image: Image, ref: string, platform: string | undefined): void {
  if (!platform) return;
  const { os, architecture, variant } = image.config;
  const [wantedOs, wantedArchitecture, wantedVariant] = platform.split("/");
  const fits =
    wantedOs === os &&
    (wantedArchitecture === undefined || wantedArchitecture === architecture) &&
    (wantedVariant === undefined || variant === undefined || wantedVariant === variant);
  if (fits) return;
  throw new BerthError(
    "not_found",
    platformMismatch(ref, [os, architecture, variant].filter(Boolean).join("/"), platform),
  );
}

const GO_ARCHITECTURES = { x86_64: "amd64", aarch64: "arm64" } as const;

/** It may run all the same, by binfmt_misc; if not, its exec says why. */
function platformWarnings({ features }: Parts, { config }: Image): string[] {
  const host = GO_ARCHITECTURES[features.architecture];
  if (config.architecture === host || config.architecture === "") return [];
  return [
    `The requested image's platform (${config.os}/${config.architecture}) does not match ` +
      `the detected host platform (linux/${host}) and no specific platform was requested`,
  ];
}

function endpointOf(
  request: ContainerCreateRequest,
  endpoints: NonNullable<NonNullable<ContainerCreateRequest["NetworkingConfig"]>["EndpointsConfig"]>,
): NonNullable<ContainerSpec["endpoint"]> {
  const [endpoint] = Object.values(endpoints);
  const ip = endpoint?.IPAMConfig?.IPv4Address;
  const mac = endpoint?.MacAddress || request.MacAddress;
  if (endpoint?.IPAMConfig?.IPv6Address)
    throw new BerthError(
      "unsupported",
      "NetworkingConfig.IPAMConfig: berth does not support IPv6 addresses of one's own yet",
    );
  return { ...(ip ? { ip } : {}), ...(mac ? { mac } : {}) };
}

/** An image's VOLUME would be an anonymous volume of docker; here its content stays in the container's own layer. */
function volumeWarnings(volumes: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(volumes).map(
    (path) =>
      `The image declares the volume ${path}: berth has no volumes yet, its content is kept in the container itself.`,
  );
}
