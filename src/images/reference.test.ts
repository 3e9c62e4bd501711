import { expect, test } from "bun:test";
import { canonical, familiar, familiarName, nameFrom, parseReference } from "./reference.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

test.each([
  ["busybox", "docker.io/library/busybox:latest", "busybox:latest"],
  ["busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"],
  ["docker.io/library/busybox", "docker.io/library/busybox:latest", "busybox:latest"],
  ["index.docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"],
  ["me/app", "docker.io/me/app:latest", "me/app:latest"],
  ["localhost/app", "localhost/app:latest", "localhost/app:latest"],
  ["localhost:5000/app:v1", "localhost:5000/app:v1", "localhost:5000/app:v1"],
  ["[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest"],
  ["registry.example.com/a/b/c", "registry.example.com/a/b/c:latest", "registry.example.com/a/b/c:latest"],
  [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`, `busybox@${DIGEST}`],
  [`busybox:1@${DIGEST}`, `docker.io/library/busybox:1@${DIGEST}`, `busybox:1@${DIGEST}`],
])("%s is %s", (text, whole, short) => {
  const reference = parseReference(text);
  expect(canonical(reference)).toBe(whole);
  expect(familiar(reference)).toBe(short);
  expect(canonical(parseReference(whole))).toBe(whole);
});

test.each([
  ["", "invalid reference format"],
  ["Busybox", "must be lowercase"],
  ["busy box", "invalid reference format"],
  ["busybox:", "invalid reference format"],
  ["busybox:a/b:c d", "invalid reference format"],
  ["-a", "invalid reference format"],
  ["a//b", "invalid reference format"],
  ["busybox@sha256:abc", "invalid reference format"],
  ["a".repeat(64), "cannot specify 64-byte hexadecimal strings"],
  ["g".repeat(300), "must not be more than 255 characters"],
])("%p is refused", (text, message) => {
  expect(() => parseReference(text)).toThrow(message);
});

test("docker's pair of repo and tag", () => {
  expect(canonical(nameFrom("a", "b"))).toBe("docker.io/library/a:b");
  expect(canonical(nameFrom("a:c"))).toBe("docker.io/library/a:c");
  expect(familiarName(nameFrom("a:c", ""))).toBe("a");
  expect(() => nameFrom(`a@${DIGEST}`)).toThrow("digest reference");
  expect(() => nameFrom("a", "b c")).toThrow("invalid tag format");
});
