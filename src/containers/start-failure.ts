/** Why a start failed, in the words that docker's clients look for, and the exit code that follows. */
import { BerthError } from "../lib/error.ts";
import { commandNotFound } from "../wire/messages.ts";
import { commandOf, type ContainerSpec } from "./spec.ts";

export interface StartFailure {
  readonly exitCode: number;
  readonly error: Error;
}

const RUNTIME =
  "failed to create task for container: OCI runtime create failed: unable to start container process: ";

export function explainStartFailure(error: unknown, spec: ContainerSpec): StartFailure {
  const [command = ""] = commandOf(spec.config);
  return explainFailure(error, command, RUNTIME);
}

/** The same for an exec. */
export function explainExecFailure(error: unknown, command: string): StartFailure {
  return explainFailure(
    error,
    command,
    "OCI runtime exec failed: exec failed: unable to start container process: ",
  );
}

function explainFailure(error: unknown, command: string, prefix: string): StartFailure {
  if (!(error instanceof BerthError)) return { exitCode: 128, error: toError(error) }; // a bug: reported as one
  const say = (words: string) => new BerthError(error.code, prefix + words, { cause: error });
  switch (error.code) {
    case "command_not_found":
      return { exitCode: 127, error: say(commandNotFound(command)) };
    case "command_not_executable":
      return { exitCode: 126, error: say(error.message) };
    default:
      return { exitCode: 128, error };
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error), { cause: error });
}
