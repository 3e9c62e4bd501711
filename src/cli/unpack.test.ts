/** Copying out of a container that means harm. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readTar } from "../lib/tar-reader.ts";
import { encodeFile, encodeHeader, END_OF_TAR } from "../lib/tar-writer.ts";
import { packPath } from "./pack.ts";
import { unpackInto } from "./unpack.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync("/tmp/berth-unpack-");
  mkdirSync(`${folder}/in`);
});
afterEach(() => rmSync(folder, { recursive: true }));

async function unpack(...entries: Uint8Array[]): Promise<void> {
  async function* tar(): AsyncGenerator<Uint8Array> {
    yield Buffer.concat([...entries, END_OF_TAR]);
  }
  await unpackInto(`${folder}/in`, readTar(tar()));
}

const link = (name: string, linkName: string): Uint8Array =>
  encodeHeader({ type: "symlink", name, linkName });

test.each([
  ["a name that climbs", [encodeFile("../out", "x")]],
  ["a name that climbs in the middle", [encodeFile("a/../../out", "x")]],
  ["a way through its own link", [link("l", ".."), encodeFile("l/out", "x")]],
  ["a way through an absolute link", [link("l", "/tmp"), encodeFile("l/berth-out", "x")]],
  ["a hard link that climbs", [encodeHeader({ type: "link", name: "h", linkName: "../secret" })]],
  [
    "a hard link through a link",
    [link("l", ".."), encodeHeader({ type: "link", name: "h", linkName: "l/secret" })],
  ],
])("%s is refused", async (_, entries) => {
  writeFileSync(`${folder}/secret`, "secret");
  expect(unpack(...entries)).rejects.toThrow("would be written outside of its destination");
  await unpack(...entries).catch(() => {});
  expect([existsSync(`${folder}/out`), existsSync("/tmp/berth-out"), existsSync(`${folder}/in/h`)]).toEqual([
    false,
    false,
    false,
  ]);
});

test("an absolute name is below the destination", async () => {
  await unpack(encodeFile("/etc/x", "x"));
  expect(readFileSync(`${folder}/in/etc/x`, "utf8")).toBe("x");
});

test("a link in the place of a file is replaced, not followed", async () => {
  writeFileSync(`${folder}/secret`, "secret");
  symlinkSync(`${folder}/secret`, `${folder}/in/f`);
  await unpack(encodeFile("f", "mine"));
  expect(readFileSync(`${folder}/secret`, "utf8")).toBe("secret");
  expect(readFileSync(`${folder}/in/f`, "utf8")).toBe("mine");
});

test("setuid does not come along", async () => {
  await unpack(encodeFile("su", "x", 0o4755));
  expect(statSync(`${folder}/in/su`).mode & 0o7777).toBe(0o755);
});

test("a file does not replace a directory, nor a directory a file", async () => {
  mkdirSync(`${folder}/in/d`);
  writeFileSync(`${folder}/in/f`, "");
  expect(unpack(encodeFile("d", "x"))).rejects.toThrow("cannot overwrite directory");
  expect(unpack(encodeHeader({ type: "directory", name: "f/", mode: 0o755 }))).rejects.toThrow(
    "cannot overwrite non-directory",
  );
  await unpack(encodeFile("d", "x")).catch(() => {});
});

test("what packPath() packs, unpackInto() makes again", async () => {
  mkdirSync(`${folder}/tree/sub`, { recursive: true });
  writeFileSync(`${folder}/tree/sub/f`, "content", { mode: 0o640 });
  symlinkSync("sub/f", `${folder}/tree/l`);
  await unpackInto(`${folder}/in`, readTar(packPath(`${folder}/tree`, "copy")));
  expect(readFileSync(`${folder}/in/copy/l`, "utf8")).toBe("content");
  expect(statSync(`${folder}/in/copy/sub/f`).mode & 0o777).toBe(0o640);
});
