import { expect, test } from "bun:test";
import { runtimeOf } from "./names.ts";

test.each([
  ["/usr/bin/berth", ["oci", "state", "x"], { name: "berth oci", words: ["state", "x"] }],
  ["/usr/sbin/runc", ["state", "x"], { name: "runc", words: ["state", "x"] }],
  ["berth-oci", ["oci"], { name: "berth-oci", words: ["oci"] }],
  ["runc/berth", ["run", "oci"], undefined],
  ["berth", [], undefined],
])("%s %p", (argv0, words, called) => {
  expect(runtimeOf(argv0, words)).toEqual(called);
});
