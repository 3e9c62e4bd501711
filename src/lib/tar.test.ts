import { expect, test } from "bun:test";
import fc from "fast-check";
import { readTar } from "./tar-reader.ts";
import { encodeFile, encodeHeader, END_OF_TAR, padding } from "./tar-writer.ts";
import { byteStringOf, type TarHeader, type TarType } from "./tar.ts";

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

interface Read {
  readonly header: TarHeader;
  readonly content: Buffer;
}

async function readAll(archive: Uint8Array, pieceSize = 1 << 16): Promise<Read[]> {
  const found: Read[] = [];
  for await (const entry of readTar(inPieces(archive, pieceSize))) {
    const content = Buffer.alloc(entry.size);
    for await (const { offset, bytes } of entry.data()) content.set(bytes, offset);
    const { data: _data, ...header } = entry;
    found.push({ header, content });
  }
  return found;
}

/** A run of a tool of the host on bytes; undefined when it is not installed. */
function tool(command: string[], input?: Uint8Array): Uint8Array {
  const { stdout, stderr, exitCode } = Bun.spawnSync(command, { stdin: input ?? "ignore" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
  return stdout;
}

const byteString = (max: number): fc.Arbitrary<string> =>
  fc
    .array(
      fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f),
      { minLength: 1, maxLength: max },
    )
    .map((bytes) => String.fromCharCode(...bytes));

const headers = fc.record({
  type: fc.constantFrom<TarType>("file", "symlink", "link", "char", "block", "fifo"),
  name: byteString(300),
  linkName: byteString(300),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  gid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  mtime: fc.record({
    seconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
    nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
  }),
  major: fc.integer({ min: 0, max: 4095 }),
  minor: fc.integer({ min: 0, max: 2 ** 20 - 1 }),
  xattrs: fc
    .dictionary(fc.stringMatching(/^user\.[a-z]{1,20}$/), fc.uint8Array({ maxLength: 300 }))
    .map((values) => new Map(Object.entries(values))),
  content: fc.uint8Array({ maxLength: 2000 }),
});

test("what is written is what is read, however the bytes are cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(headers, { maxLength: 4 }),
      fc.integer({ min: 1, max: 3000 }),
      async (list, cut) => {
        const parts = list.flatMap(({ content, ...header }) => {
          const bytes = header.type === "file" ? content : new Uint8Array(0);
          return [encodeHeader({ ...header, size: bytes.length }), bytes, padding(bytes.length)];
        });
        const read = await readAll(Buffer.concat([...parts, END_OF_TAR]), cut);
        expect(read.length).toBe(list.length);
        for (const [index, { header, content }] of read.entries()) {
          const { content: wanted, major, minor, ...written } = list[index] ?? expect.unreachable();
          const isDevice = header.type === "char" || header.type === "block";
          expect(header).toMatchObject({
            ...written,
            major: isDevice ? major : 0,
            minor: isDevice ? minor : 0,
          });
          if (header.type === "file") expect(content.equals(Buffer.from(wanted))).toBe(true);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("no bytes at all make the reader hang or fail in any other way than as `corrupt`", async () => {
  const valid = Buffer.concat([
    encodeFile("a", "content"),
    encodeHeader({ name: "x".repeat(200), type: "file" }),
    END_OF_TAR,
  ]);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: valid.length - 1 }),
      fc.integer({ min: 0, max: 255 }),
      async (at, byte) => {
        const damaged = Buffer.from(valid);
        damaged[at] = byte;
        await readAll(damaged).catch((error: unknown) => expect(error).toHaveProperty("code", "corrupt"));
      },
    ),
    { numRuns: 300 },
  );
});

test.each([
  ["ustar", ["--format=ustar"]],
  ["GNU", ["--format=gnu"]],
  ["pax", ["--format=pax"]],
  ["v7", ["--format=v7"]],
])("reads what GNU tar writes as %s", async (_, options) => {
  const directory = `/tmp/berth-tar-${process.pid}`;
  const long = options.includes("--format=v7") ? "short" : "d".repeat(60);
  tool([
    "sh",
    "-c",
    `mkdir -p ${directory}/zz${long} && cd ${directory} && echo hello > zz${long}/file && ln -sf zz${long}/file link && ln -f zz${long}/file hard && chmod 4755 hard`,
  ]);
  const archive = tool(["tar", "-C", directory, ...options, "--sort=name", "-cf", "-", "."]);
  const entries = await readAll(archive);
  tool(["rm", "-r", directory]);
  const byName = new Map(entries.map((entry) => [entry.header.name, entry]));
  expect([...byName.keys()].toSorted()).toEqual(
    ["./", "./hard", `./zz${long}/`, `./zz${long}/file`, "./link"].toSorted(),
  );
  expect(byName.get("./hard")?.content.toString()).toBe("hello\n");
  expect(byName.get("./hard")?.header.mode).toBe(0o4755);
  expect(byName.get(`./zz${long}/file`)?.header).toMatchObject({ type: "link", linkName: "./hard" });
  expect(byName.get("./link")?.header).toMatchObject({ type: "symlink", linkName: `zz${long}/file` });
});

test.each([
  ["old GNU", ["--format=gnu"]],
  ["pax 0.0", ["--format=pax", "--sparse-version=0.0"]],
  ["pax 0.1", ["--format=pax", "--sparse-version=0.1"]],
  ["pax 1.0", ["--format=pax", "--sparse-version=1.0"]],
])("reads a sparse file as GNU tar stores it: %s", async (_, options) => {
  const directory = `/tmp/berth-sparse-${process.pid}`;
  // Thirty pieces: more than fit into one old GNU header and its first extension.
  tool([
    "sh",
    "-c",
    `mkdir -p ${directory} && cd ${directory} && for i in $(seq 0 29); do printf "piece$i" | dd of=sparse bs=1 seek=$((i * 131072)) conv=notrunc 2>/dev/null; done; truncate -s 5000000 sparse`,
  ]);
  const archive = tool(["tar", "-C", directory, ...options, "--sparse", "-cf", "-", "sparse"]);
  const whole = await Bun.file(`${directory}/sparse`).bytes();
  const [entry, ...rest] = await readAll(archive, 700);
  tool(["rm", "-r", directory]);
  expect(rest).toEqual([]);
  expect(entry?.header).toMatchObject({ name: "sparse", size: 5_000_000 });
  expect(entry?.content.equals(Buffer.from(whole))).toBe(true);
  expect(archive.length).toBeLessThan(1_000_000);
});

test("GNU tar reads what we write: long and odd names, big ids, times before 1970", () => {
  const odd = `${byteStringOf("ä/".repeat(80))}\xff`;
  const archive = Buffer.concat([
    encodeHeader({
      name: odd,
      type: "file",
      uid: 3_000_000,
      gid: 2 ** 31,
      mtime: { seconds: -2, nanoseconds: 0 },
      mode: 0o640,
    }),
    encodeHeader({ name: "dev", type: "char", major: 5, minor: 1 }),
    encodeHeader({ name: "to", type: "symlink", linkName: "x".repeat(150) }),
    END_OF_TAR,
  ]);
  const listed = Buffer.from(
    tool(["tar", "--numeric-owner", "--full-time", "--utc", "--quoting-style=escape", "-tvf", "-"], archive),
  ).toString();
  expect(listed).toContain("3000000/2147483648");
  expect(listed).toContain("1969-12-31 23:59:58");
  expect(listed).toContain(`\\377`);
  expect(listed).toMatch(/crw.*5,1 .*dev|c.*5,1/);
  expect(listed).toContain(`to -> ${"x".repeat(150)}`);
});

const block = (change: (header: Buffer) => void): Buffer => {
  const header = Buffer.from(encodeHeader({ name: "x", type: "file", size: 0 }));
  change(header);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
};

test.each([
  ["is no archive", Buffer.from("hello ".repeat(200)), "not a tar archive"],
  ["is cut in a header", encodeFile("a", "b").subarray(0, 300), "not a tar archive"],
  ["is cut in a later header", Buffer.concat([encodeFile("a", "b"), Buffer.alloc(100, 1)]), "truncated"],
  ["is cut in its content", encodeFile("a", "content").subarray(0, 515), 'bytes of "a" are missing'],
  [
    "has garbage for a second header",
    Buffer.concat([encodeFile("a", "b"), Buffer.alloc(512, 7)]),
    "no header at byte 1024",
  ],
  ["has a negative size", block((header) => header.fill(0xff, 124, 136)), "says that its size is -1"],
  [
    "has a size beyond all reason",
    block((header) => header.fill(0x7f, 125, 136).fill(0x80, 124, 125)),
    "impossible size",
  ],
  ["has letters for a number", block((header) => header.write("zzzz", 124)), "no number"],
  [
    "has a symbolic link with content",
    block((header) => header.write("2", 156) && header.write("00000001000\0", 124)),
    "but is a symlink",
  ],
  ["has an unknown kind of entry", block((header) => header.write("Q", 156)), "unknown type"],
  [
    "has a pax header of a gigabyte",
    block((header) => header.write("x", 156) && header.write("10000000000\0", 124)),
    "extended header",
  ],
  [
    "has a pax record that lies about its length",
    Buffer.concat([
      block((header) => header.write("x", 156) && header.write("00000000014\0", 124)),
      Buffer.concat([Buffer.from("99 path=abc\n"), Buffer.alloc(500)]),
    ]),
    "no `length key=value`",
  ],
])("an archive that %s is refused", async (_, archive, message) => {
  await expect(readAll(archive)).rejects.toThrow(message);
});

test("a sparse map may not reach out of its file", async () => {
  const header = block((bytes) => {
    bytes.write("S", 156);
    bytes.write("ustar  \0", 257, "latin1");
    bytes.write("00000000010\0", 124);
    bytes.write("00000001000\0", 386);
    bytes.write("00000000010\0", 398);
    bytes.write("00000000020\0", 483);
  });
  await expect(readAll(Buffer.concat([header, Buffer.alloc(512), END_OF_TAR]))).rejects.toThrow(
    "out of bounds",
  );
});

test("an empty archive has no entries, with or without its final zeroes", async () => {
  expect(await readAll(Buffer.alloc(10240))).toEqual([]);
  expect(await readAll(new Uint8Array(0))).toEqual([]);
  expect((await readAll(encodeFile("a", "b"))).length).toBe(1);
});
