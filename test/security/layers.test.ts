/**
 * CVE-2021-32760, CVE-2025-47290 (containerd), CVE-2026-17106 (go-archive), across layers: what a lower layer has (a link, a setuid
 * program, a whiteout) must not steer where an upper one is unpacked; nor does the archive that holds them name files of the host.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { encodeFile, encodeHeader, END_OF_TAR } from "../../src/lib/tar-writer.ts";
import type { TarHeader, TarType } from "../../src/lib/tar.ts";
import { has } from "../support/parts.ts";
import { busyboxTar } from "../support/busybox.ts";
import { Target } from "./hostile.ts";

const entry = (name: string, type: TarType, more: Partial<TarHeader> = {}): Uint8Array =>
  encodeHeader({ name, type, mode: 0o755, ...more });
const link = (name: string, linkName: string): Uint8Array => entry(name, "symlink", { linkName });
const file = (name: string): Uint8Array => encodeFile(name, "evil\n");

const digest = (bytes: Uint8Array): string => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

interface Shape {
  readonly tag: string;
  readonly layers: readonly Uint8Array[];
  /** What the archive says instead of what is so. */
  readonly manifest?: object;
  readonly config?: object;
  readonly extra?: readonly Uint8Array[];
}

/** What `docker save` makes: manifest.json, a configuration, and the layers as files. */
function archiveOf({ tag, layers, manifest = {}, config = {}, extra = [] }: Shape): Uint8Array {
  const whole = {
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: layers.map((layer) => `sha256:${digest(layer)}`) },
    ...config,
  };
  const named = {
    Config: "config.json",
    RepoTags: [`${tag}:latest`],
    Layers: layers.map((_, index) => `${index}.tar`),
    ...manifest,
  };
  return Buffer.concat([
    ...extra,
    encodeFile("manifest.json", JSON.stringify([named])),
    encodeFile("config.json", JSON.stringify(whole)),
    ...layers.map((layer, index) => encodeFile(`${index}.tar`, layer)),
    END_OF_TAR,
  ]);
}

const tarOf = (entries: readonly Uint8Array[]): Uint8Array => Buffer.concat([...entries, END_OF_TAR]);

describe.if(has("root", "busybox"))("an image of several layers", () => {
  let target: Target;
  let base: Uint8Array;
  beforeAll(async () => {
    target = await Target.start();
    base = await busyboxTar();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  const load = (shape: Shape) => target.engine.berth(["load"], { stdin: archiveOf(shape) });

  test.each<[string, (outside: string) => Uint8Array[][]]>([
    [
      "a directory over a link of the layer below",
      (outside) => [[link("data", outside)], [entry("data", "directory"), file("data/evil")]],
    ],
    ["a file below a link of the layer below", (outside) => [[link("data", outside)], [file("data/evil")]]],
    [
      "a whiteout below a link of the layer below",
      (outside) => [[link("data", outside)], [file("data/.wh.secret")]],
    ],
    [
      "an opaque mark below a link of the layer below",
      (outside) => [[link("data", outside)], [file("data/.wh..wh..opq")]],
    ],
    [
      "a link over a directory of the layer below",
      (outside) => [
        [entry("data", "directory"), file("data/x")],
        [link("data", outside)],
        [file("data/evil")],
      ],
    ],
    [
      "a whiteout and a link of the same name",
      (outside) => [
        [entry("data", "directory")],
        [file(".wh.data"), link("data", outside)],
        [file("data/evil")],
      ],
    ],
    [
      "a link twice in one layer, with a file behind it",
      (outside) => [[link("a", "b"), link("b", outside)], [file("a/evil")]],
    ],
    ["a whiteout of everything", () => [[file(".wh..wh..opq")], [file(".wh.bin"), file(".wh.etc")]]],
  ])(
    "with %s stays inside, unpacked and run",
    async (what, layers) => {
      const tag = what.replaceAll(/\W+/g, "-").toLowerCase();
      await load({ tag, layers: [base, ...layers(target.outside).map(tarOf)] });
      await target.run(tag, "sh", "-c", "ls -l /data/; echo written >/data/evil; rm -rf /data/*");
      await target.isUnharmed();
    },
    30_000,
  );

  test.each<[string, (outside: string) => Uint8Array[]]>([
    ["a hard link to a file of the layer below", () => [entry("evil", "link", { linkName: "bin/busybox" })]],
    [
      "a hard link to a file of the host",
      (outside) => [entry("evil", "link", { linkName: `${outside}/secret` })],
    ],
    [
      "a hard link through a link",
      (outside) => [link("out", outside), entry("evil", "link", { linkName: "out/secret" })],
    ],
  ])(
    "with %s is refused: a layer has nothing but itself",
    async (_, entries) => {
      const { code } = await load({ tag: "hard", layers: [base, tarOf(entries(target.outside))] });
      expect(code).toBe(1);
      expect((await target.engine.berth(["images", "-q", "hard"])).stdout).toBe("");
      await target.isUnharmed();
    },
    30_000,
  );

  test("does not keep the setuid bit of a program that the layer above gives to another user", async () => {
    const lower = tarOf([encodeFile("su", "x"), entry("su", "file", { mode: 0o4755 })]);
    const upper = tarOf([entry("su", "file", { mode: 0o755, uid: 1000 })]);
    expect((await load({ tag: "setuid", layers: [base, lower, upper] })).code).toBe(0);
    expect((await target.run("setuid", "stat", "-c", "%a %u", "/su")).stdout).toBe("755 1000\n");
  }, 30_000);

  test.each<[string, (outside: string) => Partial<Shape>]>([
    ["a layer that is a path of the host", (outside) => ({ manifest: { Layers: [`${outside}/secret`] } })],
    ["a layer that climbs", (outside) => ({ manifest: { Layers: [`../../../../../..${outside}/secret`] } })],
    [
      "a configuration that is a path of the host",
      (outside) => ({ manifest: { Config: `${outside}/secret` } }),
    ],
    [
      "a layer that is a link to the host",
      (outside) => ({ manifest: { Layers: ["out.tar"] }, extra: [link("out.tar", `${outside}/secret`)] }),
    ],
    [
      "a layer below a link to the host",
      (outside) => ({ manifest: { Layers: ["out/secret"] }, extra: [link("out", outside)] }),
    ],
    [
      "digests that are others",
      () => ({ config: { rootfs: { type: "layers", diff_ids: [`sha256:${"0".repeat(64)}`] } } }),
    ],
    [
      "digests that are paths",
      () => ({ config: { rootfs: { type: "layers", diff_ids: ["sha256:../../../../etc/passwd"] } } }),
    ],
    ["fewer layers than digests", () => ({ manifest: { Layers: [] } })],
    ["names that climb", () => ({ manifest: { RepoTags: ["../../../etc/passwd:latest"] } })],
    ["names with control characters", () => ({ manifest: { RepoTags: ["a\u001b[2Jb:latest"] } })],
    ["a configuration that is no object", () => ({ config: { config: "x", rootfs: null } })],
  ])(
    "that names %s is refused",
    async (_, shape) => {
      const { code, stderr } = await load({ tag: "named", layers: [base], ...shape(target.outside) });
      expect({ code, bug: /bug in berth|TypeError|\n\s+at /.test(stderr) }).toEqual({ code: 1, bug: false });
      expect((await target.engine.berth(["images", "-q"])).stdout).not.toContain("named");
      await target.isUnharmed();
    },
    30_000,
  );
});
