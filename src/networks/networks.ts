/** The networks of one engine: today the default bridge and the addresses on it. */
import { BerthError } from "../lib/error.ts";
import type { Store } from "../store/store.ts";
import type { EndpointSettings } from "../wire/schema.ts";
import type { Finding } from "../wire/requests.ts";
import type { Endpoint } from "./endpoint.ts";
import type { NetworkPlan } from "./plan.ts";

export interface NetworksOptions {
  readonly store: Store;
  readonly instance: string;
  /** Where the host's resolvers are read; /etc/resolv.conf when not named. */
  readonly hostResolvConf?: string | undefined;
}

export async function openNetworks(options: NetworksOptions): Promise<Networks> {
  return new Networks(options);
}

export class Networks {
  constructor(readonly options: NetworksOptions) {}
  allocate(containerId: string, request: { mac?: string | undefined; ip?: string | undefined }): Endpoint {
    throw new BerthError("internal", `not built yet: ${containerId} ${request.ip}`);
  }
  find(containerId: string): Endpoint | undefined {
    throw new BerthError("internal", `not built yet: ${containerId}`);
  }
  plan(endpoint: Endpoint): NetworkPlan {
    throw new BerthError("internal", `not built yet: ${endpoint.id}`);
  }
  release(containerId: string): void {
    throw new BerthError("internal", `not built yet: ${containerId}`);
  }
  describe(endpoint: Endpoint): EndpointSettings {
    throw new BerthError("internal", `not built yet: ${endpoint.id}`);
  }
  async recover(live: ReadonlySet<string>, options: { repair: boolean } = { repair: true }): Promise<Finding[]> {
    throw new BerthError("internal", `not built yet: ${live.size} ${options.repair}`);
  }
  async removeAll(): Promise<void> {}
  async close(): Promise<void> {}
}
