/** CVE-2021-32760, CVE-2025-47290 (containerd), CVE-2026-17106 (go-archive): an archive writes outside of where it is unpacked. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { encodeFile, encodeHeader, END_OF_TAR } from "../../src/lib/tar-writer.ts";
import type { TarHeader, TarType } from "../../src/lib/tar.ts";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

const entry = (name: string, type: TarType, more: Partial<TarHeader> = {}): Uint8Array =>
  encodeHeader({ name, type, mode: 0o755, ...more });
const file = (name: string): Uint8Array => encodeFile(name, "evil\n");
const link = (name: string, type: "link" | "symlink", linkName: string): Uint8Array =>
  entry(name, type, { linkName });

type Archive = (outside: string) => Uint8Array[];

const REFUSED: readonly [string, Archive][] = [
  ["a name that climbs", (outside) => [file(`../../../../../../..${outside}/evil`)]],
  [
    "a name that climbs from within",
    (outside) => [entry("a", "directory"), file(`a/../../../../../../..${outside}/evil`)],
  ],
  ["a file through an absolute link", (outside) => [link("out", "symlink", outside), file("out/evil")]],
  [
    "a file through a climbing link",
    (outside) => [link("out", "symlink", `../../../../../..${outside}`), file("out/evil")],
  ],
  [
    "a file through two links",
    (outside) => [link("a", "symlink", outside), link("b", "symlink", "a"), file("b/evil")],
  ],
  [
    "a directory through a link",
    (outside) => [link("out", "symlink", outside), entry("out/evil", "directory")],
  ],
  ["a hard link to a file of the host", (outside) => [link("hard", "link", `${outside}/secret`)]],
  ["a hard link that climbs", (outside) => [link("hard", "link", `../../../../../../..${outside}/secret`)]],
  [
    "a hard link through a link",
    (outside) => [link("out", "symlink", outside), link("hard", "link", "out/secret")],
  ],
  [
    "a whiteout that climbs",
    (outside) => [entry("a", "directory"), file(`a/../../../../../../..${outside}/.wh.secret`)],
  ],
  ["a whiteout through a link", (outside) => [link("out", "symlink", outside), file("out/.wh.secret")]],
  ["a whiteout of the parent", () => [entry("a", "directory"), file("a/.wh...")]],
  ["an opaque mark through a link", (outside) => [link("out", "symlink", outside), file("out/.wh..wh..opq")]],
  ["a forged whiteout device", () => [entry("etc", "char", { major: 0, minor: 0 })]],
  [
    "an attribute of the overlay's",
    () => [entry("etc", "directory", { xattrs: new Map([["trusted.overlay.redirect", Buffer.from("/x")]]) })],
  ],
  ["a root that is a link", (outside) => [link(".", "symlink", outside)]],
];

/** Not wrong, only mean: these must end inside. */
const HARMLESS: readonly [string, Archive][] = [
  ["an absolute name", (outside) => [file(`${outside}/evil`)]],
  [
    "a link that is replaced by a directory",
    (outside) => [link("out", "symlink", outside), entry("out", "directory"), file("out/evil")],
  ],
  ["a file that replaces a link", (outside) => [link("out", "symlink", `${outside}/secret`), file("out")]],
  [
    "a file that replaces a hard link to a link",
    (outside) => [link("a", "symlink", `${outside}/secret`), link("b", "link", "a"), file("b")],
  ],
  [
    "a mode for a link",
    (outside) => [entry("out", "symlink", { linkName: `${outside}/secret`, mode: 0o4777, uid: 1 })],
  ],
];

describe.if(has("root", "busybox"))("an archive", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  /** What is being made or thrown away: the files of a container that was removed go in their own time, those of an import at once. */
  async function left(): Promise<string[]> {
    const names = () => readdirSync(`${target.engine.root}/tmp`);
    while (names().some((name) => name.startsWith("container-"))) await Bun.sleep(5);
    return names();
  }

  const bytes = (archive: Archive): Uint8Array => Buffer.concat([...archive(target.outside), END_OF_TAR]);

  test.each([...REFUSED])(
    "with %s is refused by import, and nothing is left",
    async (_, archive) => {
      const { code, stderr } = await target.engine.berth(["import", "-", "evil"], { stdin: bytes(archive) });
      expect({ code, empty: stderr === "" }).toEqual({ code: 1, empty: false });
      expect((await target.engine.berth(["images", "-q", "evil"])).stdout).toBe("");
      expect(await left()).toEqual([]);
      await target.isUnharmed();
    },
    30_000,
  );

  test.each([...HARMLESS])(
    "with %s stays inside",
    async (_, archive) => {
      await target.engine.berth(["import", "-", "harmless"], { stdin: bytes(archive) });
      await target.isUnharmed();
    },
    30_000,
  );

  test("copied into a container stays inside of it, each of these", async () => {
    const id = await target.start("busybox", "sleep", "300");
    for (const [, archive] of [...REFUSED, ...HARMLESS]) {
      await target.engine.berth(["cp", "-", `${id}:/tmp`], { stdin: bytes(archive) });
      await target.isUntouched();
    }
    await target.engine.berth(["rm", "-f", id]);
    await target.isUnharmed();
  }, 60_000);

  test("that claims a huge file, or goes on for ever in a pax header, costs nothing", async () => {
    const lies = [
      entry("big", "file", { size: 2 ** 50 }),
      entry("x".repeat(3_000_000), "file"),
      entry("attrs", "file", { xattrs: new Map([["user.big", new Uint8Array(50 << 20)]]) }),
    ];
    for (const lie of lies) {
      const { code } = await target.engine.berth(["import", "-", "lie"], { stdin: lie, timeoutMs: 15_000 });
      expect(code).toBe(1);
    }
    await target.isUnharmed();
  }, 60_000);
});
