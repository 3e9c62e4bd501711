/** The json-file log is what docker would have written: read back with JSON.parse, and compared with what was printed. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { mount, umount } from "../../src/kernel/mounts.ts";
import type { Op } from "../../src/runtime/op.ts";
import { ATTACH_LOG } from "../../src/runtime/protocol.ts";
import { has } from "../support/parts.ts";
import { Place } from "./support/place.ts";
import { PATH, type PlanOptions, supervision } from "./support/plan.ts";
import { Shim } from "./support/shim.ts";

const root = test.if(has("root", "busybox"));
const PART = 16384;
const OPEN_STDIN = 2;

/** A process of the host under a shim: no container is needed to write a log. */
function program(place: Place, script: string, options: Partial<PlanOptions>): Op[] {
  return [
    ...supervision(place, { argv: [], ...options }),
    { op: "clone", flags: 0, cgroup: "" },
    { op: "exec", argv: ["/bin/sh", "-c", script], env: [PATH], setHome: false },
  ];
}

async function print(place: Place, script: string, options: Partial<PlanOptions> = {}): Promise<void> {
  await using shim = await Shim.launch(place, program(place, script, options));
  expect((await shim.exited()).exitCode).toBe(0);
}

async function printBytes(
  place: Place,
  bytes: Uint8Array,
  options: Partial<PlanOptions> = {},
): Promise<void> {
  writeFileSync(`${place.top}/bytes`, bytes);
  await print(place, `cat ${place.top}/bytes`, options);
}

/** Docker's copier: lines, and parts of 16 kB of those that are longer; each is converted to UTF-8 by itself. */
function expected(bytes: Buffer): string[] {
  const entries: string[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const newline = rest.subarray(0, PART).indexOf(10);
    const size = newline >= 0 ? newline : Math.min(PART, rest.length);
    entries.push(goString(rest.subarray(0, size)) + (newline >= 0 ? "\n" : ""));
    rest = rest.subarray(size + (newline >= 0 ? 1 : 0));
  }
  return entries;
}

/** As Go does it: every byte that belongs to no character becomes one U+FFFD. */
function goString(bytes: Buffer): string {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const size = [1, 2, 3, 4].find((length) => isCharacter(bytes.subarray(at, at + length)));
    text += size === undefined ? "\ufffd" : bytes.toString("utf8", at, at + size);
    at += size ?? 1;
  }
  return text;
}

function isCharacter(bytes: Buffer): boolean {
  try {
    return [...new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)].length === 1;
  } catch {
    return false;
  }
}

const piece = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => Buffer.from(text)),
  fc.constantFrom("\n", "\r\n", '"\\<>&\t\u2028\u2029\u007f', "\n\n").map((text) => Buffer.from(text)),
  fc.integer({ min: PART - 2, max: PART + 2 }).map((size) => Buffer.alloc(size, "x")),
);

root(
  "every byte that is printed is found again, as docker would have written it",
  async () => {
    const property = fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      using place = new Place();
      const bytes = Buffer.concat(pieces);
      await printBytes(place, bytes);
      expect(place.entries().map(({ log }) => log)).toEqual(expected(bytes));
    });
    await fc.assert(property, { numRuns: 60 });
  },
  30_000,
);

describe("text", () => {
  root("is escaped as Go's encoder escapes it", async () => {
    using place = new Place();
    await printBytes(place, Buffer.from('a"\\<>&\t\r\u0001\u2028\u2029\u007f\u00e9\u{1f600}\xff\n', "utf8"));
    expect(readFileSync(place.log, "utf8")).toStartWith(
      String.raw`{"log":"a\"\\\u003c\u003e\u0026\u0009\r\u0001\u2028\u2029` +
        "\u007f\u00e9\u{1f600}\u00ff" +
        String.raw`\n","stream":"stdout","time":"`,
    );
  });

  root.each([PART - 1, PART, PART + 1, 3 * PART])(
    "a line of %d bytes is cut as docker cuts it, and its parts share one time",
    async (size) => {
      using place = new Place();
      const bytes = Buffer.concat([Buffer.alloc(size, "y"), Buffer.from("\nnext\n")]);
      await printBytes(place, bytes);
      const entries = place.entries();
      expect(entries.map(({ log }) => log)).toEqual(expected(bytes));
      expect(new Set(entries.slice(0, -1).map(({ time }) => time)).size).toBe(1);
    },
  );

  root("a line that comes in pieces is one entry; its end without a newline has none", async () => {
    using place = new Place();
    await print(
      place,
      "printf one; sleep 0.05; printf two; sleep 0.05; echo; printf rest; printf 'bad\\n' >&2",
    );
    const lines = place.entries().map(({ log, stream }) => [stream, log]);
    expect(lines).toContainEqual(["stdout", "onetwo\n"]);
    expect(lines).toContainEqual(["stderr", "bad\n"]);
    expect(lines.at(-1)).toEqual(["stdout", "rest"]);
  });

  root("the time is UTC with at most nine digits, none of them a trailing zero", async () => {
    using place = new Place();
    const before = Date.now();
    await print(place, "for i in 1 2 3 4 5; do echo $i; done");
    for (const { time } of place.entries()) {
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z$/);
      expect(Date.parse(time)).toBeGreaterThanOrEqual(before - 1);
    }
  });
});

describe("rotation", () => {
  root(
    "keeps the newest files, each begun before it would be over its size by more than one entry",
    async () => {
      using place = new Place();
      await print(place, "seq 1 2000", { log: { maxBytes: 10_000, maxFiles: 3 } });
      const files = [`${place.log}.2`, `${place.log}.1`, place.log].map((path) => readFileSync(path, "utf8"));
      const numbers = files
        .join("")
        .split("\n")
        .slice(0, -1)
        .map((line) => Number(JSON.parse(line).log));
      expect(numbers).toEqual(
        Array.from({ length: numbers.length }, (_, index) => 2000 - numbers.length + index + 1),
      );
      for (const full of files.slice(0, 2)) expect(full.length).toBeWithin(10_000, 10_100);
      expect(existsSync(`${place.log}.3`)).toBe(false);
    },
  );

  root("with one file it is emptied", async () => {
    using place = new Place();
    await print(place, "seq 1 2000", { log: { maxBytes: 10_000, maxFiles: 1 } });
    expect(place.entries().at(-1)?.log).toBe("2000\n");
    expect(readFileSync(place.log).length).toBeLessThan(10_100);
    expect(existsSync(`${place.log}.1`)).toBe(false);
  });

  root("goes on in a log that is there already", async () => {
    using place = new Place();
    await print(place, "echo first");
    await print(place, "echo second");
    expect(place.entries().map(({ log }) => log)).toEqual(["first\n", "second\n"]);
  });
});

describe("a follower of the log", () => {
  /** What it is told first, and the numbers that come behind it. */
  function split(bytes: Buffer): { files: number[][]; numbers: number[] } {
    const count = Number(bytes.readBigUInt64LE(0));
    const files = Array.from({ length: count }, (_, at) => [
      Number(bytes.readBigUInt64LE(8 + 16 * at)),
      Number(bytes.readBigUInt64LE(16 + 16 * at)),
    ]);
    const lines = bytes
      .subarray(8 + 16 * count)
      .toString()
      .split("\n")
      .slice(0, -1);
    return { files, numbers: lines.map((line) => Number(JSON.parse(line).log)) };
  }

  root(
    "is told what the files hold by now, and hears every entry behind it, however they rotate",
    async () => {
      using place = new Place();
      const argv = ["sh", "-c", "seq 1 1000; read -r line; seq 1001 20000"];
      const log = { maxBytes: 10_000, maxFiles: 3 };
      await using shim = await Shim.container(place, { argv, log, flags: OPEN_STDIN });
      const [watcher, giver] = [await shim.attach(2), await shim.attach(1)];
      shim.start();
      await watcher.until("\n1000\n"); // written before a client sees it
      const names = [`${place.log}.2`, `${place.log}.1`, place.log];
      const before = names.map((name) => [statSync(name).ino, statSync(name).size]);
      const [quick, slow] = [await shim.attach(ATTACH_LOG), await shim.attach(ATTACH_LOG)];
      slow.wire.pause();
      giver.write("go\n");
      const { files, numbers } = split(await quick.raw());
      expect(files).toEqual(before);
      expect(numbers).toEqual(Array.from({ length: 19_000 }, (_, at) => 1001 + at));
      slow.wire.resume();
      expect(split(await slow.raw()).numbers).toEqual(numbers);
    },
  );

  root("of a process without one hears nothing", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["echo", "hello"], log: false });
    const client = await shim.attach(ATTACH_LOG);
    shim.start();
    expect(split(await client.raw())).toEqual({ files: [], numbers: [] });
  });
});

root("a full disk loses lines, never the process; what is written stays readable", async () => {
  using place = new Place();
  const small = `${place.top}/small`;
  mkdirSync(small);
  mount("tmpfs", small, "tmpfs", 0, "size=64k");
  try {
    const path = `${small}/json.log`;
    await print(place, `seq 1 5000`, { log: { path, maxBytes: 0, maxFiles: 1 } });
    const entries = readFileSync(path, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line).log as string);
    expect(entries[0]).toBe("1\n");
    expect(entries.length).toBeWithin(300, 5000);
    expect(place.record("exit")).toMatchObject({ lostEntries: 5000 - entries.length });
  } finally {
    umount(small, 0);
    rmSync(small, { recursive: true });
  }
});

root("what a full disk did not take is told in its place, as soon as there is room again", async () => {
  using place = new Place();
  const small = `${place.top}/small`;
  mkdirSync(small);
  mount("tmpfs", small, "tmpfs", 0, "size=64k");
  try {
    const path = `${small}/json.log`;
    writeFileSync(`${small}/other`, Buffer.alloc(40_000));
    const script = `read -r line; seq 1 5000; read -r line; rm ${small}/other; echo after`;
    await using shim = await Shim.launch(place, program(place, script, { log: { path }, flags: OPEN_STDIN }));
    await shim.control.next("state");
    const client = await shim.attach();
    client.write("go\n");
    await client.until("5000\n"); // written, or lost, before a client sees it
    client.write("on\n");
    await shim.exited();
    const entries = readFileSync(path, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line).log as string);
    const { lostEntries } = place.record("exit");
    expect(entries.slice(-2)).toEqual([
      `berth: ${lostEntries} entries are missing here: the disk did not take them\n`,
      "after\n",
    ]);
    expect(entries.length - 2 + Number(lostEntries)).toBe(5000);
  } finally {
    umount(small, 0);
    rmSync(small, { recursive: true });
  }
});
