import { expect, jest, test } from "bun:test";
import { Idle } from "./idle.ts";

test("it happens when the last has gone and nobody has come since, and once", () => {
  jest.useFakeTimers();
  try {
    let acted = 0;
    const idle = new Idle(1000, () => (acted += 1));
    idle.came();
    idle.came();
    idle.went();
    jest.advanceTimersByTime(5000);
    expect(acted).toBe(0);
    idle.went();
    jest.advanceTimersByTime(900);
    idle.came();
    jest.advanceTimersByTime(5000);
    expect(acted).toBe(0);
    idle.went();
    jest.advanceTimersByTime(1100);
    expect(acted).toBe(1);
    jest.advanceTimersByTime(5000);
    expect(acted).toBe(1);
  } finally {
    jest.useRealTimers();
  }
});
