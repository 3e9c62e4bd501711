import { afterAll, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { instanceName, openStore } from "./store.ts";

const BASE = `/tmp/berth-store-${process.pid}`;
afterAll(() => rmSync(BASE, { recursive: true, force: true }));

test("a root has one engine at a time, and says which", async () => {
  const store = await openStore(`${BASE}/held`);
  expect(statSync(`${BASE}/held`).mode & 0o777).toBe(0o700);
  await expect(openStore(`${BASE}/held`)).rejects.toThrow(`another engine (pid ${process.pid})`);
  store.close();
  (await openStore(`${BASE}/held`)).close();
});

test("collections keep values by id and by a second key that nobody else may have", async () => {
  using store = await openStore(`${BASE}/rows`);
  const containers = store.collection<{ name: string }>("containers");
  containers.put("1", { name: "a" }, "/a");
  containers.put("2", { name: "b" }, "/b");
  expect(() => containers.put("3", { name: "a" }, "/a")).toThrow('"/a" is taken in containers');
  containers.put("1", { name: "c" }, "/c");
  expect(containers.getByKey("/c")).toEqual({ id: "1", value: { name: "c" } });
  expect(containers.getByKey("/a")).toBeUndefined();
  containers.remove("2");
  expect(containers.all()).toEqual([{ id: "1", value: { name: "c" } }]);
  expect(store.collection("images").all()).toEqual([]);
});

test("a transaction is all or nothing, also inside another one", async () => {
  using store = await openStore(`${BASE}/transaction`);
  const tags = store.collection<number>("tags");
  expect(() =>
    store.transaction(() => {
      tags.put("a", 1);
      store.transaction(() => tags.put("b", 2));
      throw new Error("half way");
    }),
  ).toThrow("half way");
  expect(tags.all()).toEqual([]);
  store.transaction(() => tags.put("a", 1));
  store.setMeta("one", "1");
  store.setMeta("one", "2");
  expect([tags.get("a"), store.meta("one"), store.meta("two")]).toEqual([1, "2", undefined]);
});

test.each([
  ["garbage", (path: string): void => writeFileSync(path, "garbage ".repeat(1000))],
  ["a database with a hole in it", tornDatabase],
])("%s in the place of state.db is told, with what to do", async (name, damage) => {
  const root = `${BASE}/${name.replaceAll(" ", "-")}`;
  mkdirSync(root, { recursive: true });
  damage(`${root}/state.db`);
  await expect(openStore(root)).rejects.toMatchObject({
    code: "corrupt",
    message: expect.stringMatching(/damaged.*move .*state\.db/),
  });
  rmSync(`${root}/state.db`);
  (await openStore(root)).close(); // the lock was let go of
});

test("a database of a newer berth is left alone", async () => {
  (await openStore(`${BASE}/newer`)).close();
  const database = new Database(`${BASE}/newer/state.db`);
  database.run("PRAGMA user_version = 99");
  database.close();
  await expect(openStore(`${BASE}/newer`)).rejects.toThrow("use the newer berth");
});

test("two roots never have the same instance name", () => {
  expect(instanceName("/var/lib/berth")).toBe("berth");
  expect(instanceName("/a")).toMatch(/^b[0-9a-f]{6}$/);
  expect(instanceName("/a")).not.toBe(instanceName("/b"));
});

function tornDatabase(path: string): void {
  const database = new Database(path);
  database.run("CREATE TABLE filler (text TEXT)");
  for (let row = 0; row < 200; row++) database.run("INSERT INTO filler VALUES (?)", ["x".repeat(200)]);
  database.close();
  const bytes = readFileSync(path);
  bytes.fill(0xff, 4096, 12_288);
  writeFileSync(path, bytes);
}
