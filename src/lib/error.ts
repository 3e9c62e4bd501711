/** Expected failures. Anything else that is thrown is a bug in berth, and is reported as one. */

/** HTTP status and exit code are looked up from this, never chosen where the error is thrown. */
export type ErrorCode =
  | "invalid" // the request makes no sense: bad name, bad size, bad syntax
  | "unauthorized" // the caller may not
  | "not_found" // no such image, container, path
  | "conflict" // name taken, container running, image in use
  | "not_modified" // already in the state that was asked for
  | "unsupported" // a known option that berth does not have (yet); the message names it
  | "command_not_found" // exec: ENOENT (exit code 127)
  | "command_not_executable" // exec: EACCES, ENOEXEC, EISDIR (exit code 126)
  | "no_space" // disk full
  | "unavailable" // a part of the system is missing: tool, kernel feature, engine
  | "corrupt" // what is stored or was sent does not match its digest or its format
  | "internal"; // the kernel refused something that should have worked

export class BerthError extends Error {
  override readonly name = "BerthError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Runs `work`; if it fails as expected, says what we were doing and keeps the code. */
export async function doing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    throw new BerthError(error.code, `${what}: ${error.message}`, { cause: error });
  }
}
