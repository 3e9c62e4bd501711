import { expect, test } from "bun:test";
import { Bus } from "./bus.ts";

test("watch() sees what is published after the call, also before it is read, until aborted", async () => {
  const bus = new Bus<number>(2);
  const ending = new AbortController();
  bus.publish(1);
  const watched = bus.watch(ending.signal);
  bus.publish(2);
  const seen: number[] = [];
  for await (const message of watched) {
    seen.push(message);
    if (message === 2) queueMicrotask(() => bus.publish(3));
    else ending.abort();
  }
  expect(seen).toEqual([2, 3]);
  expect(bus.listenerCount).toBe(0);
});

test("the last messages are remembered", () => {
  const bus = new Bus<number>(2);
  for (const message of [1, 2, 3]) bus.publish(message);
  expect(bus.recent).toEqual([2, 3]);
});

test("a watcher that is never read costs bounded memory, and ends", async () => {
  const bus = new Bus<number>(1);
  const watched = bus.watch(new AbortController().signal, 3);
  for (let message = 0; message < 10; message++) bus.publish(message);
  expect(await Array.fromAsync(watched)).toEqual([0, 1, 2]);
  expect(bus.listenerCount).toBe(0);
});
