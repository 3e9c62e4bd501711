/** How a container that runs was launched: derived again, not remembered. */
import type { Launch } from "../runtime/runtime.ts";
import type { Container } from "./container.ts";
import { toLaunch } from "./launch.ts";
import { networkFilesIn } from "./network-files.ts";
import type { Parts } from "./parts.ts";
import { containerDirectory } from "./places.ts";

const known = new WeakMap<Container["spec"], Launch>();

/** Without its network: an exec joins what is there. */
export function ownLaunch(parts: Parts, { id, spec }: Container): Launch {
  const launch = known.get(spec) ?? derive(parts, id, spec);
  known.set(spec, launch);
  return launch;
}

function derive(parts: Parts, id: string, spec: Container["spec"]): Launch {
  const files = networkFilesIn(containerDirectory(parts.places, id));
  return toLaunch(parts, id, spec, { files, join: {}, network: undefined, waitForStart: false });
}
