/** What is not there, or not enough: disk, kernel features, cgroup controllers. And archives that want too much. */
import { afterEach, expect, test } from "bun:test";
import { mkdir, rm } from "node:fs/promises";
import { command, output } from "../support/command.ts";
import { BERTH, startEngine, temporaryPlace, type TestEngine } from "../support/engine.ts";
import { has } from "../support/parts.ts";

const TIMEOUT = 60_000;
const places: string[] = [];

afterEach(async () => {
  for (const place of places.splice(0)) {
    await command(["umount", `${place}/root`]);
    await rm(place, { recursive: true, force: true });
  }
}, 30_000);

/** An engine whose root is a file system of `size`. */
async function smallEngine(size: string): Promise<TestEngine> {
  const place = await temporaryPlace();
  places.push(place);
  await mkdir(`${place}/root`);
  await output(["mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", `${place}/root`]);
  return await startEngine({ place, image: "busybox" });
}

/** Takes all but `left` bytes, also where the engine takes some meanwhile. */
async function fill(engine: TestEngine, left: number): Promise<void> {
  const free = Number((await output(["stat", "-f", "-c", "%a", engine.root])).trim()) * 4096;
  const count = left === 0 ? [] : [`count=${Math.floor((free - left) / 4096)}`];
  const { stderr } = await command(["dd", "if=/dev/zero", `of=${engine.root}/filler`, "bs=4096", ...count]);
  expect(/No space left/.test(stderr)).toBe(left === 0);
}

test.if(has("root", "busybox"))(
  "disk full while loading: said so, and nothing stays",
  async () => {
    await using engine = await smallEngine("24m");
    const archive = `${engine.place}/big.tar`;
    await output([
      "sh",
      "-c",
      `mkdir ${engine.place}/d && head -c 60000000 /dev/urandom >${engine.place}/d/f && tar -C ${engine.place}/d -cf ${archive} .`,
    ]);
    const { stderr, code } = await engine.berth(["import", archive, "big"]);
    expect(code).toBe(1);
    expect(stderr).toContain("no space left on device");
    expect((await engine.berth(["images", "-aq"])).stdout.trim().split("\n")).toHaveLength(1);
    expect(await output(["ls", `${engine.root}/tmp`])).toBe("");
    expect((await engine.berth(["run", "--rm", "busybox", "echo", "well"])).stdout).toBe("well\n");
  },
  TIMEOUT,
);

test.if(has("root", "busybox"))(
  "disk full while creating: said so, and nothing stays",
  async () => {
    await using engine = await smallEngine("24m");
    await fill(engine, 0);
    const { stderr, code } = await engine.berth(["create", "--name", "c", "busybox"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/no space left on device|disk is full/);
    await rm(`${engine.root}/filler`);
    expect((await engine.berth(["ps", "-aq"])).stdout).toBe("");
    expect((await engine.berth(["create", "--name", "c", "busybox"])).code).toBe(0);
  },
  TIMEOUT,
);

test.if(has("root", "busybox"))(
  "disk full while logging: the container goes on, and can be removed",
  async () => {
    await using engine = await smallEngine("24m");
    const received = `${engine.place}/received`;
    await Bun.write(received, "");
    // It waits for its client: where the disk is full one that cannot keep up loses output, and this one shall not.
    const line = "head -c 10000 /dev/zero | tr '\\0' x; echo; i=$((i+1))";
    const wait = "until [ $(stat -c %s /received) -ge $((i * 10001)) ]; do sleep 0.01; done";
    const talk = `i=0; while [ $i -lt 400 ]; do ${line}; [ $((i % 5)) -gt 0 ] || ${wait}; done; exit 5`;
    await engine.berth(["create", "--name", "c", "-v", `${received}:/received`, "busybox", "sh", "-c", talk]);
    await fill(engine, 1 << 20);
    const attached = ["sh", "-c", `exec ${BERTH} start -a c >${received}`];
    expect(await command(attached, { env: engine.client })).toMatchObject({ code: 5, stderr: "" });
    expect(Bun.file(received).size).toBe(400 * 10_001);
    await rm(`${engine.root}/filler`);
    expect((await engine.berth(["rm", "c"])).code).toBe(0);
  },
  TIMEOUT,
);

/** Starts the engine in a mount namespace in which `change` was done. */
function withoutPart(change: string): readonly string[] {
  return ["unshare", "-m", "--propagation", "private", "sh", "-c", `${change}; exec "$@"`, "sh"];
}

test.if(has("root", "busybox") && isMounted("/sys/fs/cgroup/memory"))(
  "a missing cgroup controller: limits that need it are refused by name, all else works",
  async () => {
    await using engine = await startEngine({
      image: "busybox",
      wrapper: withoutPart("umount /sys/fs/cgroup/memory"),
    });
    expect((await engine.berth(["run", "--rm", "busybox", "echo", "well"])).stdout).toBe("well\n");
    const { stdout, stderr } = await engine.berth(["run", "--rm", "-m", "64m", "busybox", "true"]);
    expect(stdout + stderr).toMatch(/memory/i);
  },
  TIMEOUT,
);

function isMounted(path: string): boolean {
  return Bun.spawnSync(["mountpoint", "-q", path]).exitCode === 0;
}

/** The second mount(2) of a container's process is that of its root; its first takes the propagation away. */
const NO_OVERLAY = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=mount:error=ENODEV:when=2"];

test.if(has("root", "busybox", "strace"))(
  "a kernel without overlay: the message names it",
  async () => {
    await using engine = await startEngine({ image: "busybox", wrapper: NO_OVERLAY });
    const { stderr, code } = await engine.berth(["run", "--rm", "busybox", "true"]);
    expect(code).toBe(125);
    expect(stderr).toMatch(/overlay.*no such device/i);
  },
  TIMEOUT,
);

test.if(has("root", "busybox"))(
  "a decompression bomb is stopped at a limit",
  async () => {
    await using engine = await startEngine();
    await Bun.write(`${engine.place}/header`, header(8 * 2 ** 40));
    const bomb = `(cat ${engine.place}/header; head -c 600000000 /dev/zero) | gzip -9`;
    const { stderr, code } = await command(["sh", "-c", `${bomb} | "${BERTH}" import - bomb`], {
      env: engine.client,
      timeoutMs: 55_000,
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/limit|too large|too big|more than/i);
    expect((await engine.berth(["images", "-aq"])).stdout).toBe("");
  },
  TIMEOUT,
);

/** The header of a tar member that claims `size` bytes, in GNU's base-256 form. */
function header(size: number): Uint8Array {
  const block = Buffer.alloc(512);
  block.write("f", 0);
  block.write("0000644\x000000000\x000000000\x00", 100);
  block[124] = 0x80;
  block.writeBigUInt64BE(BigInt(size), 128);
  block.write("00000000000\x00        0", 136);
  block.write("ustar\x0000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\x00 `, 148);
  return block;
}

test.if(has("root", "busybox"))(
  "an image of another architecture says so when it cannot run",
  async () => {
    await using engine = await startEngine({ image: "busybox" });
    await command(
      ["sh", "-c", `b=${BERTH}; $b export $($b create busybox) | $b import --platform linux/arm64 - arm`],
      {
        env: engine.client,
      },
    );
    const { stderr } = await engine.berth(["run", "--rm", "--pull", "never", "arm", "true"]);
    expect(stderr).toMatch(/arm64/);
  },
  TIMEOUT,
);
