/** What the functions of this folder work with: one set per engine. */
import type { Images } from "../images/images.ts";
import type { Features } from "../kernel/features.ts";
import type { Log } from "../lib/log.ts";
import type { Networks } from "../networks/networks.ts";
import type { Events } from "./events.ts";
import type { Places } from "./places.ts";
import type { Registry } from "./registry.ts";
import type { Runtimes } from "./runtimes.ts";
import type { UserRanges, UsersMode } from "./user-ranges.ts";

export interface Parts {
  readonly places: Places;
  /** Names the cgroups, the bridge and the firewall table of this engine. */
  readonly instance: string;
  readonly registry: Registry;
  readonly images: Images;
  readonly networks: Networks;
  readonly runtimes: Runtimes;
  readonly features: Features;
  readonly users: UserRanges;
  /** Of containers that do not say: `auto`, `private`, or the host's. */
  readonly usersDefault: UsersMode;
  readonly events: Events;
  readonly log: Log;
  /** Aborted once the engine lets go: what processes do from then on is for the next engine. */
  readonly closing: AbortSignal;
}
