/** The terminal of a container: a pty of its own, sized, resized, closed and opened again. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resizeFrame } from "../../src/runtime/frames.ts";
import { has } from "../support/parts.ts";
import { Place } from "./support/place.ts";
import { Shim } from "./support/shim.ts";

const root = test.if(has("root", "busybox"));
const OPEN_STDIN = 2;

root("a terminal is the controlling one, on all three streams and at /dev/console", async () => {
  using place = new Place();
  const script =
    "tty; stty size; test -c /dev/console && echo console; echo x >/dev/tty; readlink /proc/1/fd/2; id -u >/dev/console";
  await using shim = await Shim.container(place, { argv: ["sh", "-c", script], terminal: true });
  const client = await shim.attach();
  shim.start();
  const said = (await client.raw()).toString();
  expect(said).toBe("/dev/pts/0\r\n24 80\r\nconsole\r\nx\r\n/dev/pts/0\r\n0\r\n");
  expect((await shim.exited()).exitCode).toBe(0);
  expect(
    place
      .entries()
      .map(({ log }) => log)
      .join(""),
  ).toBe(said);
});

root("what is typed is echoed and arrives; a resize is seen by the process", async () => {
  using place = new Place();
  const script = "trap 'stty size' WINCH; echo ready; while read -r line; do echo got $line; done";
  await using shim = await Shim.container(place, {
    argv: ["sh", "-c", script],
    terminal: true,
    flags: OPEN_STDIN,
  });
  const client = await shim.attach();
  shim.start();
  await client.until("ready");
  client.write("hello\n");
  expect(await client.until("got hello")).toContain("hello\r\ngot hello");
  shim.control.send(resizeFrame(50, 132));
  expect(await shim.control.next("reply")).toMatchObject({ errno: 0 });
  client.write("\n");
  await client.until("50 132");
  client.write("\u0004");
  expect((await shim.exited()).exitCode).toBe(0);
});

root("what was typed before the start arrives", async () => {
  using place = new Place();
  const argv = ["sh", "-c", "read -r line; echo got $line"];
  await using shim = await Shim.container(place, { argv, terminal: true, flags: OPEN_STDIN });
  const client = await shim.attach();
  client.write("early\n");
  shim.start();
  await client.until("got early");
});

root("a terminal that nobody has open costs no time", async () => {
  using place = new Place();
  const script = "echo closing; exec 0<&- 1>&- 2>&-; sleep 60";
  await using shim = await Shim.container(place, { argv: ["sh", "-c", script], terminal: true });
  const client = await shim.attach();
  shim.start();
  await client.until("closing");
  await Bun.sleep(500);
  const [user, system] = readFileSync(`/proc/${shim.pid}/stat`, "utf8").split(" ").slice(13, 15).map(Number);
  expect((user ?? 0) + (system ?? 0)).toBeLessThan(10); // hundredths of a second
});

root("a process may close its terminal and open it again", async () => {
  using place = new Place();
  const script =
    "exec 3>&1; echo one; exec 0<&- 1>&- 2>&- 3>&-; sleep 0.4; exec >/dev/console 2>&1; echo two";
  await using shim = await Shim.container(place, { argv: ["sh", "-c", script], terminal: true });
  const client = await shim.attach();
  shim.start();
  expect((await client.raw()).toString()).toBe("one\r\ntwo\r\n");
});

root("a client that hangs up leaves terminal and process alone", async () => {
  using place = new Place();
  const argv = ["sh", "-c", "echo ready; read -r a; echo read $a; read -r b; echo read $b"];
  await using shim = await Shim.container(place, { argv, terminal: true, flags: OPEN_STDIN });
  const first = await shim.attach();
  shim.start();
  await first.until("ready");
  first.write("one\n");
  await first.until("read one");
  first.wire.close();
  const second = await shim.attach();
  second.write("two\n");
  await second.until("read two");
  expect((await shim.exited()).exitCode).toBe(0);
});

root("a resize without a terminal is refused", async () => {
  using place = new Place();
  await using shim = await Shim.container(place, { argv: ["sleep", "60"] });
  shim.start();
  await shim.running();
  shim.control.send(resizeFrame(1, 1));
  expect(await shim.control.next("reply")).toMatchObject({ errno: 25 });
});

root("a further process has its own terminal, and /dev/console stays the first one's", async () => {
  using place = new Place();
  using other = new Place();
  await using shim = await Shim.container(place, { argv: ["sleep", "60"], terminal: true });
  shim.start();
  await using exec = await Shim.exec(other, await shim.running(), {
    argv: ["sh", "-c", "tty; stty size"],
    terminal: true,
  });
  const client = await exec.attach();
  exec.start();
  expect((await client.raw()).toString()).toBe("/dev/pts/1\r\n24 80\r\n");
});
