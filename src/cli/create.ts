/** `berth create`: a container that is not started yet. */
import { BerthError } from "../lib/error.ts";
import { atLeast, type Command } from "./command.ts";
import { CONTAINER_FLAGS } from "./container-flags.ts";
import { checkPull, createContainer } from "./container-launch.ts";
import { containerRequest } from "./container-request.ts";
import { failed } from "./failure.ts";
import type { ContainerCreateRequest } from "../wire/requests.ts";
import type { Call } from "./command.ts";
import { print } from "./output.ts";

export const create: Command = {
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  args: atLeast(1),
  stopAtArgument: true,
  completes: "images",
  flags: CONTAINER_FLAGS,
  async run(call) {
    const request = requestOf(call);
    print(await createContainer(await call.client(), request, call.flags));
  },
};

/** What cannot be read is 125 here; what the engine refuses is 1, as with docker. */
function requestOf({ flags, args, environment }: Call): ContainerCreateRequest {
  try {
    checkPull(flags);
    return containerRequest({ flags, args, environment, detached: false });
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    throw failed(125, `berth: ${error.message}\n\nRun 'berth create --help' for more information`);
  }
}
