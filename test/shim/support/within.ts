/** Waiting, with a limit: what hangs is said by its name. */

/** What happens at once elsewhere may take so long on a busy machine; the whole test has a little more. */
export const PATIENCE_MS = 25_000;

/** A time limit with a name, so that a test that hangs says what it was waiting for. */
export async function within<T>(milliseconds: number, what: string, work: () => Promise<T>): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${milliseconds} ms for ${what}`)), milliseconds);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until `condition` holds; it is looked at every few milliseconds. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  milliseconds = PATIENCE_MS,
): Promise<void> {
  await within(milliseconds, what, async () => {
    while (!(await condition())) await Bun.sleep(2);
  });
}
