/** What a create request of an older client means today (moby container_routes.go, postContainersCreate). */
import { BerthError } from "../lib/error.ts";
import type { ContainerCreateRequest } from "../wire/requests.ts";
import type { HostConfig } from "../wire/schema.ts";
import type { Call } from "./call.ts";

type Version = Pick<Call, "since">;

/** The request with the fields that the client's version did not have taken out, and old defaults put in. */
export function toCurrent(request: ContainerCreateRequest, version: Version): ContainerCreateRequest {
  requireOneNetwork(request, version);
  return { ...request, HostConfig: currentHostConfig(request.HostConfig ?? {}, version) };
}

function currentHostConfig(host: HostConfig, version: Version): HostConfig {
  const since = (wanted: string): boolean => version.since(wanted);
  return {
    ...host,
    NetworkMode: host.NetworkMode === "default" ? "bridge" : host.NetworkMode || "bridge",
    ...((host.PidsLimit ?? 0) <= 0 && { PidsLimit: null }),
    ...(!since("1.25") && { AutoRemove: false }),
    ...(!since("1.40") && !host.IpcMode && { IpcMode: "shareable" }),
    ...(!since("1.42") && { ConsoleSize: null }),
    ...(!since("1.43") && { Annotations: null }),
  };
}

function requireOneNetwork({ NetworkingConfig: networking }: ContainerCreateRequest, version: Version): void {
  const names = Object.keys(networking?.EndpointsConfig ?? {});
  if (names.length < 2 || version.since("1.44")) return;
  throw new BerthError(
    "invalid",
    `Container cannot be created with multiple network endpoints: ${names.join(", ")}`,
  );
}
