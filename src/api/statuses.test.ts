import { expect, test } from "bun:test";
import facts from "./facts.json";
import { FakeProcess, fakeEngine } from "./fake-engine.ts";
import { Router } from "./route.ts";
import { ROUTES } from "./routes.ts";
import { testServer } from "./test-client.ts";
import { unsupportedRoutes } from "./unsupported.ts";

async function* nothing(): AsyncGenerator<never> {}

const STAT = { name: "x", size: 0, mode: 0, mtime: "", linkTarget: "" };

/** An engine in which everything succeeds. */
const willing = fakeEngine({
  system: { version: () => ({}), info: async () => ({}), events: nothing },
  images: {
    list: () => [],
    inspect: () => ({}),
    history: () => [],
    tag: () => {},
    remove: () => [],
    prune: () => ({ deleted: [], spaceReclaimed: 0 }),
    import: nothing,
    load: nothing,
    save: nothing,
    pull: nothing,
  },
  execs: {
    create: async () => ({ Id: "x" }),
    inspect: async () => ({ Running: false, ExitCode: null, OpenStdin: false, ProcessConfig: {} }),
    start: async () => ended(),
    resize: async () => {},
  },
  containers: {
    list: async () => [],
    create: async () => ({ Id: "x", Warnings: [] }),
    inspect: async () => ({}),
    logs: async () => ({ tty: true, stream: nothing() }),
    wait: async () => ({ StatusCode: 0 }),
    attach: async () => ended(),
    statPath: async () => STAT,
    getArchive: async () => ({ stat: STAT, stream: nothing() }),
    export: async () => nothing(),
    top: async () => ({}),
    update: async () => ({}),
    stats: nothing,
    changes: async () => [],
    prune: async () => ({}),
    ...done(
      "start",
      "stop",
      "restart",
      "kill",
      "pause",
      "unpause",
      "rename",
      "remove",
      "resize",
      "putArchive",
    ),
  },
});

function ended(): FakeProcess {
  const process = new FakeProcess({ tty: true });
  process.exit();
  return process;
}

function done(...names: readonly string[]): Record<string, () => Promise<void>> {
  return Object.fromEntries(names.map((name) => [name, async () => {}]));
}

/** Parameters without which an endpoint makes no sense. */
const NEEDED = "path=/x&h=1&w=1&stdout=1&fromImage=x";
const JSON_BODY = {
  body: JSON.stringify({ Image: "x", Cmd: ["x"] }),
  headers: { "Content-Type": "application/json" },
};
const TAKES_JSON = new Set(["/containers/create", "/containers/{id}/exec", "/exec/{id}/start"]);

/** A websocket is no HTTP answer (websocket.test.ts); of volumes and plugins there is none. */
const LEFT_OUT = new Set(["/containers/{id}/attach/ws", "/volumes/{name}", "/plugins/{name}/json"]);

const router = new Router(ROUTES);
const served = facts.filter(({ method, path }) => {
  const { route } = router.match(method, path.replace(/\{\w+\}/g, "x"));
  return !LEFT_OUT.has(path) && !unsupportedRoutes.includes(route);
});

test.each(served.map(({ method, path, statuses }) => [method, path, statuses] as const))(
  "%s %s succeeds with a status that docker's description has: %j",
  async (method, path, statuses) => {
    await using server = await testServer(willing);
    const ref = path.startsWith("/networks") ? "bridge" : "x";
    const init = { method, ...(TAKES_JSON.has(path) && JSON_BODY) };
    const response = await server.fetch(`${path.replace(/\{\w+\}/g, ref)}?${NEEDED}`, init);
    await response.text();
    expect(statuses.filter((status) => status < 300)).toContain(response.status);
  },
);
