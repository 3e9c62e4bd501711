/** How a command ends badly: the words and the exit code, decided where the command line knows both. */

export interface Meant {
  readonly word: string;
  readonly among: readonly string[];
  readonly prefix: string;
}

/** Docker's StatusError. An empty message prints nothing: the container's own exit code, for one. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly status: number;
  /** What the user may have meant; looked for only when the message is shown. */
  readonly meant: Meant | undefined;

  constructor(status: number, message: string, meant?: Meant) {
    super(message);
    this.status = status;
    this.meant = meant;
  }
}

export function failed(status: number, message: string, { meant }: { meant?: Meant } = {}): Failure {
  return new Failure(status, message, meant);
}
