import { expect, test } from "bun:test";
import { waitAtMost } from "./patience.ts";

const FOR_EVER = new Promise(() => undefined);

test.each([
  ["succeeds", () => Promise.resolve(1)],
  ["fails", () => Promise.reject(new Error("no"))],
])("work that %s has ended", async (_, work) => {
  expect(await waitAtMost(1_000_000, work())).toBeUndefined();
});

test("work without end is waited for no longer than that", async () => {
  expect(await waitAtMost(1, FOR_EVER)).toBeUndefined();
});

test("nothing keeps a process that has waited", async () => {
  const script = `import { waitAtMost } from "${import.meta.dir}/patience.ts"; await waitAtMost(1_000_000, Promise.resolve());`;
  const child = Bun.spawn([process.execPath, "-e", script], { timeout: 20_000 });
  expect(await child.exited).toBe(0);
});
