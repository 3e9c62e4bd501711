import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { resolvConf, type ResolvOptions } from "./resolvers.ts";

const directory = mkdtempSync("/tmp/berth-resolv-");
afterAll(() => rmSync(directory, { recursive: true }));

function withHost(text: string, options: ResolvOptions = {}): string {
  const hostPath = `${directory}/resolv.conf`;
  writeFileSync(hostPath, text);
  return resolvConf({ hostPath, ...options });
}

test("the host's resolvers, search and options are copied", () => {
  const text =
    "# made by hand\nnameserver 10.0.0.53\nnameserver 10.0.0.54 ; second\nsearch a.example b.example\noptions ndots:2\n";
  expect(withHost(text)).toBe(
    "nameserver 10.0.0.53\nnameserver 10.0.0.54\nsearch a.example b.example\noptions ndots:2\n",
  );
});

test.each([
  ["loopback", "nameserver 127.0.0.1\nnameserver 127.0.0.54\n"],
  ["IPv6", "nameserver ::1\nnameserver fe80::1%eth0\nnameserver 2001:db8::53\n"],
  ["no", "search example.org\n"],
  ["nonsense", "nameserver localhost\nnameserver\n"],
])("%s resolvers are replaced by public ones, because no container can reach them", (_, text) => {
  expect(withHost(text)).toStartWith("nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
});

test("a resolver that can be reached is enough", () => {
  expect(withHost("nameserver 127.0.0.1\nnameserver 10.0.0.53\n")).toBe("nameserver 10.0.0.53\n");
});

test("a container on the host's network gets all of them", () => {
  expect(withHost("nameserver 127.0.0.53\nnameserver ::1\n", { sharesHost: true })).toBe(
    "nameserver 127.0.0.53\nnameserver ::1\n",
  );
});

test("--dns, --dns-search and --dns-opt replace the host's, each on its own", () => {
  const text = "nameserver 10.0.0.53\nsearch host.example\noptions ndots:2\n";
  expect(withHost(text, { dns: ["1.1.1.1", "2001:db8::1"] })).toBe(
    "nameserver 1.1.1.1\nnameserver 2001:db8::1\nsearch host.example\noptions ndots:2\n",
  );
  expect(withHost(text, { search: ["my.example"], options: ["timeout:1"] })).toBe(
    "nameserver 10.0.0.53\nsearch my.example\noptions timeout:1\n",
  );
});

test("--dns-search . says that nothing is searched", () => {
  expect(withHost("nameserver 10.0.0.53\nsearch host.example\n", { search: ["."] })).toBe(
    "nameserver 10.0.0.53\n",
  );
});

test.each<[string, ResolvOptions]>([
  ["a name for --dns", { dns: ["dns.example"] }],
  ["a line break in --dns", { dns: ["1.1.1.1\nnameserver 6.6.6.6"] }],
  ["a line break in --dns-search", { search: ["a\nnameserver 6.6.6.6"] }],
  ["a space in --dns-opt", { options: ["ndots:1 rotate"] }],
])("%s is refused", (_, options) => {
  expect(() => withHost("", options)).toThrow(/^invalid (nameserver address|word)/);
});

test("no file at all is no failure", () => {
  expect(resolvConf({ hostPath: `${directory}/absent` })).toStartWith("nameserver 8.8.8.8\n");
});
