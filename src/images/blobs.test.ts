import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { Blobs } from "./blobs.ts";
import { Places } from "./places.ts";

async function* content(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("what two images have");
}

test("a blob that went with its last image before it was pinned is stored again", async () => {
  const root = mkdtempSync("/tmp/berth-blobs-");
  const blobs = new Blobs(new Places(root));
  const pinned: string[] = [];
  const first = await blobs.ingest(content(), { add: (digest) => pinned.push(digest) });
  const again = await blobs.ingest(content(), { add: (digest) => rmSync(blobs.path(digest)) });
  expect(pinned).toEqual([first.digest]);
  expect(again).toEqual(first);
  expect(blobs.has(again)).toBe(true);
  rmSync(root, { recursive: true });
});
