import { expect, test } from "bun:test";
import { compactJson, formatExactJson, parseExactJson } from "./exact-json.ts";

test("parseExactJson() keeps numbers of 64 bits, and leaves all others as they are", () => {
  const text =
    '{"a":18446744073709551615,"b":[-9223372036854775808,1,1.25,1e300],"c":"18446744073709551615","d":9007199254740991}';
  expect(parseExactJson(text)).toEqual({
    a: 2n ** 64n - 1n,
    b: [-(2n ** 63n), 1, 1.25, 1e300],
    c: "18446744073709551615",
    d: Number.MAX_SAFE_INTEGER,
  });
});

test("formatExactJson() writes what parseExactJson() has read", () => {
  const text = '{"a":18446744073709551615,"b":[1,"x",null,true]}';
  expect(formatExactJson(parseExactJson(text))).toBe(text);
});

test("compactJson() takes white space out, but not out of strings, and no digit of a number", () => {
  expect(compactJson('{ "a b" : [ 18446744073709551615,\n\t"\\" x " ] }\n')).toBe(
    '{"a b":[18446744073709551615,"\\" x "]}',
  );
});

test.each(["", "{", "{'a':1}", '{"a":1} x'])("%j is no JSON for any of them", (text) => {
  expect(() => parseExactJson(text)).toThrow(SyntaxError);
  expect(() => compactJson(text)).toThrow(SyntaxError);
});
