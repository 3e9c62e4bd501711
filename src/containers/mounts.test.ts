import { expect, test } from "bun:test";
import { cleanPath, mountRequests, parseBind, parseTmpfs, toMountPoints, toRequest } from "./mounts.ts";

test.each([
  ["/a:/b", { source: "/a", destination: "/b", readOnly: false, propagation: "rprivate" }],
  ["/a/:/b//c/../d:ro", { source: "/a", destination: "/b/d", readOnly: true }],
  ["/a:/b:rw,rslave,z", { readOnly: false, propagation: "rslave", mode: "rw,rslave,z" }],
])("parseBind() reads %s", (text, expected) => {
  expect(parseBind(text)).toMatchObject({ type: "bind", makeSource: true, recursive: true, ...expected });
});

test.each([
  ["/a:/b:ro,rw", "invalid mode: ro,rw"],
  ["/a:/b:nonsense", "invalid mode: nonsense"],
  ["/a:b", "invalid mount path: 'b' mount path must be absolute"],
  ["/a:/", "destination can't be '/'"],
  ["/a:/b:ro:x", "invalid volume specification: '/a:/b:ro:x'"],
  [":/b", "invalid volume specification: ':/b'"],
  ["data:/b", "berth does not support named volumes yet"],
  ["/b", "berth does not support anonymous volumes yet"],
])("parseBind() refuses %s", (text, message) => {
  expect(() => parseBind(text)).toThrow(message);
});

test("a tmpfs has docker's options, and the later of two opposites", () => {
  expect(parseTmpfs("/x", "").options).toEqual(["noexec", "nosuid", "nodev"]);
  expect(parseTmpfs("/x", "exec,size=1m,mode=1777,size=2m").options).toEqual([
    "nosuid",
    "nodev",
    "exec",
    "mode=1777",
    "size=2m",
  ]);
});

test.each(["size", "context=x", "upperdir=/etc", ""])("%p is no option of a tmpfs", (option) => {
  const options = option === "" ? "=" : option;
  expect(() => parseTmpfs("/x", options)).toThrow("invalid tmpfs option");
});

test("toRequest() reads a bind and a tmpfs of --mount", () => {
  expect(toRequest({ Type: "bind", Source: "/s", Target: "/t", ReadOnly: true })).toMatchObject({
    source: "/s",
    readOnly: true,
    makeSource: false,
  });
  expect(
    toRequest({ Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 4096, Mode: 0o700 } }),
  ).toMatchObject({
    options: ["noexec", "nosuid", "nodev", "mode=700", "size=4096"],
  });
});

test.each([
  [{ Type: "bind" as const, Target: "/t" }, "field Source must not be empty"],
  [{ Type: "bind" as const, Source: "x", Target: "/t" }, "mount path must be absolute"],
  [{ Type: "tmpfs" as const, Source: "x", Target: "/t" }, "field Source must not be specified"],
  [{ Type: "volume" as const, Source: "x", Target: "/t" }, 'does not support mounts of type "volume" yet'],
  [{ Type: "tmpfs" as const }, "field Target must not be empty"],
  [
    { Type: "bind" as const, Source: "/s", Target: "/t", BindOptions: { ReadOnlyNonRecursive: true } },
    "mount must be set ReadOnly",
  ],
  [
    {
      Type: "bind" as const,
      Source: "/s",
      Target: "/t",
      ReadOnly: true,
      BindOptions: { ReadOnlyForceRecursive: true, NonRecursive: true },
    },
    "conflicts with NonRecursive",
  ],
])("toRequest() refuses %p", (mount, message) => {
  expect(() => toRequest(mount)).toThrow(message);
});

test("parents are mounted before what is in them, and one place is used once", () => {
  const requests = mountRequests({ Binds: ["/1:/a/b/c", "/2:/a"], Tmpfs: { "/a/b": "" } });
  expect(requests.map(({ destination }) => destination)).toEqual(["/a", "/a/b", "/a/b/c"]);
  expect(() => mountRequests({ Binds: ["/1:/a", "/2:/a/"] })).toThrow("Duplicate mount point: /a");
});

test("inspect lists binds, but no --tmpfs", () => {
  expect(toMountPoints(mountRequests({ Binds: ["/1:/a:ro"], Tmpfs: { "/b": "" } }))).toEqual([
    { Type: "bind", Source: "/1", Destination: "/a", Mode: "ro", RW: false, Propagation: "rprivate" },
  ]);
});

test("cleanPath() cannot climb above the root", () => {
  expect(cleanPath("/../../a/./b/..")).toBe("/a");
});

test("nothing is mounted into /proc but what lxcfs offers", () => {
  expect(() => mountRequests({ Binds: ["/x:/proc/cpuinfo"] })).not.toThrow();
  expect(() => mountRequests({ Binds: ["/x:/proc/self/attr"] })).toThrow(
    "cannot be mounted because it is inside /proc",
  );
  expect(() => mountRequests({ Tmpfs: { "/proc": "" } })).toThrow(
    "cannot be mounted because it is not of type proc",
  );
});
