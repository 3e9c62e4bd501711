/** Docker's USER, resolved in the container's own tables. Digits are a number, whatever the tables say. */
import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { mknod } from "../../src/kernel/files.ts";
import { has } from "../support/parts.ts";
import { Place } from "./support/place.ts";
import { containerPlan } from "./support/plan.ts";
import { failureOf, runContainer } from "./support/shim.ts";

const root = test.if(has("root", "busybox"));

const PASSWD = [
  "root:x:0:0:root:/root:/bin/sh",
  "ada:x:1000:1001:Ada:/home/ada:/bin/sh",
  "1000:x:5:6::/five:/bin/sh", // a name of digits: never looked up
  "broken",
  "huge:x:4294967296:0::/:/bin/sh",
  "wrapped:x:2147483648:0::/:/bin/sh",
  "negative:x:-1:0::/:/bin/sh",
  "nohome:x:1002:1002:::",
].join("\n");
const GROUP = [
  "root:x:0:",
  "ada:x:1001:",
  "wheel:x:10:root,ada",
  "audio:x:29:ada,other",
  "0:x:77:",
  "big:x:4294967295:ada",
].join("\n");

function tables(place: Place): void {
  place.put("etc/passwd", `${PASSWD}\n`);
  place.put("etc/group", `${GROUP}\n`);
}

describe("a user is", () => {
  root.each([
    ["", [], "0 0 0 10"],
    ["0", [], "0 0 0 10"],
    ["root", [], "0 0 0 10"],
    ["ada", [], "1000 1001 1001 10 29"],
    ["1000", [], "1000 1001 1001 10 29"],
    ["4711", [], "4711 0 0"],
    ["4711:4712", [], "4711 4712 4712"],
    ["ada:wheel", [], "1000 10 10"],
    ["ada:0", [], "1000 0 0"],
    ["ada:", [], "1000 1001 1001 10 29"],
    ["2147483647", [], "2147483647 0 0"],
    ["ada", ["audio", "77"], "1000 1001 1001 10 29 29 77"],
    ["4711", ["wheel"], "4711 0 0 10"],
  ])("%p with groups %p", async (user, groups, expected) => {
    using place = new Place();
    tables(place);
    const argv = ["sh", "-c", "echo $(id -u) $(id -g) $(grep Groups: /proc/self/status | cut -f2)"];
    const { stdout } = await runContainer(place, { argv, user, groups });
    expect(unique(stdout.trim())).toBe(unique(expected));
  });
});

/** The kernel sorts the groups. */
function unique(text: string): string {
  const [uid, gid, ...groups] = text.split(" ");
  return [uid, gid, ...new Set(groups.map(Number).toSorted((a, b) => a - b))].join(" ");
}

describe("a user is not", () => {
  root.each([
    ["2147483648", [], 34, 'user "2147483648": a uid is 0 to 2147483647'],
    ["4294967296", [], 34, 'user "4294967296": a uid is 0 to 2147483647'],
    ["99999999999999999999999", [], 34, 'user "99999999999999999999999": a uid is 0 to 2147483647'],
    ["-1", [], 2, "unable to find user -1: no matching entries in passwd file"],
    ["huge", [], 2, "unable to find user huge: no matching entries in passwd file"],
    ["wrapped", [], 2, "unable to find user wrapped: no matching entries in passwd file"],
    ["negative", [], 2, "unable to find user negative: no matching entries in passwd file"],
    ["broken", [], 2, "unable to find user broken: no matching entries in passwd file"],
    ["ada:nothing", [], 2, "unable to find group nothing: no matching entries in group file"],
    ["ada:4294967295", [], 34, 'group "4294967295": a gid is 0 to 2147483647'],
    ["ada", ["nothing"], 2, "unable to find group nothing: no matching entries in group file"],
    ["u".repeat(400), [], 36, `user "${"u".repeat(40)}…"`],
  ])("%p with groups %p", async (user, groups, errno, object) => {
    using place = new Place();
    tables(place);
    expect(await failureOf(place, containerPlan(place, { argv: ["true"], user, groups }))).toMatchObject({
      errno,
      object,
    });
  });
});

root.each([
  ["ada", "/home/ada"],
  ["4711", "/"],
  ["nohome", "/"],
  ["", "/root"],
])("HOME of %p is %p", async (user, home) => {
  using place = new Place();
  tables(place);
  const options = { argv: ["sh", "-c", "echo $HOME"], user, setHome: true };
  expect((await runContainer(place, options)).stdout).toBe(`${home}\n`);
});

root("HOME of the environment stays", async () => {
  using place = new Place();
  const options = { argv: ["sh", "-c", "echo $HOME"], env: ["PATH=/bin", "HOME=/mine"], setHome: true };
  expect((await runContainer(place, options)).stdout).toBe("/mine\n");
});

root("a root without tables has only numbers", async () => {
  using place = new Place();
  mkdirSync(`${place.upper}/etc`);
  for (const name of ["passwd", "group"]) mknod(`${place.upper}/etc/${name}`, 0o20000); // a whiteout
  expect((await runContainer(place, { argv: ["id", "-u"], user: "12:13" })).stdout).toBe("12\n");
});

root("the program may open its own output again", async () => {
  using place = new Place();
  const argv = ["sh", "-c", "echo out >/dev/stdout; echo err >/dev/stderr"];
  expect(await runContainer(place, { argv, user: "ada" })).toMatchObject({
    stdout: "out\n",
    stderr: "err\n",
  });
});
