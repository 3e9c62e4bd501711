/** Attached clients: they see everything, hold up nobody, and give the process its input. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { has } from "../support/parts.ts";
import { linkOf } from "./support/link.ts";
import { Place } from "./support/place.ts";
import { SANITIZED } from "./support/program.ts";
import { ATTACH_ALL, ATTACH_OUTPUT, type Client, Shim, splitFrames } from "./support/shim.ts";
import { until } from "./support/within.ts";

const root = test.if(has("root", "busybox"));
const OPEN_STDIN = 2;
const STDIN_ONCE = 4;
const MEGABYTE = 1 << 20;

function residentBytes(pid: number): number {
  const kilobytes = /^Rss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
  return Number(kilobytes) * 1024;
}

function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function openFilesIn(directory: string, pid: number): number {
  const names = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  return names.filter((name) => name.startsWith(directory)).length;
}

describe("output", () => {
  root("is seen from the first byte by who attached before the start", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["sh", "-c", "echo first; echo second >&2"] });
    const clients = await Promise.all(Array.from({ length: 5 }, () => shim.attach()));
    shim.start();
    for (const client of clients)
      expect(await client.output()).toEqual({ stdout: "first\n", stderr: "second\n" });
  });

  root.each([
    [2, { stdout: "out\n", stderr: "" }],
    [4, { stdout: "", stderr: "err\n" }],
    [1, { stdout: "", stderr: "" }],
  ])("is only what was asked for: %d", async (streams, expected) => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["sh", "-c", "echo out; echo err >&2"] });
    const client = await shim.attach(streams);
    shim.start();
    expect(await client.output()).toEqual(expected);
  });

  root("comes to who attaches later from then on", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, {
      argv: ["sh", "-c", "echo early; read -r line; echo late"],
      flags: OPEN_STDIN,
    });
    const first = await shim.attach();
    shim.start();
    await first.until("early");
    const second = await shim.attach();
    second.write("go\n");
    expect(await second.output()).toMatchObject({ stdout: "late\n" });
  });

  root("of a process without a log reaches its clients too", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["echo", "hello"], log: false });
    const client = await shim.attach();
    shim.start();
    expect(await client.output()).toMatchObject({ stdout: "hello\n" });
  });
});

describe("a client that does not read", () => {
  root(
    "holds up nobody, and gets all of 200 MB when it reads again",
    async () => {
      using place = new Place();
      const argv = ["sh", "-c", "yes 0123456789abcdef | head -c 200000000; echo done >&2"];
      await using shim = await Shim.container(place, { argv, log: false, spillLimit: 400 * MEGABYTE });
      const [lagging, quick] = [await shim.attach(ATTACH_OUTPUT), await shim.attach(4)];
      lagging.wire.pause();
      shim.start();
      await quick.until("done");
      if (!SANITIZED) expect(residentBytes(shim.pid)).toBeLessThan(MEGABYTE);
      lagging.wire.resume();
      const output = splitFrames(await lagging.raw())[1];
      expect(output.length).toBe(200_000_000);
      expect(output.equals(Buffer.alloc(200_000_000, "0123456789abcdef\n"))).toBe(true);
      expect(await shim.ended).toBe(0);
    },
    60_000,
  );

  root("is cut off at the limit, and told so in whole frames", async () => {
    using place = new Place();
    const argv = ["sh", "-c", "yes | head -c 20000000; echo done >&2; exec sleep 60"];
    await using shim = await Shim.container(place, { argv, log: false, spillLimit: MEGABYTE });
    const [lagging, quick] = [await shim.attach(ATTACH_OUTPUT), await shim.attach(4)];
    lagging.wire.pause();
    shim.start();
    await quick.until("done");
    lagging.wire.resume();
    const { 1: stdout, 2: stderr } = splitFrames(await lagging.raw());
    expect(stdout.length).toBeWithin(MEGABYTE, 3 * MEGABYTE);
    expect(stderr.toString()).toContain("fell too far behind");
  });

  root("is cut off at once where there is no place to spill", async () => {
    using place = new Place();
    const argv = ["sh", "-c", "yes | head -c 3000000; echo done >&2; exec sleep 60"];
    await using shim = await Shim.container(place, { argv, log: false, spillLimit: false });
    const [lagging, quick] = [await shim.attach(2), await shim.attach(4)];
    lagging.wire.pause();
    shim.start();
    await quick.until("done");
    lagging.wire.resume();
    expect((await lagging.raw()).length).toBeLessThan(3_000_000);
  });

  root("still gets what it missed after the process has ended", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["sh", "-c", "yes | head -c 5000000"] });
    const client = await shim.attach();
    client.wire.pause();
    shim.start();
    await shim.exited();
    client.wire.resume();
    expect((await client.output()).stdout.length).toBe(5_000_000);
    expect(await shim.ended).toBe(0);
  });
});

describe("the backlog of slow clients", () => {
  root("is one file for all of them, each at its own place and with its own streams", async () => {
    using place = new Place();
    const script =
      "for i in $(seq 300); do head -c 20000 /dev/zero | tr '\\0' o; echo $i >&2; done; echo done >&2";
    await using shim = await Shim.container(place, { argv: ["sh", "-c", script], log: false });
    const quick = await shim.attach(4);
    const slow = await Promise.all([6, 6, 2, 4, 6].map((streams) => shim.attach(streams)));
    for (const { wire } of slow) wire.pause();
    shim.start();
    await quick.until("done");
    expect(openFilesIn(place.spill, shim.pid)).toBe(1);
    const stdout = "o".repeat(300 * 20_000);
    const stderr = `${Array.from({ length: 300 }, (_, at) => at + 1).join("\n")}\ndone\n`;
    for (const [at, expected] of [
      { stdout, stderr },
      { stdout, stderr },
      { stdout, stderr: "" },
      { stdout: "", stderr },
    ].entries()) {
      slow[at]?.wire.resume();
      expect(await slow[at]?.output()).toEqual(expected);
    }
    slow[4]?.wire.close();
    expect(await shim.ended).toBe(0);
  });

  root("leaves the disk with what shall stay free, and tells those whom it cuts off", async () => {
    using place = new Place();
    const argv = ["sh", "-c", "yes | head -c 20000000; echo done >&2; exec sleep 60"];
    await using shim = await Shim.container(place, { argv, log: false, spillSparePercent: 100 });
    const [lagging, quick] = [await shim.attach(ATTACH_OUTPUT), await shim.attach(4)];
    lagging.wire.pause();
    shim.start();
    await quick.until("done");
    lagging.wire.resume();
    const { 1: stdout, 2: stderr } = splitFrames(await lagging.raw());
    expect(stdout.length).toBeWithin(MEGABYTE, 3 * MEGABYTE);
    expect(stderr.toString()).toContain("the disk is nearly full");
  });

  root("of a terminal is what the terminal shows", async () => {
    using place = new Place();
    const argv = ["sh", "-c", "stty -opost; seq 300000; echo end > /tmp/end; read -r line"];
    await using shim = await Shim.container(place, { argv, terminal: true, flags: OPEN_STDIN, log: false });
    const [slow, quick] = [await shim.attach(), await shim.attach()];
    slow.wire.pause();
    shim.start();
    await quick.until("300000\n");
    slow.wire.resume();
    expect(await slow.until("300000\n")).toEndWith(
      Array.from({ length: 300_000 }, (_, at) => `${at + 1}\n`).join(""),
    );
    quick.write("x\n");
  });
});

describe("input", () => {
  root("goes to the process, and its end too for the only client", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["wc", "-c"], flags: OPEN_STDIN | STDIN_ONCE });
    const client = await shim.attach();
    shim.start();
    const total = await pour(client, 3_000_000);
    client.wire.shutdown();
    expect(await client.output()).toMatchObject({ stdout: `${total}\n` });
  });

  root("stays open for the next client where it is not for one only", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["cat"], flags: OPEN_STDIN });
    const first = await shim.attach();
    shim.start();
    first.write("one\n");
    first.wire.shutdown();
    await first.until("one");
    const second = await shim.attach();
    second.write("two\n");
    await second.until("two");
  });

  root("that a client sent before it hung up is not lost", async () => {
    using place = new Place();
    const argv = ["sh", "-c", "echo ready; sleep 0.2; wc -c; echo end"];
    await using shim = await Shim.container(place, { argv, flags: OPEN_STDIN | STDIN_ONCE });
    const [giver, reader] = [await shim.attach(ATTACH_ALL), await shim.attach(ATTACH_OUTPUT)];
    shim.start();
    await reader.until("ready");
    giver.write("x".repeat(150_000));
    giver.wire.close();
    expect((await reader.output()).stdout).toBe("ready\n150000\nend\n");
  });

  root("that nobody takes any more keeps no client alive", async () => {
    using place = new Place();
    const argv = ["sh", "-c", "exec 0<&-; echo closed; exec sleep 60"];
    await using shim = await Shim.container(place, { argv, flags: OPEN_STDIN });
    const watcher = await shim.attach(ATTACH_OUTPUT);
    shim.start();
    await watcher.until("closed");
    const before = openDescriptors(shim.pid);
    for (let round = 0; round < 20; round++) {
      const client = await shim.attach();
      client.write("x".repeat(100_000));
      client.wire.close();
    }
    // One less: the end of the pipe that is of no use any more.
    await until("the shim to forget them", () => openDescriptors(shim.pid) === before - 1);
  });

  root("is refused to a process without one", async () => {
    using place = new Place();
    await using shim = await Shim.container(place, { argv: ["sh", "-c", "cat; echo end"] });
    const client = await shim.attach();
    shim.start();
    client.write("lost");
    expect(await client.output()).toMatchObject({ stdout: "end\n" });
  });

  root("of a process that does not read costs no memory and holds up no output", async () => {
    using place = new Place();
    const argv = ["sh", "-c", "for i in $(seq 50); do echo line; sleep 0.01; done"];
    await using shim = await Shim.container(place, { argv, flags: OPEN_STDIN });
    const client = await shim.attach();
    shim.start();
    client.write("x".repeat(2 * MEGABYTE));
    expect((await client.output()).stdout).toBe("line\n".repeat(50));
  });
});

async function pour(client: Client, bytes: number): Promise<number> {
  await client.wire.writeAll(Buffer.alloc(bytes, "z"));
  return bytes;
}

root("200 clients at once see the same, and leave nothing behind", async () => {
  using place = new Place();
  const argv = ["sh", "-c", "seq 1000; read -r line; echo last"];
  await using shim = await Shim.container(place, { argv, flags: OPEN_STDIN });
  const before = openDescriptors(shim.pid);
  const clients = await Promise.all(Array.from({ length: 200 }, () => shim.attach()));
  shim.start();
  await Promise.all(clients.map((client) => client.until("1000\n")));
  for (const client of clients.slice(1)) client.wire.close();
  await until("the shim to forget them", () => openDescriptors(shim.pid) <= before + 1);
  clients[0]?.write("go\n");
  await clients[0]?.until("last");
});
