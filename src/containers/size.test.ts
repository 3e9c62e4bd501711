import { expect, test } from "bun:test";
import type { Parts } from "./parts.ts";
import { writtenBytes } from "./size.ts";

test("a container that is removed while its files are counted has none any more", async () => {
  const parts = { places: { root: "/nonexistent", run: "/nonexistent" } } as Parts;
  expect(await writtenBytes(parts, "0123456789ab")).toBe(0);
});
