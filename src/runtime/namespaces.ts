/** The driver that runs processes in namespaces of this kernel, each under a shim of its own. */
import type { Features } from "../kernel/features.ts";
import type { Runtime } from "./runtime.ts";

export interface NamespacesOptions {
  /** Names the parent control group: `/<instance>/<id>`. */
  readonly instance: string;
  readonly features: Features;
  /** `<run>`: holds `c/<id>` and `x/<exec id>`. */
  readonly runDirectory: string;
}

export function openNamespacesRuntime(options: NamespacesOptions): Runtime {
  throw new Error(`not built yet: ${options.instance}`);
}
