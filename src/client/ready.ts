/** How the command line learns that the engine it started serves: the engine closes a descriptor. */

/** Resolves when the other end of the socket pair `fd` is closed. Takes the descriptor over. */
export async function closed(fd: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = (): void => resolve();
  await Bun.connect({
    fd,
    socket: { data() {}, end, close: end },
  } as unknown as Bun.UnixSocketOptions<undefined>);
  await promise;
}
