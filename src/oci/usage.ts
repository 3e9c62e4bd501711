/** A call that cannot be understood: its command's help is shown beside the reason. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
