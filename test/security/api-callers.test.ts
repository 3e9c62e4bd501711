/** CVE-2025-9074 and DNS rebinding: a page in a browser must not be able to talk to the engine. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../support/engine.ts";
import { has } from "../support/parts.ts";

describe.if(has("root", "busybox"))("who may call the engine", () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({ image: "busybox" });
  }, 30_000);
  afterAll(() => engine[Symbol.asyncDispose](), 30_000);

  async function create(url: string, headers: Record<string, string>): Promise<number> {
    const body = JSON.stringify({ Image: "busybox" });
    const response = await fetch(`${url}/containers/create`, {
      unix: engine.socket,
      method: "POST",
      body,
      headers,
    });
    return response.status;
  }
  const json = { "Content-Type": "application/json" };

  test.each<[string, string, Record<string, string>]>([
    ["a page of another site", "http://localhost", { ...json, Origin: "http://evil.example" }],
    ["a page without an origin", "http://localhost", { ...json, Origin: "null" }],
    ["a page of another port", "http://localhost:2375", { ...json, Origin: "http://localhost:3000" }],
    ["a browser's cross-site request", "http://localhost", { ...json, "Sec-Fetch-Site": "cross-site" }],
    ["a name that was bound again", "http://evil.example", json],
    ["a form", "http://localhost", { "Content-Type": "text/plain" }],
    ["a form with a file", "http://localhost", { "Content-Type": "multipart/form-data; boundary=x" }],
  ])(
    "%s is refused",
    async (_, url, headers) => {
      const status = await create(url, headers);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect((await engine.berth(["ps", "-aq"])).stdout).toBe("");
    },
    20_000,
  );

  test("clients as they are may", async () => {
    expect(await create("http://docker", json)).toBe(201);
    await engine.removeContainers();
  }, 20_000);

  test("TCP is not served, and is refused by name", async () => {
    const tcp = await engine.berth(["ps"], { env: { DOCKER_HOST: "tcp://127.0.0.1:2375" } });
    expect(tcp.code).not.toBe(0);
    expect(tcp.stderr).toMatch(/tcp/);
  }, 20_000);
});
