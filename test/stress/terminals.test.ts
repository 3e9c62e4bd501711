/** Terminals whose size changes all the time while output flows: nothing of it is lost, and the last size stands. */
import { describe, expect, test } from "bun:test";
import { BERTH } from "../support/engine.ts";
import { has } from "../support/parts.ts";
import { until } from "../shim/support/within.ts";
import { sockets, Subject } from "./subject.ts";

const LINES = 100_000;
const RESIZES = 3000;
const AT_ONCE = 50;
/** Ends only when the size has come that is set last. */
const SCRIPT = `until [ -e /go ]; do usleep 1000; done; seq ${LINES}; until [ "$(stty size)" = "33 99" ]; do usleep 1000; done; exit 7`;
const TIMEOUT_MS = 60_000;

describe.if(has("root", "busybox"))("a storm of resizes while output flows", () => {
  const subject = new Subject();

  async function talking(): Promise<number> {
    await subject.told("run", "-d", "-i", "-t", "--name", "c", "busybox", "sh", "-c", SCRIPT);
    return await subject.shimOf("c");
  }

  test(
    "of the terminal that attach runs in",
    async () => {
      const { engine } = subject;
      const shim = await talking();
      const alone = sockets(shim);
      const shown: Buffer[] = [];
      const allShown = Promise.withResolvers<void>();
      const child = Bun.spawn([BERTH, "attach", "c"], {
        env: { ...engine.env, ...engine.client, TERM: "xterm" },
        terminal: {
          cols: 80,
          rows: 24,
          data: (_, bytes) => void shown.push(Buffer.from(bytes)),
          exit: () => allShown.resolve(),
        },
      });
      await until("the client", () => sockets(shim) === alone + 1);
      await subject.told("exec", "c", "touch", "/go");
      for (let count = 0; count < RESIZES; count++) {
        child.terminal?.resize(80 + (count % 40), 24 + (count % 40)); // never the last one
        if (count % 10 === 0) await new Promise(setImmediate);
      }
      child.terminal?.resize(99, 33);
      expect(await child.exited).toBe(7);
      await allShown.promise;
      expect(numbersIn(shown)).toEqual(Array.from({ length: LINES }, (_, at) => at + 1));
    },
    TIMEOUT_MS,
  );

  test(
    "by the API, many at once",
    async () => {
      await talking();
      await subject.told("exec", "c", "touch", "/go");
      const resize = (h: number, w: number) =>
        subject.engine.api("POST", `/containers/c/resize?h=${h}&w=${w}`);
      for (let count = 0; count < RESIZES; count += AT_ONCE) {
        const answers = await Promise.all(
          Array.from({ length: AT_ONCE }, (_, at) => resize(24 + at, 80 + at)),
        );
        for (const { status } of answers) expect(status).toBe(200);
      }
      await resize(33, 99);
      expect(await subject.told("wait", "c")).toBe("7\n");
      const log = await subject.told("logs", "c");
      expect(log.split("\r\n").length).toBeGreaterThan(LINES);
    },
    TIMEOUT_MS,
  );
});

/** The lines that are nothing but a number. */
function numbersIn(shown: readonly Buffer[]): number[] {
  const lines = Buffer.concat(shown).toString().split("\r\n");
  return lines.filter((line) => /^\d+$/.test(line)).map(Number);
}
