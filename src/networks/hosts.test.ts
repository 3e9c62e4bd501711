import { expect, test } from "bun:test";
import { hostsFile, parseExtraHost } from "./hosts.ts";

const LOCAL = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
  "",
].join("\n");

test("without a network there are only the local names", () => {
  expect(hostsFile({ hostname: "abc" })).toBe(LOCAL);
});

test("a container finds itself by its name", () => {
  expect(hostsFile({ hostname: "abc", address: "172.17.0.2" })).toBe(`${LOCAL}172.17.0.2\tabc\n`);
});

test("a domain name makes the full name come first", () => {
  expect(hostsFile({ hostname: "abc", domainname: "example.org", address: "172.17.0.2" })).toBe(
    `${LOCAL}172.17.0.2\tabc.example.org abc\n`,
  );
});

test("--add-host adds lines; host-gateway stands for the bridge's address", () => {
  const extraHosts = ["db:10.0.0.5", "up:host-gateway", "six:2001:db8::1", "bracket:[::1]"];
  expect(hostsFile({ hostname: "abc", address: "172.17.0.2", extraHosts, gateway: "172.17.0.1" })).toBe(
    `${LOCAL}10.0.0.5\tdb\n172.17.0.1\tup\n2001:db8::1\tsix\n::1\tbracket\n172.17.0.2\tabc\n`,
  );
});

test("on the host's network the host's file comes first", () => {
  const text = hostsFile({ hostname: "h", sharesHost: true, extraHosts: ["db:10.0.0.5"] });
  expect(text).toContain("localhost");
  expect(text).toEndWith("\n10.0.0.5\tdb\n");
});

test.each([
  "db",
  ":1.2.3.4",
  "a b:1.2.3.4",
  "a\nb:1.2.3.4",
  "db:",
  "db:nowhere",
  "db:1.2.3",
  "db:1.2.3.4\n6.6.6.6\tevil",
])("--add-host %j is refused", (text) => {
  expect(() => parseExtraHost(text)).toThrow(/^(bad format for|invalid IP address in) add-host: /);
});

test.each([{ hostname: "a\n6.6.6.6 evil" }, { hostname: "a b" }, { hostname: "a", domainname: "b\tc" }])(
  "a name of more than one word is refused: %j",
  (options) => {
    expect(() => hostsFile(options)).toThrow("invalid hostname format");
  },
);
