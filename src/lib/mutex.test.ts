import { expect, test } from "bun:test";
import { Mutex } from "./mutex.ts";

test("one at a time, in the order of asking, also after a failure", async () => {
  const mutex = new Mutex();
  const order: string[] = [];
  const work = async (name: string, fails: boolean) => {
    using _held = await mutex.lock();
    order.push(`${name} begins`);
    await Promise.resolve();
    order.push(`${name} ends`);
    if (fails) throw new Error(name);
  };
  await Promise.allSettled([work("a", true), work("b", false), work("c", false)]);
  expect(order).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("is held until the last who asked lets go", async () => {
  const mutex = new Mutex();
  expect(mutex.isHeld).toBe(false);
  const [first, second] = [mutex.lock(), mutex.lock()];
  (await first)[Symbol.dispose]();
  expect(mutex.isHeld).toBe(true);
  (await second)[Symbol.dispose]();
  expect(mutex.isHeld).toBe(false);
});
