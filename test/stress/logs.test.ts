/** The log under stress: long lines come back byte for byte, and rotation takes nothing from who follows. */
import { describe, expect, test } from "bun:test";
import { output } from "../support/command.ts";
import { BERTH } from "../support/engine.ts";
import { has } from "../support/parts.ts";
import { until } from "../shim/support/within.ts";
import { sockets, Subject } from "./subject.ts";

const PART = 16_384;
const TIMEOUT_MS = 60_000;

describe.if(has("root", "busybox"))("the log", () => {
  const subject = new Subject();

  /** A digest of what a shell line prints here. */
  async function digest(line: string): Promise<string> {
    return await output(["sh", "-c", `(${line}) | md5sum`], {
      env: { ...subject.engine.client, BERTH },
      timeoutMs: TIMEOUT_MS,
    });
  }

  test.each([PART - 1, PART, PART + 1, 100_000_000])(
    "gives a line of %d bytes back as it was printed",
    async (size) => {
      const talk = `head -c ${size} /dev/zero | tr '\\0' x; echo; echo next`;
      await subject.told("run", "--name", "c", "--log-opt", "max-size=1g", "busybox", "sh", "-c", talk);
      expect(await digest('"$BERTH" logs c')).toBe(await digest(talk));
      expect(await subject.told("logs", "--tail", "1", "c")).toBe("next\n");
    },
    TIMEOUT_MS,
  );

  test.each([
    ["three small files", "10k", 3, 20_000],
    ["one file that begins anew", "10k", 1, 20_000],
    ["larger ones, faster than anybody reads", "200k", 2, 100_000],
  ])(
    "that is rotated, with %s, loses nothing for who follows, and tells nothing twice",
    async (_, size, files, count) => {
      const limits = ["--log-opt", `max-size=${size}`, "--log-opt", `max-file=${files}`];
      const script = `seq 1 50; until [ -e /go ]; do usleep 1000; done; seq 51 ${count}`;
      await subject.told("run", "-d", "--name", "c", ...limits, "busybox", "sh", "-c", script);
      const shim = await subject.shimOf("c");
      await until("the first lines", async () => (await subject.told("logs", "c")).endsWith("50\n"));
      const alone = sockets(shim);
      const followers = ["all", "0", "10"].map((tail) => subject.spawn(["logs", "-f", "--tail", tail, "c"]));
      await until("the followers", () => sockets(shim) === alone + followers.length);
      await subject.told("exec", "c", "touch", "/go");
      for (const [at, first] of [1, 51, 41].entries())
        expect(await followers[at]?.stdout.text()).toBe(numbers(first, count));
    },
    TIMEOUT_MS,
  );
});

function numbers(first: number, last: number): string {
  return `${Array.from({ length: last - first + 1 }, (_, at) => first + at).join("\n")}\n`;
}
