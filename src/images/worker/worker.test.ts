import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { getxattr } from "../../kernel/libc.ts";
import { startTime } from "../../kernel/processes.ts";
import { encodeHeader, END_OF_TAR, padding } from "../../lib/tar-writer.ts";
import type { TarHeader } from "../../lib/tar.ts";
import { openWorker, type UnpackOptions, type UnpackResult } from "./worker.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log("worker: left out, a worker changes its root directory and that needs root");

const BASE = `/tmp/berth-worker-${process.pid}`;
let count = 0;

type Part = Partial<TarHeader> & { name: string; content?: string };

/** An archive of entries, files by default. */
function tar(...parts: readonly (Part | Uint8Array)[]): Uint8Array {
  const entries = parts.flatMap((part) => {
    if (part instanceof Uint8Array) return [part];
    const { content = "", ...header } = part;
    return [
      encodeHeader({ type: "file", mode: 0o644, size: content.length, ...header }),
      Buffer.from(content),
      padding(content.length),
    ];
  });
  return Buffer.concat([...entries, END_OF_TAR]);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Unpacks into a new directory, as a layer unless other options are given. */
async function unpack(
  archive: Uint8Array,
  options: UnpackOptions = { whiteouts: true },
  prepare = (_: string): void => {},
): Promise<{ directory: string; result: UnpackResult }> {
  const directory = `${BASE}/${count++}`;
  mkdirSync(directory);
  prepare(directory);
  await using worker = await openWorker({ directory });
  return { directory, result: await worker.unpack("/", once(archive), options) };
}

beforeAll(() => mkdirSync(BASE, { recursive: true }));
afterAll(() => rmSync(BASE, { recursive: true, force: true }));

describe.if(isRoot)("a worker unpacks", () => {
  test("owners, modes, times with nanoseconds, devices, FIFOs, links, attributes, names that are no UTF-8", async () => {
    const { directory, result } = await unpack(
      tar(
        { name: "d/", type: "directory", mode: 0o1777, mtime: { seconds: 1000, nanoseconds: 5 } },
        {
          name: "d/suid",
          mode: 0o4755,
          uid: 3_000_000,
          gid: 5,
          mtime: { seconds: 1, nanoseconds: 123_456_789 },
          content: "hello",
        },
        { name: "d/hard", type: "link", linkName: "d/suid" },
        { name: "d/absolute", type: "symlink", linkName: "/etc/passwd" },
        { name: "d/null", type: "char", major: 1, minor: 3, mode: 0o666 },
        { name: "d/fifo", type: "fifo", mode: 0o600 },
        { name: "d/\xff\xfe", content: "odd" },
        { name: "d/caps", xattrs: new Map([["user.bytes", new Uint8Array([0, 255, 10])]]) },
        { name: "without/parents/file", content: "x" },
      ),
    );
    const suid = lstatSync(`${directory}/d/suid`, { bigint: true });
    expect(suid).toMatchObject({ uid: 3_000_000n, gid: 5n, mtimeNs: 1_123_456_789n, nlink: 2n });
    expect(Number(suid.mode & 0o7777n)).toBe(0o4755);
    expect(lstatSync(`${directory}/d`, { bigint: true }).mtimeNs).toBe(1_000_000_000_005n);
    expect(readlinkSync(`${directory}/d/absolute`)).toBe("/etc/passwd");
    expect(lstatSync(`${directory}/d/null`).rdev).toBe(0x103);
    expect(lstatSync(`${directory}/d/fifo`).isFIFO()).toBe(true);
    expect(
      readdirSync(`${directory}/d`, { encoding: "buffer" }).some((name) =>
        name.equals(Buffer.from([255, 254])),
      ),
    ).toBe(true);
    expect(getxattr(`${directory}/d/caps`, "user.bytes")).toEqual(new Uint8Array([0, 255, 10]));
    expect(statSync(`${directory}/without/parents`).mode & 0o777).toBe(0o755);
    expect(result).toMatchObject({ entries: 9, size: 9 });
  });

  test("whiteouts as an overlay wants them, in whatever order they come", async () => {
    const { directory } = await unpack(
      tar(
        { name: "a/.wh.gone" },
        { name: "a/.wh..wh..opq" },
        { name: "b/.wh.replaced" },
        { name: "b/replaced/", type: "directory", mode: 0o755 },
        { name: "c/own/", type: "directory", mode: 0o755 },
        { name: "c/.wh.own" },
        { name: "c/.wh..wh.plnk" },
      ),
    );
    expect(lstatSync(`${directory}/a/gone`)).toMatchObject({ rdev: 0 });
    expect(lstatSync(`${directory}/a/gone`).isCharacterDevice()).toBe(true);
    for (const name of ["a", "b/replaced", "c/own"])
      expect(getxattr(`${directory}/${name}`, "trusted.overlay.opaque")).toEqual(new Uint8Array([0x79]));
    expect(existsSync(`${directory}/c/.wh..wh.plnk`)).toBe(false);
  });

  test("gzip of several members, and zstd; the digest is of what was compressed", async () => {
    const archive = tar({ name: "file", content: "content" });
    const members = Buffer.concat([gzipSync(archive.subarray(0, 100)), gzipSync(archive.subarray(100))]);
    for (const compressed of [members, zstdCompressSync(archive)]) {
      const { directory, result } = await unpack(compressed);
      expect(readFileSync(`${directory}/file`, "utf8")).toBe("content");
      expect(result.diffId).toBe(`sha256:${new Bun.CryptoHasher("sha256").update(archive).digest("hex")}`);
    }
  });

  test("a later entry over an earlier one, without touching what that one pointed to", async () => {
    const { directory } = await unpack(
      tar(
        { name: "target", content: "kept" },
        { name: "x", type: "symlink", linkName: "target" },
        { name: "x", content: "new" },
      ),
    );
    expect(readFileSync(`${directory}/target`, "utf8")).toBe("kept");
    expect(readFileSync(`${directory}/x`, "utf8")).toBe("new");
    expect(lstatSync(`${directory}/x`).isFile()).toBe(true);
  });
});

describe.if(isRoot)("an archive is refused when", () => {
  test.each<[string, readonly Part[], string]>([
    ["a name climbs out", [{ name: "../evil" }], 'has ".." in its name'],
    ["a name climbs in the middle", [{ name: "a/../../evil" }], 'has ".." in its name'],
    [
      "a file goes through a link",
      [{ name: "l", type: "symlink", linkName: "/tmp" }, { name: "l/evil" }],
      'goes through "l", which is a symbolic link',
    ],
    [
      "a file goes through a link to a link",
      [
        { name: "a", type: "symlink", linkName: "b" },
        { name: "b", type: "symlink", linkName: ".." },
        { name: "a/evil" },
      ],
      "which is a symbolic link",
    ],
    [
      "a directory goes through a link",
      [
        { name: "l", type: "symlink", linkName: "/" },
        { name: "l/evil/", type: "directory" },
      ],
      "which is a symbolic link",
    ],
    [
      "a hard link points out",
      [{ name: "h", type: "link", linkName: "../../etc/passwd" }],
      'has ".." in its name',
    ],
    [
      "a hard link points to the host",
      [{ name: "h", type: "link", linkName: "/etc/passwd" }],
      "which is not in the archive",
    ],
    [
      "a hard link goes through a link",
      [
        { name: "l", type: "symlink", linkName: "/etc" },
        { name: "h", type: "link", linkName: "l/passwd" },
      ],
      "goes through a symbolic link",
    ],
    [
      "a hard link is to a directory",
      [
        { name: "d/", type: "directory" },
        { name: "h", type: "link", linkName: "d" },
      ],
      "hard link to the directory",
    ],
    ["a device is a forged whiteout", [{ name: "w", type: "char", major: 0, minor: 0 }], "forged whiteout"],
    [
      "a device number is none",
      [{ name: "w", type: "block", major: 5000, minor: 0 }],
      "device number 5000:0",
    ],
    [
      "an attribute is the overlay's",
      [{ name: "d/", type: "directory", xattrs: new Map([["trusted.overlay.redirect", Buffer.from("/")]]) }],
      "trusted.overlay.redirect",
    ],
    ["a whiteout hides the parent", [{ name: "d/.wh..." }], "whiteout of nothing"],
    ["the root is a file", [{ name: "./", type: "symlink", linkName: "/" }], "in the place of the root"],
    ["an owner is -1", [{ name: "x", uid: 0xffffffff }], "owner 4294967295"],
  ])("%s", async (_, parts, message) => {
    await expect(unpack(tar(...parts))).rejects.toThrow(message);
    expect(existsSync("/tmp/evil")).toBe(false);
    expect(existsSync(`${BASE}/evil`)).toBe(false);
  });

  test("it says that a file is longer than what comes", async () => {
    const whole = tar({ name: "file", content: "x".repeat(2000) });
    await expect(unpack(whole.subarray(0, 1000))).rejects.toThrow('1512 bytes of "file" are missing');
  });

  test("it is a decompression bomb, long before the disk is full", async () => {
    const limits = { maxBytes: 2 ** 30, maxRatio: 100, freeBytes: 2 ** 20 };
    const bomb = gzipSync(tar({ name: "zeroes", content: "\0".repeat(8 << 20) }));
    await expect(unpack(bomb, { whiteouts: true, limits })).rejects.toThrow("decompression bomb");
    await expect(
      unpack(bomb, { whiteouts: true, limits: { ...limits, maxRatio: 1e6, maxBytes: 1 << 20 } }),
    ).rejects.toThrow("more than the limit");
  });

  test.each([
    ["gzip", gzipSync(tar({ name: "file", content: "x".repeat(5000) }))],
    ["zstd", zstdCompressSync(tar({ name: "file", content: "x".repeat(5000) }))],
  ])("its %s stream is cut short", async (_, bytes) => {
    await expect(unpack(bytes.subarray(0, bytes.length - 20))).rejects.toThrow(
      /truncated or damaged|missing/,
    );
  });

  test("it is compressed in a way that berth does not know", async () => {
    await expect(unpack(Buffer.from("BZh91AY&SY"))).rejects.toThrow("compressed with bzip2");
  });

  test("its sender fails half way", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield tar({ name: "a" }).subarray(0, 512);
      throw new Error("the client went away");
    }
    mkdirSync(`${BASE}/broken`);
    await using worker = await openWorker({ directory: `${BASE}/broken` });
    await expect(worker.unpack("/", broken())).rejects.toThrow("the client went away");
  });
});

describe.if(isRoot)("a worker in a container's root", () => {
  test("follows the container's own links, and they cannot lead out", async () => {
    const { directory } = await unpack(tar({ name: "link/file", content: "in" }), {}, (root) => {
      mkdirSync(`${root}/real`);
      symlinkSync("/real", `${root}/link`);
    });
    expect(readFileSync(`${directory}/real/file`, "utf8")).toBe("in");
  });

  test("does not overwrite a directory with a file when it must not", async () => {
    const prepare = (root: string): void => mkdirSync(`${root}/x`);
    await expect(unpack(tar({ name: "x" }), { noOverwriteDirNonDir: true }, prepare)).rejects.toThrow(
      "cannot overwrite directory",
    );
    expect(lstatSync(`${(await unpack(tar({ name: "x" }), {}, prepare)).directory}/x`).isFile()).toBe(true);
  });

  test("packs what was unpacked, byte for byte", async () => {
    const archive = tar(
      { name: "d/", type: "directory", mode: 0o750, mtime: { seconds: 5, nanoseconds: 6 } },
      { name: "d/a", content: "aaa", mode: 0o640, uid: 7, gid: 8, mtime: { seconds: 1, nanoseconds: 2 } },
      {
        name: "d/b",
        type: "link",
        linkName: "d/a",
        mode: 0o640,
        uid: 7,
        gid: 8,
        mtime: { seconds: 1, nanoseconds: 2 },
      },
      { name: "d/c", type: "symlink", linkName: "a", mode: 0o777, mtime: { seconds: 3, nanoseconds: 0 } },
      { name: "d/\xffz", mode: 0o600, xattrs: new Map([["user.x", Buffer.from("y")]]) },
    );
    const { directory } = await unpack(archive);
    await using worker = await openWorker({ directory });
    const parts: Uint8Array[] = [];
    for await (const part of worker.pack("/", { as: "" })) parts.push(part.slice());
    expect(Buffer.concat(parts).equals(Buffer.from(archive))).toBe(true);
  });

  test("tells about a path as docker does, and reads a little of a file", async () => {
    const { directory } = await unpack(
      tar(
        { name: "etc/", type: "directory", mode: 0o755 },
        { name: "etc/f", content: "0123456789" },
        { name: "l", type: "symlink", linkName: "etc/../etc/f" },
      ),
    );
    await using worker = await openWorker({ directory });
    expect(await worker.stat("/l")).toMatchObject({ name: "l", linkTarget: "/etc/f", mode: 2 ** 27 + 0o777 });
    expect(await worker.stat("/etc")).toMatchObject({ name: "etc", mode: 2 ** 31 + 0o755 });
    expect(Buffer.from(await worker.read("/l", 4)).toString()).toBe("0123");
    await expect(worker.stat("/none")).rejects.toThrow("no such file or directory");
  });
});

describe.if(isRoot)("a worker in an overlay", () => {
  const layers = `${BASE}/overlay/layers`;
  const place = {
    layersDirectory: layers,
    lower: ["l/1"],
    upper: `${BASE}/overlay/upper`,
    work: `${BASE}/overlay/work`,
  };

  beforeAll(() => {
    for (const name of ["layers/l/1/kept", "layers/l/1/same", "upper", "work", "tmp"])
      mkdirSync(`${BASE}/overlay/${name}`, { recursive: true });
    for (const name of ["changed", "removed", "kept/inner"]) writeFileSync(`${layers}/l/1/${name}`, "below");
  });

  test("writes into the upper directory alone, and leaves no mount behind", async () => {
    await using worker = await openWorker({ overlay: place });
    await worker.unpack(
      "/",
      once(
        tar(
          { name: "added", content: "new" },
          { name: "changed", content: "above" },
          { name: "kept/more", content: "1" },
        ),
      ),
    );
    expect(readdirSync(place.upper).toSorted()).toEqual(["added", "changed", "kept"]);
    expect(readFileSync(`${layers}/l/1/changed`, "utf8")).toBe("below");
    expect(readFileSync("/proc/mounts", "utf8")).not.toContain(BASE);
  });

  test("lists what changed", async () => {
    await using worker = await openWorker({ overlay: place }, { forChanges: true });
    expect(await worker.changes()).toEqual([
      { path: "/added", kind: 1 },
      { path: "/changed", kind: 0 },
      { path: "/kept", kind: 0 },
      { path: "/kept/more", kind: 1 },
    ]);
  });
});

test.if(isRoot)("a process's root is not entered when another process has its number by now", async () => {
  const child = Bun.spawn(["sleep", "60"]);
  const process = { pid: child.pid, startTime: String((startTime(child.pid) ?? 0n) + 1n) };
  const place = { processRoot: `/proc/${child.pid}/root`, process };
  await expect(openWorker(place)).rejects.toThrow("the container has ended meanwhile");
  child.kill("SIGKILL");
  await child.exited;
  await expect(openWorker(place)).rejects.toThrow("the container has ended meanwhile");
});
