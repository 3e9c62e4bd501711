/** A shim whose child calls another runtime, here a shell script that does what runtimes do, or what none should. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Op } from "../../src/runtime/op.ts";
import { SUPERVISE_CALLER, SUPERVISE_STDIN } from "../../src/runtime/protocol.ts";
import { isAlive } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { Place } from "./support/place.ts";
import { supervision } from "./support/plan.ts";
import { Shim } from "./support/shim.ts";

const root = test.if(has("root"));

type RuntimeOp = Extract<Op, { op: "runtime" }>;

function call(place: Place, script: string, more: Partial<RuntimeOp> = {}): RuntimeOp {
  return {
    op: "runtime",
    directory: place.run,
    argv: ["/bin/sh", "-c", script, "runtime"],
    env: ["PATH=/bin:/usr/bin"],
    makesProcess: false,
    console: false,
    rows: 0,
    columns: 0,
    last: false,
    ...more,
  };
}

function plan(place: Place, ops: readonly Op[], flags = SUPERVISE_CALLER): Op[] {
  return [
    ...supervision(place, { argv: [], flags }),
    { op: "clone", flags: 0, cgroup: "" },
    { op: "root", path: place.extra, bind: false },
    ...ops,
  ];
}

const create = (place: Place, script: string, more: Partial<RuntimeOp> = {}) =>
  call(place, script, { makesProcess: true, ...more });
const start = (place: Place, script = "true") => call(place, script, { last: true });

describe("a caller of another runtime", () => {
  root("hands over the process that the runtime left behind, with its streams and its end", async () => {
    using place = new Place();
    const script = "exec 3<&0; (read line; echo said $line; exit 7) <&3 & echo $! > pid"; // a job in the background has no input else
    const ops: Op[] = [create(place, script), { op: "barrier" }, start(place)];
    await using shim = await Shim.launch(place, plan(place, ops, SUPERVISE_CALLER | SUPERVISE_STDIN));
    const { pid } = await shim.control.next("state");
    expect(pid).toBe(Number(readFileSync(`${place.run}/pid`, "utf8")));
    const client = await shim.attach();
    shim.start();
    expect((await shim.running()).pid).toBe(pid);
    client.write("word\n");
    expect((await client.output()).stdout).toBe("said word\n");
    expect(await shim.exited()).toMatchObject({ exitCode: 7 });
  });

  root("makes files as other programs do, not open to everybody", async () => {
    using place = new Place();
    const ops = [create(place, "umask > umask; sleep 1000 & echo $! > pid"), start(place)];
    await using shim = await Shim.launch(place, plan(place, ops));
    await shim.running();
    expect(readFileSync(`${place.run}/umask`, "utf8")).toMatch(/^0*22\n$/);
  });

  root("loses no end, also one that comes as soon as the runtime has ended", async () => {
    using place = new Place();
    const ends = "while [ -d /proc/$$ ]; do :; done; exit 5"; // the number of the runtime
    await using shim = await Shim.launch(
      place,
      plan(place, [create(place, `sh -c "${ends}" & echo $! > pid`), start(place)]),
    );
    expect(await shim.exited()).toMatchObject({ exitCode: 5 });
    expect(place.record("state")).toMatchObject({ phase: "running" });
  });

  const failures: readonly [title: string, ops: (place: Place) => Op[], failure: object][] = [
    [
      "the last line of the runtime's log is why it failed",
      (place) => [create(place, `echo first > log.json; echo '{"msg":"why"}' >> log.json; exit 1`)],
      { errno: 0, object: '{"msg":"why"}' },
    ],
    [
      "a runtime that says nothing is told by its end",
      (place) => [create(place, "exit 3")],
      { errno: 0, object: "/bin/sh ended with exit code 3 and said nothing" },
    ],
    [
      "so is one that is killed",
      (place) => [create(place, "kill -9 $$")],
      { errno: 0, object: "/bin/sh was ended by signal 9" },
    ],
    [
      "one that is not there is told by its path",
      (place) => [create(place, "", { argv: ["/no/such/runtime"] })],
      { errno: 2, object: 'exec of the runtime "/no/such/runtime"' },
    ],
    [
      "a runtime that makes no process fails",
      (place) => [create(place, "true")],
      { errno: 3, object: "the runtime made no process" },
    ],
    [
      "nobody's process but its own is looked after",
      (place) => [create(place, "echo 1 > pid"), start(place)],
      { errno: 10, object: "the process of the runtime" },
    ],
  ];
  for (const [title, ops, failure] of failures)
    root(title, async () => {
      using place = new Place();
      await using shim = await Shim.launch(place, plan(place, ops(place)));
      expect(await shim.control.next("failed")).toMatchObject(failure);
      await shim.ended;
      expect(place.record("exit")).toMatchObject({ exitCode: -1 });
    });

  const left: readonly [
    title: string,
    more: (place: Place) => { made: Partial<RuntimeOp>; rest: Op[] },
    words: string,
  ][] = [
    ["that sends no terminal", () => ({ made: { console: true }, rest: [] }), "the runtime sent no terminal"],
    ["that cannot start it", (place) => ({ made: {}, rest: [start(place, "exit 1")] }), "exit code 1"],
  ];
  for (const [title, more, words] of left)
    root(`leaves no process of a runtime ${title}`, async () => {
      using place = new Place();
      const { made, rest } = more(place);
      const ops = [create(place, "sleep 1000 > /dev/null 2>&1 & echo $! > pid", made), ...rest];
      await using shim = await Shim.launch(place, plan(place, ops));
      expect((await shim.control.next("failed")).object).toContain(words);
      await shim.ended;
      expect(await isAlive(Number(readFileSync(`${place.run}/pid`, "utf8")))).toBe(false);
    });
});

describe("a bundle", () => {
  root("has the user as numbers of the container's own tables, between what it was given", async () => {
    using place = new Place();
    place.put("etc/passwd", "alice:x:1000:1001::/:/bin/sh\n");
    place.put("etc/group", "video:x:44:alice\naudio:x:29:\n");
    const path = `${place.run}/config.json`;
    const bundle: Op = {
      op: "bundle",
      path,
      before: '{"user":{',
      behind: '},"é":1}',
      user: "alice",
      groups: ["audio"],
    };
    await using shim = await Shim.launch(place, plan(place, [bundle, create(place, "exit 9")]));
    await shim.control.next("failed");
    expect(readFileSync(path, "utf8")).toBe(
      '{"user":{"uid":1000,"gid":1001,"additionalGids":[1001,44,29]},"é":1}',
    );
  });

  root("is not written for a user that the tables do not have", async () => {
    using place = new Place();
    const bundle: Op = {
      op: "bundle",
      path: `${place.run}/config.json`,
      before: "",
      behind: "",
      user: "bob",
      groups: [],
    };
    await using shim = await Shim.launch(place, plan(place, [bundle]));
    expect((await shim.control.next("failed")).object).toContain("unable to find user bob");
  });
});
