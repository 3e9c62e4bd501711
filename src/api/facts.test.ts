import { expect, test } from "bun:test";
import { BerthError } from "../lib/error.ts";
import facts from "./facts.json";
import { Query } from "./query.ts";
import { Router } from "./route.ts";
import { ROUTES } from "./routes.ts";
import { unsupportedRoutes } from "./unsupported.ts";

const router = new Router(ROUTES);

function find(method: string, path: string) {
  return router.match(method, path.replace(/\{\w+\}/g, "x")).route;
}

test.each(facts.map(({ method, path }) => [method, path]))(
  "docker's %s %s is served or refused by name",
  (method, path) => {
    expect(find(method, path)).toBeDefined();
  },
);

/** Parameters of endpoints that berth serves. */
const parameters = facts.flatMap(({ method, path, query }) => {
  const found = find(method, path);
  return unsupportedRoutes.includes(found)
    ? []
    : Object.keys(query).map((name) => [method, path, name] as const);
});

test.each(parameters)("%s %s reads its parameter %s, or refuses it", (method, path, name) => {
  const { query, refused } = find(method, path);
  expect([...query, ...refused]).toContain(name);
});

test("no parameter is both read and refused", () => {
  for (const { query, refused } of ROUTES) expect(query.filter((name) => refused.includes(name))).toEqual([]);
});

test("every declared parameter is one of docker's, one that old clients send, or berth's own", () => {
  const old = new Set(["checkpoint", "checkpoint-dir", "details"]);
  for (const { method, path, query, refused } of ROUTES) {
    const known = facts.find((fact) => fact.method === method && fact.path === path)?.query ?? {};
    const strange = [...query, ...refused].filter((name) => !Object.hasOwn(known, name) && !old.has(name));
    expect(path.startsWith("/berth/") ? [] : strange).toEqual([]);
  }
});

test("an image's name may have slashes, and a container's may not", () => {
  expect(router.match("GET", "/images/localhost:5000/a/b:c/json").parameters).toEqual({
    name: "localhost:5000/a/b:c",
  });
  expect(router.match("GET", "/images/a%2Fb/json").parameters).toEqual({ name: "a/b" });
  expect(router.match("GET", "/v1.41/containers//name/json")).toMatchObject({
    version: "1.41",
    parameters: { id: "name" },
  });
  expect(() => router.match("GET", "/containers/a/b/json")).toThrow("page not found");
});

test.each([
  ["1", true],
  ["true", true],
  ["True", true],
  ["yes", true],
  ["0", false],
  ["false", false],
  ["no", false],
  ["none", false],
  ["", false],
])("a flag %j is %p", (text, value) => {
  expect(new Query(`x=${text}`, ["x"]).flag("x", !value)).toBe(value);
});

test("numbers and sizes are read as Go reads them", () => {
  const read = (text: string) => new Query(`x=${text}`, ["x"]);
  expect(read("-1").integer("x")).toBe(-1);
  expect(read("").integer("x")).toBeUndefined();
  expect(() => read("1.5").integer("x")).toThrow('strconv.Atoi: parsing "1.5": invalid syntax');
  expect(read("24").terminalSize("x", "height")).toBe(24);
  expect(() => read("").terminalSize("x", "height")).toThrow('invalid resize height "": invalid syntax');
  expect(() => read("-1").terminalSize("x", "width")).toThrow(
    'invalid resize width "-1": value out of range',
  );
  expect(() => read("70000").terminalSize("x", "width")).toThrow(BerthError);
});

test("a parameter that the route does not declare is a bug, found at once", () => {
  expect(() => new Query("x=1", []).text("x")).toThrow("does not declare");
});
