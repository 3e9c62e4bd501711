/** A command of the runtime in the name of a process elsewhere: what is done with its rights and its descriptors is asked of it. */
import type { Front } from "../front/front.ts";
import { featuresWith, namedLimits, probeFeatures } from "../kernel/features.ts";
import { errnoText } from "../kernel/errno.ts";
import { encodePlan } from "../runtime/encode.ts";
import type { Caller } from "./caller.ts";
import type { CalledAs } from "./names.ts";
import { openLog } from "./log.ts";
import { runOci } from "./oci.ts";

/** The exit code. Throws Elsewhere, with nothing done, where the process must perform it itself. */
export async function runOciFor(front: Front, { name, words }: CalledAs): Promise<number> {
  const { oomScoreAdjust, limits, environment } = front.call;
  const features = featuresWith(probeFeatures(), { oomScoreAdjust, hardLimits: namedLimits(limits) });
  const caller = callerOf(front);
  const code = await runOci(name, words, environment, caller, features);
  await front.flush();
  if (front.trouble === undefined) return code;
  openLog(caller, { json: false, debug: false })(
    "error",
    `write: ${errnoText(front.trouble.errno).toLowerCase()}`,
  );
  return FAILED;
}

/** What was to be printed was not. */
const FAILED = 1;

function callerOf(front: Front): Caller {
  return {
    ours: false,
    directory: front.call.directory,
    print: (descriptor, text) => front.print(descriptor, text),
    async start(ops) {
      const { pid, control } = await front.launch(encodePlan(ops));
      return {
        pid,
        chunks: control.chunks,
        send: (bytes) => control.send(bytes),
        close: () => control.end(),
      };
    },
    reap: (pid) => front.reap(pid),
    keepSignals: () => front.keepSignals(),
    attend(ops) {
      front.attend(encodePlan(ops));
      return 0;
    },
  };
}
