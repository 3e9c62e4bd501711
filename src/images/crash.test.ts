/** kill -9 at every step of import, load and remove: the image is whole or absent, and what is left over is swept. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { encodeFile, END_OF_TAR } from "../lib/tar-writer.ts";
import { openStore } from "../store/store.ts";
import { NO_FILTERS } from "../wire/filters.ts";
import { openImages } from "./images.ts";

const isRoot = process.getuid?.() === 0;
const BASE = `/tmp/berth-crash-${process.pid}`;
const MAX_STEPS = 20;

/** A process that opens the store, arms the failpoint, and does one thing. */
const VICTIM = `
const [root, steps, what, file] = process.argv.slice(2);
const load = (path) => import(${JSON.stringify(import.meta.dir)} + path);
const { crashAfter } = await load("/../lib/failpoint.ts");
const { openStore } = await load("/../store/store.ts");
const { openImages } = await load("/images.ts");
const images = await openImages(await openStore(root));
crashAfter(Number(steps));
if (what === "import") await Array.fromAsync(images.import(Bun.file(file).stream(), { repo: "made" }));
if (what === "load") await Array.fromAsync(images.load(Bun.file(file).stream()));
if (what === "remove") images.remove("made", { force: true, usedBy: () => [] });
if (what === "hello") images.get("hello-world");
`;

async function runVictim(root: string, steps: number, what: string, file: string): Promise<boolean> {
  const child = Bun.spawn([process.execPath, `${BASE}/victim.ts`, root, String(steps), what, file], {
    stderr: "inherit",
  });
  const exitCode = await child.exited;
  expect([0, 137]).toContain(exitCode);
  return exitCode === 137;
}

/** Opens the root as the next engine would, and checks that disk and catalog agree; answers the image's files. */
async function examine(root: string, name: string): Promise<string | undefined> {
  const store = await openStore(root);
  const images = await openImages(store);
  const image = images.find(name);
  const rows = images.list({ filters: NO_FILTERS });
  await images.close();
  expect(readdirSync(`${root}/tmp`)).toEqual([]);
  const layers = rows.length === 0 ? 0 : 1; // all these images have the same one
  expect(readdirSync(`${root}/layers`)).toHaveLength(2 + layers);
  expect(readdirSync(`${root}/layers/l`)).toHaveLength(1 + layers);
  expect(readdirSync(`${root}/blobs/sha256`)).toHaveLength(2 * rows.length + layers);
  const index = JSON.parse(readFileSync(`${root}/index.json`, "utf8")) as { manifests: unknown[] };
  expect(index.manifests).toHaveLength(rows.length);
  const content =
    image === undefined ? undefined : readFileSync(`${root}/layers/${image.layerLinks[0]}/file`, "utf8");
  store.close();
  return content;
}

beforeAll(async () => {
  mkdirSync(BASE, { recursive: true });
  await Bun.write(`${BASE}/victim.ts`, VICTIM);
  await Bun.write(`${BASE}/rootfs.tar`, Buffer.concat([encodeFile("file", "x".repeat(100_000)), END_OF_TAR]));
  if (!isRoot) return;
  const store = await openStore(`${BASE}/source`);
  const images = await openImages(store);
  await Array.fromAsync(images.import(Bun.file(`${BASE}/rootfs.tar`).stream(), { repo: "made" }));
  await Bun.write(
    `${BASE}/archive.tar`,
    Buffer.concat(await Array.fromAsync(images.save(["made"]), (part) => part.slice())),
  );
  await images.close();
  store.close();
});
afterAll(() => rmSync(BASE, { recursive: true, force: true }));

describe.if(isRoot)("killed at every step", () => {
  test.each([
    ["import", "rootfs.tar", "made"],
    ["load", "archive.tar", "made"],
  ])(
    "of %s",
    async (what, file, name) => {
      let crashed = true;
      let steps = 0;
      const seen = new Set<boolean>();
      while (crashed && steps++ < MAX_STEPS) {
        const root = `${BASE}/${what}-${steps}`;
        crashed = await runVictim(root, steps, what, `${BASE}/${file}`);
        const content = await examine(root, name);
        seen.add(content !== undefined);
        if (content !== undefined) expect(content).toBe("x".repeat(100_000));
        // Whatever was lost, doing it again makes it whole.
        await runVictim(root, 0, what, `${BASE}/${file}`);
        expect(await examine(root, name)).toBe("x".repeat(100_000));
      }
      expect(crashed).toBe(false);
      expect(steps).toBeGreaterThan(4);
      expect(seen).toEqual(new Set([true, false]));
    },
    60_000,
  );

  test("of remove", async () => {
    let crashed = true;
    let steps = 0;
    while (crashed && steps++ < MAX_STEPS) {
      const root = `${BASE}/remove-${steps}`;
      await runVictim(root, 0, "import", `${BASE}/rootfs.tar`);
      crashed = await runVictim(root, steps, "remove", "");
      expect(await examine(root, "made")).toBeUndefined();
      expect(existsSync(`${root}/state.db`)).toBe(true);
    }
    expect(crashed).toBe(false);
  }, 60_000);
});
