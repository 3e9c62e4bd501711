import { expect, test } from "bun:test";
import { booleanFilter, formatFilters, matchLabels, parseFilters, requireFilters } from "./filters.ts";

test.each([
  ["lists", '{"status":["paused","exited"]}'],
  ["sets", '{"status":{"paused":true,"exited":true}}'],
  ["a mixture", '{"status":["paused","exited","paused"]}'],
])("filters come as %s", (_, text) => {
  expect([...parseFilters(text)]).toEqual([["status", ["paused", "exited"]]]);
});

test.each(["", "{}", "null", undefined])("%j is no filter", (text) => {
  expect(parseFilters(text).size).toBe(0);
});

test.each(["{", "5", "[]", '"x"', '{"a":"b"}', '{"a":[1]}', '{"a":{"b":"c"}}'])(
  "%s is an invalid filter",
  (text) => {
    expect(() => parseFilters(text)).toThrow("invalid filter");
  },
);

test("filters survive their own format", () => {
  const filters = parseFilters('{"label":["a=b","c"],"__proto__":["x"]}');
  expect(parseFilters(formatFilters(filters))).toEqual(filters);
});

test("an unknown filter is refused in docker's words", () => {
  expect(() => requireFilters(parseFilters('{"nope":["1"]}'), ["status"])).toThrow("invalid filter 'nope'");
});

test("a filter that is yes or no takes four words", () => {
  expect(booleanFilter(parseFilters('{"dangling":["1"]}'), "dangling")).toBe(true);
  expect(booleanFilter(parseFilters('{"dangling":["false"]}'), "dangling")).toBe(false);
  expect(booleanFilter(parseFilters("{}"), "dangling")).toBeUndefined();
  expect(() => booleanFilter(parseFilters('{"dangling":["maybe"]}'), "dangling")).toThrow(
    "invalid filter 'dangling=[maybe]'",
  );
});

test("labels match by key, or by key and value", () => {
  const labels = { a: "b=c", d: "" };
  expect(matchLabels(parseFilters('{"label":["a","d="]}'), "label", labels)).toBe(true);
  expect(matchLabels(parseFilters('{"label":["a=b=c"]}'), "label", labels)).toBe(true);
  expect(matchLabels(parseFilters('{"label":["a=x"]}'), "label", labels)).toBe(false);
  expect(matchLabels(parseFilters('{"label":["toString"]}'), "label", labels)).toBe(false);
});
