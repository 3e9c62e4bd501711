import { expect, test } from "bun:test";
import { Outbox } from "./outbox.ts";

test("everything arrives in order, however little is taken at a time", () => {
  let taken = "";
  let room = 0;
  const outbox = new Outbox({
    write(bytes) {
      const part = bytes.subarray(0, room);
      taken += Buffer.from(part).toString();
      room -= part.length;
      return part.length;
    },
  });
  for (const text of ["first ", "", "second ", "third"]) outbox.send(Buffer.from(text));
  expect(taken).toBe("");
  for (let round = 0; round < 9; round++) {
    room = 2;
    outbox.flush();
  }
  expect(taken).toBe("first second third");
});

test("a closed socket takes nothing, and is not asked for ever", () => {
  let asked = 0;
  const outbox = new Outbox({ write: () => ((asked += 1), -1) });
  for (let count = 0; count < 100; count++) outbox.send(Buffer.from("x"));
  expect(asked).toBe(1);
});
