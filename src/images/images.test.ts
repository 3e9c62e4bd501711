import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "../lib/digest.ts";
import { encodeFile, encodeHeader, END_OF_TAR } from "../lib/tar-writer.ts";
import { openStore, type Store } from "../store/store.ts";
import { NO_FILTERS, parseFilters } from "../wire/filters.ts";
import type { Progress } from "../wire/progress.ts";
import type { LayerRow } from "./image.ts";
import { type Images, openImages, type UsedBy } from "./images.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log("images: left out, layers are unpacked as root");

const BASE = `/tmp/berth-images-${process.pid}`;
const NOBODY: UsedBy = () => [];
let count = 0;
let root = "";
let store: Store;
let images: Images;

async function open(): Promise<void> {
  store = await openStore(root);
  images = await openImages(store);
}

async function reopen(): Promise<void> {
  await images.close();
  store.close();
  await open();
}

beforeEach(async () => {
  root = `${BASE}/${count++}`;
  if (isRoot) await open();
});
afterAll(() => rmSync(BASE, { recursive: true, force: true }));

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

async function all(stream: AsyncIterable<Progress>): Promise<Progress[]> {
  return await Array.fromAsync(stream);
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream, (chunk) => chunk.slice()));
}

const rootfs = (name: string, content = name): Buffer =>
  Buffer.concat([
    encodeHeader({ name: "./", type: "directory", mode: 0o755 }),
    encodeFile(name, content),
    END_OF_TAR,
  ]);

/** Imports a small image and answers its id. */
async function make(name: string, repo?: string, changes: string[] = []): Promise<string> {
  const [line] = await all(images.import(once(rootfs(name)), { repo, changes }));
  return line?.status ?? "";
}

/** An image that was made at a certain time; answers its id. */
async function loadCreated(
  name: string,
  created: string,
  labels: Record<string, string> = {},
): Promise<string> {
  const layer = rootfs(name);
  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const config = JSON.stringify({
    created,
    architecture,
    os: "linux",
    config: { Labels: labels },
    rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
  });
  const manifest = [{ Config: "config.json", RepoTags: [name], Layers: ["layer.tar"] }];
  const parts = [
    encodeFile("layer.tar", layer),
    encodeFile("config.json", config),
    encodeFile("manifest.json", JSON.stringify(manifest)),
  ];
  await all(images.load(once(Buffer.concat([...parts, END_OF_TAR]))));
  return images.get(name).id;
}

/** What is on disk and should not be, when there is no image. */
function remains(): string[] {
  const list = (path: string, expected: readonly string[]): string[] =>
    readdirSync(`${root}/${path}`)
      .filter((name) => !expected.includes(name))
      .map((name) => `${path}/${name}`);
  return [
    ...list("blobs/sha256", []),
    ...list("layers", ["l", "init"]),
    ...list("layers/l", ["0"]),
    ...list("tmp", []),
  ];
}

/** A docker-archive of layers, with what may be wrong about it. */
function dockerArchive(
  layers: readonly Uint8Array[],
  wrong: { diffId?: string; architecture?: string; config?: string } = {},
): Buffer {
  const config =
    wrong.config ??
    JSON.stringify({
      architecture: wrong.architecture ?? (process.arch === "arm64" ? "arm64" : "amd64"),
      os: "linux",
      config: { Cmd: ["x"] },
      rootfs: { type: "layers", diff_ids: layers.map((layer) => wrong.diffId ?? digestOf(layer)) },
    });
  const manifest = [
    {
      Config: "config.json",
      RepoTags: ["made:1", "made:2"],
      Layers: layers.map((_, index) => `${index}/layer.tar`),
    },
  ];
  return Buffer.concat([
    ...layers.map((layer, index) => encodeFile(`${index}/layer.tar`, layer)),
    encodeFile("config.json", config),
    encodeFile("manifest.json", JSON.stringify(manifest)),
    END_OF_TAR,
  ]);
}

describe.if(isRoot)("images", () => {
  test("hello-world is there without anybody having brought it, and can be removed", () => {
    const image = images.get("hello-world");
    expect(image.layerLinks).toEqual(["l/1", "l/0"]);
    expect(readFileSync(`${root}/layers/l/1/hello`).subarray(1, 4).toString()).toBe("ELF");
    images.remove("hello-world", { force: false, usedBy: NOBODY });
    expect(images.list({ filters: NO_FILTERS })).toEqual([]);
  });

  test("an import is found by name, id, and beginning of its id, also by the next engine", async () => {
    const id = await make("a", "some/name:tag", ["CMD x", "LABEL k=v"]);
    await reopen();
    for (const ref of ["some/name:tag", id, id.slice(7), id.slice(7, 19), "docker.io/some/name:tag"])
      expect(images.get(ref).id).toBe(id as never);
    expect(images.find("some/name")).toBeUndefined();
    expect(images.inspect(id)).toMatchObject({
      Id: id,
      RepoTags: ["some/name:tag"],
      Config: { Labels: { k: "v" } },
      Comment: "Imported from -",
    });
    expect(images.history(id)).toMatchObject([{ Id: id, Comment: "Imported from -", Size: 1 }]);
  });

  test("what is not there says what to do", () => {
    expect(() => images.get("nothere")).toThrow(
      /^No such image: nothere:latest\. .*berth image bootstrap busybox/,
    );
  });

  test("save and load: the same ids, names, files, manifest; several images at once", async () => {
    const first = await make("a", "one:1");
    const second = await make("b", "two:2");
    images.tag("one:1", "one", "other");
    const archive = await bytesOf(images.save(["one", "two:2"]));
    const manifests = [images.get(first).manifest, images.get(second).manifest];
    for (const id of [first, second]) images.remove(id, { force: true, usedBy: NOBODY });
    await images.close();
    expect(remains()).toEqual([]);
    for (const packed of [archive, gzipSync(archive), zstdCompressSync(archive)]) {
      const told = await all(images.load(once(packed)));
      expect(told.map(({ stream }) => stream).toSorted()).toEqual(
        ["one:1", "one:other", "two:2"].map((name) => `Loaded image: ${name}\n`),
      );
      expect([images.get("one:1").manifest, images.get("two:2").manifest]).toEqual(manifests);
    }
    expect(readFileSync(`${root}/layers/${images.get("two:2").layerLinks[0]}/b`, "utf8")).toBe("b");
  });

  test("the same layer is kept once, and goes with the last image that has it", async () => {
    await make("a", "x", ["CMD 1"]);
    await make("a", "y", ["CMD 2"]);
    expect(images.get("x").layerLinks).toEqual(images.get("y").layerLinks);
    expect(images.remove("x", { force: false, usedBy: NOBODY })).toHaveLength(2);
    expect(existsSync(`${root}/layers/${images.get("y").layerLinks[0]}/a`)).toBe(true);
    expect(images.remove("y", { force: false, usedBy: NOBODY })).toHaveLength(3);
    await images.close();
    expect(remains()).toEqual([]);
  });

  test("docker's rules of what may be removed", async () => {
    const id = await make("a", "x:1");
    const short = id.slice(7, 19);
    const stopped: UsedBy = () => [{ id: "c".repeat(64), running: false }];
    const running: UsedBy = () => [{ id: "c".repeat(64), running: true }];
    const by = "c".repeat(12);
    expect(() => images.remove("x:1", { force: false, usedBy: stopped })).toThrow(
      `conflict: unable to remove repository reference "x:1" (must force) - container ${by} is using its referenced image ${short}`,
    );
    expect(() => images.remove(short, { force: true, usedBy: running })).toThrow(
      `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${by}`,
    );
    images.tag("x:1", "y");
    expect(() => images.remove(short, { force: false, usedBy: NOBODY })).toThrow(
      `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
    );
    expect(images.remove("y", { force: false, usedBy: stopped })).toEqual([{ Untagged: "y:latest" }]);
    expect(images.remove("x:1", { force: true, usedBy: stopped })).toEqual([
      { Untagged: "x:1" },
      { Deleted: id },
    ]);
    expect(images.find(id)).toBeUndefined();
    expect(images.layerLinksOf(id)).toEqual(["l/1", "l/0"]);
    images.release(NOBODY);
    expect(() => images.layerLinksOf(id)).toThrow("No such image");
    await images.close();
    expect(remains()).toEqual([]);
  });

  test("list knows docker's filters", async () => {
    const old = await loadCreated("old:1", "2020-01-01T00:00:00Z", { kind: "x" });
    await loadCreated("new:1", "2020-01-01T00:00:01Z");
    await make("c");
    const names = (filters: Record<string, string[]>): string[] =>
      images
        .list({ filters: parseFilters(JSON.stringify(filters)) })
        .map(({ RepoTags }) => RepoTags[0] ?? "<none>");
    expect(names({})).toContain("<none>");
    expect(names({ label: ["kind=x"] })).toEqual(["old:1"]);
    expect(names({ dangling: ["true"] })).toEqual(["<none>"]);
    expect(names({ reference: ["n*:1"] })).toEqual(["new:1"]);
    expect(names({ reference: ["old"] })).toEqual(["old:1"]);
    expect(names({ since: ["old:1"] })).not.toContain("old:1");
    expect(names({ before: ["new:1"] })).toEqual(["old:1"]);
    expect(names({ until: ["1h"] })).toEqual(["new:1", "old:1"]);
    expect(() => names({ nosuch: ["1"] })).toThrow("invalid filter");
    expect(images.prune(NO_FILTERS, NOBODY).deleted).toHaveLength(2); // the image without a name, and its layer
    const report = images.prune(parseFilters('{"dangling":["false"],"label":["kind=x"]}'), NOBODY);
    expect(report).toMatchObject({
      spaceReclaimed: 5,
      deleted: [{ Untagged: "old:1" }, { Deleted: old }, { Deleted: expect.stringMatching("sha256") }],
    });
  });

  test("an archive of docker before OCI loads; a name that moves is told", async () => {
    const id = await make("a", "made:1");
    const told = await all(images.load(once(dockerArchive([rootfs("l1"), rootfs("l2")]))));
    expect(told[0]?.stream).toBe(
      `The image made:1 already exists, renaming the old one with ID ${id} to empty string\n`,
    );
    expect(told.slice(1)).toEqual([
      { stream: "Loaded image: made:1\n" },
      { stream: "Loaded image: made:2\n" },
    ]);
    expect(images.get("made:2").layerLinks).toHaveLength(3);
  });
});

describe.if(isRoot)("nothing stays of a load that fails because", () => {
  const layer = rootfs("x", "y".repeat(100_000));
  test.each<[string, () => Uint8Array, string]>([
    ["it is no tar", () => Buffer.from("no archive ".repeat(100)), "not a tar archive"],
    ["it is empty", () => new Uint8Array(0), "it is empty"],
    ["it is another kind of tar", () => rootfs("file"), "not an image archive"],
    ["it is truncated", () => dockerArchive([layer]).subarray(0, 50_000), "are missing"],
    [
      "its layer is missing",
      () =>
        Buffer.concat([
          encodeFile("manifest.json", JSON.stringify([{ Config: "c", Layers: ["l"] }])),
          END_OF_TAR,
        ]),
      '"c" is not in it',
    ],
    [
      "a layer is not what the config says",
      () => dockerArchive([layer], { diffId: digestOf("x") }),
      "digest mismatch",
    ],
    ["its config is no JSON", () => dockerArchive([layer], { config: "{" }), "config is no JSON"],
    ["its config says nothing", () => dockerArchive([layer], { config: "{}" }), "config"],
    [
      "it is for another machine",
      () => dockerArchive([layer], { architecture: "s390x" }),
      "image made:1 is for linux/s390x, not for linux/",
    ],
    [
      "a blob is not what its name says",
      () => Buffer.concat([encodeFile(`blobs/sha256/${"0".repeat(64)}`, layer), END_OF_TAR]),
      "digest mismatch",
    ],
    [
      "a layer is hostile",
      () => dockerArchive([Buffer.concat([encodeFile("../../x", "y".repeat(100_000)), END_OF_TAR])]),
      'has ".." in its name',
    ],
    [
      "its gzip stream is cut",
      () => gzipSync(dockerArchive([layer])).subarray(0, 300),
      "truncated or damaged",
    ],
  ])("%s", async (_, archive, message) => {
    await expect(all(images.load(once(archive())))).rejects.toThrow(message);
    expect(images.list({ filters: NO_FILTERS })).toEqual([]);
    await images.close();
    expect(remains()).toEqual([]);
  });

  test("the disk is full", async () => {
    const disk = `${BASE}/disk`;
    mkdirSync(disk, { recursive: true });
    expect(Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]).exitCode).toBe(0);
    try {
      await images.close();
      store.close();
      root = `${disk}/r`;
      await open();
      const big = Buffer.concat([encodeFile("big", Buffer.alloc(3 << 20, 7)), END_OF_TAR]);
      for (const attempt of [
        images.load(once(dockerArchive([big]))),
        images.import(once(gzipSync(big)), { repo: "x" }),
      ])
        await expect(all(attempt)).rejects.toThrow("no space left on device");
      await images.close();
      expect(remains()).toEqual([]);
      await make("small", "small");
      expect(images.get("small").tags).toEqual(["small:latest"]);
      store.close();
    } finally {
      Bun.spawnSync(["umount", disk]);
      root = `${BASE}/after`;
      await open();
    }
  });
});

describe.if(isRoot)("the store", () => {
  test("is read by skopeo and umoci as it lies on disk, and theirs load here", async () => {
    const tools = ["skopeo", "umoci"].filter((tool) => Bun.which(tool) === null);
    if (tools.length > 0) return console.log(`images: left out, ${tools.join(" and ")} not installed`);
    const id = await make("a", "our/name:tag", ["CMD x"]);
    const run = (command: string): string => {
      const { exitCode, stdout, stderr } = Bun.spawnSync(["sh", "-ec", command], { cwd: BASE });
      if (exitCode !== 0) throw new Error(`${command}: ${stderr.toString()}`);
      return stdout.toString();
    };
    expect(run(`umoci ls --layout ${root}`)).toContain("our/name:tag");
    const policy = "skopeo --insecure-policy copy -q";
    run(
      `rm -rf oci oci.tar docker.tar saved.tar; ${policy} oci:${root}:our/name:tag oci:oci:copied; ${policy} oci:oci:copied docker-archive:docker.tar:from/docker:1; ${policy} oci:oci:copied oci-archive:oci.tar:from/oci:1`,
    );
    run(
      "rm -rf b; umoci unpack --image oci:copied b; echo more > b/rootfs/more; rm b/rootfs/a; umoci repack --image oci:changed b; tar -C oci -cf umoci.tar .",
    );
    await Bun.write(`${BASE}/saved.tar`, await bytesOf(images.save(["our/name:tag"])));
    expect(
      run(`${policy} docker-archive:saved.tar dir:d1; ${policy} oci-archive:saved.tar:tag dir:d2; ls d1 d2`),
    ).toContain("manifest.json");
    images.remove(id, { force: true, usedBy: NOBODY });
    const names = [];
    for (const file of ["oci.tar", "docker.tar", "umoci.tar"])
      names.push(...(await all(images.load(Bun.file(`${BASE}/${file}`).stream()))));
    expect(names.map(({ stream }) => stream)).toEqual(
      expect.arrayContaining([
        "Loaded image: from/oci:1\n",
        "Loaded image: from/docker:1\n",
        "Loaded image: changed:latest\n",
      ]),
    );
    const top = images.get("changed").layerLinks[0];
    expect(readdirSync(`${root}/layers/${top}`).toSorted()).toEqual(["a", "more"]);
  }, 30_000);

  test("says so when a blob was damaged, and when a blob is gone", async () => {
    await make("a", "x");
    for (const name of readdirSync(`${root}/blobs/sha256`)) truncateSync(`${root}/blobs/sha256/${name}`, 10);
    await expect(bytesOf(images.save(["x"]))).rejects.toThrow("remove its image and load it again");
  });

  test("unpacks a layer again that a power cut may have damaged, and only such a one", async () => {
    await make("a", "x");
    await make("b", "y");
    const rows = store.collection<LayerRow>("layers");
    const [first, second] = rows.all();
    if (first === undefined || second === undefined) return expect.unreachable();
    rows.put(first.id, { ...first.value, unsyncedSince: "an earlier boot" });
    const { unsyncedSince: _, ...synced } = second.value;
    rows.put(second.id, synced);
    const contents = (): string[] =>
      ["x", "y"].map((name) =>
        readFileSync(`${root}/layers/${images.get(name).layerLinks[0]}/${name === "x" ? "a" : "b"}`, "utf8"),
      );
    for (const name of ["l/1/a", "l/2/b"]) truncateSync(`${root}/layers/${name}`, 0);
    await reopen();
    expect(contents()).toEqual(["a", ""]);
    await images.close();
    expect(readdirSync(`${root}/tmp`)).toEqual([]);
  });

  test("takes its images up again when state.db is lost", async () => {
    const id = await make("a", "x:1", ["CMD y"]);
    images.tag("x:1", "also/x");
    const other = await make("b");
    await images.close();
    store.close();
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${root}/state.db${suffix}`, { force: true });
    await open();
    expect(images.get("x:1")).toMatchObject({ id, tags: ["x:1", "also/x:latest"], size: 1 });
    expect(images.get(other).tags).toEqual([]);
    expect(readFileSync(`${root}/layers/${images.get("also/x").layerLinks[0]}/a`, "utf8")).toBe("a");
  });

  test("sweeps what has no owner", async () => {
    await make("a", "x");
    writeFileSync(`${root}/blobs/sha256/${"0".repeat(64)}`, "stray");
    writeFileSync(`${root}/tmp/stray`, "stray");
    mkdirSync(`${root}/layers/${"1".repeat(64)}/fs`, { recursive: true });
    writeFileSync(`${root}/layers/l/77`, "stray");
    rmSync(`${root}/layers/l/1`);
    await reopen();
    expect(readFileSync(`${root}/layers/${images.get("x").layerLinks[0]}/a`, "utf8")).toBe("a");
    images.remove("x", { force: false, usedBy: NOBODY });
    await images.close();
    expect(remains()).toEqual([]);
  });
});
