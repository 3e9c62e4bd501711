/** Waiting, but not for ever. */

/** Resolves when the work has ended, however, or has had its time; then it goes on unheard. */
export async function waitAtMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const ended = work.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([ended, over]);
  clearTimeout(timer);
}
