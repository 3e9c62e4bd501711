import { expect, test } from "bun:test";
import type { ContainerSummary } from "../wire/schema.ts";
import { containerRow } from "./container-row.ts";
import { splitPlace } from "./cp.ts";
import { placeFor } from "./copy.ts";
import { describeEvent } from "./events.ts";
import { imageRows } from "./image-row.ts";
import { forTemplate, missingField } from "./inspect-fields.ts";
import { compileTemplate } from "../lib/template.ts";
import { closest } from "./meant.ts";
import { displayPorts } from "./ports.ts";
import { forPipe, forTerminal } from "./progress.ts";
import { canonical } from "./pull.ts";
import { splitReference, withTag } from "./reference.ts";
import { unixTime } from "./since.ts";
import { ellipsis, quote, shortId } from "./text.ts";

const ID = "4f1c0ffeeaba".padEnd(64, "ab");

test("a container's row is what docker ps shows", () => {
  const container: ContainerSummary = {
    Id: ID,
    Names: ["/other/web", "/web"],
    Image: "busybox@sha256:aa",
    Command: "sh -c 'echo \"hello\" && sleep 1000'",
    Labels: { b: "2", a: "1" },
    SizeRw: 1234567,
    SizeRootFs: 5234567,
    Mounts: [{ Type: "bind", Source: "/very/long/path/to/some/dir" }],
  };
  expect(containerRow(container, true)).toMatchObject({
    ID: "4f1c0ffeeaba",
    Names: "web",
    Image: "busybox",
    Command: '"sh -c \'echo \\"hello\\"…"',
    Labels: "a=1,b=2",
    Size: "1.23MB (virtual 5.23MB)",
    Mounts: "/very/long/pat…",
  });
});

test("an image has a row for each of its names", () => {
  const image = {
    Id: `sha256:${ID}`,
    ParentId: "",
    RepoTags: ["busybox:latest", "localhost:5000/b:1"],
    RepoDigests: [`busybox@sha256:${"d".repeat(64)}`],
    Created: 0,
    Size: 4430000,
    SharedSize: -1,
    Labels: {},
    Containers: -1,
  };
  const names = (digests: boolean) =>
    imageRows(image, { short: true, digests, digestRows: digests }).map((row) => [
      row["Repository"],
      row["Tag"],
      row["Digest"],
    ]);
  expect(names(false)).toEqual([
    ["busybox", "latest", "<none>"],
    ["localhost:5000/b", "1", "<none>"],
  ]);
  expect(names(true)[0]).toEqual(["busybox", "latest", `sha256:${"d".repeat(64)}`]);
  const [dangling] = imageRows(
    { ...image, RepoTags: [], RepoDigests: [] },
    { short: true, digests: false, digestRows: false },
  );
  expect(dangling).toMatchObject({ Repository: "<none>", Tag: "<none>", ID: "4f1c0ffeeaba" });
});

test("ports that are side by side become one run, unless they are moved", () => {
  expect(
    displayPorts([
      { PrivatePort: 80, Type: "tcp" },
      { PrivatePort: 81, Type: "tcp" },
      { PrivatePort: 53, Type: "udp" },
      { IP: "0.0.0.0", PrivatePort: 8000, PublicPort: 9000, Type: "tcp" },
      { IP: "0.0.0.0", PrivatePort: 90, PublicPort: 90, Type: "tcp" },
    ]),
  ).toBe("53/udp, 80-81/tcp, 0.0.0.0:90->90/tcp, 0.0.0.0:9000->8000/tcp");
});

test("an event is a line with its attributes in order", () => {
  const event = {
    Type: "container",
    Action: "start",
    Actor: { ID: "4f1", Attributes: { name: "web", image: "busybox" } },
    time: 1763633000,
    timeNano: 1763633000123456800,
  } as const;
  expect(describeEvent(event)).toContain(".123456800");
  expect(describeEvent(event)).toEndWith(" container start 4f1 (image=busybox, name=web)");
});

test.each([
  ["{{.ID}} {{.Id}}", "x x"],
  ["{{.Config.Cmd}} {{json .Config.Cmd}} {{.Config.Volumes}}", "[] null map[]"],
  ["{{.Config.Labels.a}} {{.Config.Labels.none}}", "1 <no value>"],
  ["{{if .State.Health}}x{{end}}{{.State.Health}}", "<nil>"],
  ['{{len (index .NetworkSettings.Ports "53/udp")}}', "0"],
  ["{{.HostConfig.NanoCPUs}}", "5"],
])("%s sees an inspected container as Go does", (source, text) => {
  const element = {
    Id: "x",
    Config: { Cmd: null, Volumes: null, Labels: { a: "1" } },
    State: {},
    HostConfig: { NanoCpus: 5 },
    NetworkSettings: { Ports: { "53/udp": null } },
  };
  expect(compileTemplate(source).execute(forTemplate(element), { missing: missingField })).toBe(text);
});

test.each([
  ["c:/a", { container: "c", path: "/a" }],
  ["/a:b", { container: "", path: "/a:b" }],
  ["./a:b", { container: "", path: "./a:b" }],
  ["-", { container: "", path: "-" }],
  ["file", { container: "", path: "file" }],
])("cp takes %s apart", (text, place) => {
  expect(splitPlace(text)).toEqual(place);
});

test("what is copied lands in a directory that is there, else under the name that was given", () => {
  const directory = { path: "/to", exists: true, isDirectory: true };
  const nothing = { path: "/to/new", exists: false, isDirectory: false };
  expect(placeFor(directory, "a", false)).toEqual({ directory: "/to", name: "a" });
  expect(placeFor(nothing, "a", true)).toEqual({ directory: "/to", name: "new" });
  expect(placeFor({ ...nothing, path: "/to/new/" }, "a", true)).toEqual({ directory: "/to", name: "new" });
  expect(() => placeFor({ ...nothing, path: "/to/new/" }, "a", false)).toThrow("no such directory");
  expect(() => placeFor({ ...directory, isDirectory: false }, "a", true)).toThrow("cannot copy directory");
});

test("progress replaces its line on a terminal and is left out of a pipe", () => {
  const message = { id: "aa", status: "Downloading", progressDetail: { current: 1000, total: 2000 } };
  expect(forPipe(message)).toBe("");
  expect(forPipe({ id: "aa", status: "Done", progressDetail: {} })).toBe("aa: Done\n");
  expect(forPipe({ stream: "Loaded\n" })).toBe("Loaded\n");
  const lines = new Map<string, number>();
  expect(forTerminal(message, lines)).toStartWith("\n");
  expect(forTerminal(message, lines)).toContain("aa: Downloading [=========================>");
});

test.each([
  ["1700000000", "1700000000"],
  ["10m", "999400.000000000"],
  ["1970-01-12T13:46:40Z", "1000000.000000000"],
  ["1970-01-12T13:46:40.5Z", "1000000.500000000"],
])("since %s is %s", (text, seconds) => {
  expect(unixTime(text, undefined, 1_000_000_000)).toBe(seconds);
});

test("small texts", () => {
  expect(() => unixTime("foo")).toThrow('failed to parse value as time or duration: "foo"');
  expect(ellipsis("abcdef", 4)).toBe("abc…");
  expect(quote('a"b\\\n\u0001é')).toBe('"a\\"b\\\\\\n\\x01é"');
  expect(shortId(`sha256:${ID}`)).toBe("4f1c0ffeeaba");
  expect(splitReference("h:5000/a/b:t@sha256:x")).toEqual({
    name: "h:5000/a/b",
    tag: "t",
    digest: "sha256:x",
  });
  expect([withTag("a"), withTag("h:5/a"), withTag("a:b")]).toEqual(["a:latest", "h:5/a:latest", "a:b"]);
  expect(canonical("busybox")).toBe("docker.io/library/busybox:latest");
  expect(canonical("localhost:5000/a:b")).toBe("localhost:5000/a:b");
  expect(closest("iamges", ["images", "image", "ps"])).toEqual(["images", "image"]);
});
