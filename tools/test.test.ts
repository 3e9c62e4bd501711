import { expect, test } from "bun:test";
import { parseJunit } from "./test.ts";

test("the sum is read from the report's first element", () => {
  const xml = `<?xml version="1.0"?><testsuites name="bun test" tests="20" assertions="9" failures="2" skipped="3" time="1"><testsuite tests="5"/>`;
  expect(parseJunit(xml)).toEqual({ passed: 15, failed: 2, skipped: 3 });
});

test("a report that was never written counts nothing", () => {
  expect(parseJunit("")).toEqual({ passed: 0, failed: 0, skipped: 0 });
});
