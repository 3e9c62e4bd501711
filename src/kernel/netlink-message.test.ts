import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  attribute,
  attributeList,
  decodeAttributes,
  decodeMessages,
  concat,
  message,
  nested,
  readText,
  readU32,
  setSequence,
  text,
  u32,
} from "./netlink-message.ts";

test("an attribute states its own length and is padded to four bytes", () => {
  expect(attribute(3, text("eth0")).toHex()).toBe("0900 0300 65746830 00 000000".replaceAll(" ", ""));
});

test("nesting marks the type", () => {
  expect(nested(18, attribute(1, u32(7))).toHex()).toBe("0c00 1280 0800 0100 07000000".replaceAll(" ", ""));
});

test("a message is a request, numbered later", () => {
  const bytes = message(18, 4, u32(1));
  setSequence(bytes, 0x01020304);
  expect(bytes.toHex()).toBe("14000000 1200 0500 04030201 00000000 01000000".replaceAll(" ", ""));
});

test("what was put in comes out again, whatever it was", () => {
  const payload = fc.uint8Array({ maxLength: 300 });
  const attributes = fc.array(fc.tuple(fc.integer({ min: 0, max: 0x3fff }), payload), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(attributes, { maxLength: 4 }), (messages) => {
      const datagram = concat(
        messages.map((list) => message(16, 0, ...list.map(([type, bytes]) => attribute(type, bytes)))),
      );
      const decoded = decodeMessages(datagram).map(({ body }) => attributeList(body));
      expect(decoded.map((list) => list.map(([type, bytes]) => [type, bytes.toHex()]))).toEqual(
        messages.map((list) => list.map(([type, bytes]) => [type, bytes.toHex()])),
      );
    }),
  );
});

test("no datagram, however broken, makes decoding throw or run on", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const { body } of decodeMessages(bytes)) decodeAttributes(body);
    }),
  );
});

test("numbers and names that are cut off are absent, not wrong", () => {
  expect(readU32(Uint8Array.of(1, 2, 3))).toBeUndefined();
  expect(readText(undefined)).toBeUndefined();
  expect(readText(text("lo"))).toBe("lo");
});
