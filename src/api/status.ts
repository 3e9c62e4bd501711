/** The one place where an error becomes an HTTP status. A new code does not compile until it is listed. */
import { BerthError, type ErrorCode } from "../lib/error.ts";

const STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid: 400,
  unauthorized: 403,
  not_found: 404,
  conflict: 409,
  not_modified: 304,
  unsupported: 501,
  command_not_found: 400,
  command_not_executable: 400,
  no_space: 507,
  unavailable: 503,
  corrupt: 400,
  internal: 500,
};

/** Names the code to berth's own command line, which picks the exit code by it. */
export const ERROR_CODE_HEADER = "Berth-Error-Code";

export function statusOf(error: unknown): number {
  return error instanceof BerthError ? STATUS[error.code] : 500;
}

/** What the client is told. An error that is no BerthError is a bug of berth, and says so. */
export function messageOf(error: unknown): string {
  if (error instanceof BerthError) return error.message;
  return `a bug in berth: ${error instanceof Error ? error.message : String(error)}`;
}
