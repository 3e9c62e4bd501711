import { expect, test } from "bun:test";
import type { ImageConfig } from "../wire/schema.ts";
import { applyChanges } from "./changes.ts";

test.each<[string[], ImageConfig]>([
  [['CMD ["a","b c"]'], { Cmd: ["a", "b c"] }],
  [["CMD a b"], { Cmd: ["/bin/sh", "-c", "a b"] }],
  [["cmd [a]"], { Cmd: ["/bin/sh", "-c", "[a]"] }],
  [['ENTRYPOINT ["/e"]'], { Entrypoint: ["/e"] }],
  [["ENV A=1 B='x y' C=\"z\"", "ENV A=2"], { Env: ["A=2", "B=x y", "C=z"] }],
  [["ENV OLD form of it"], { Env: ["OLD=form of it"] }],
  [["ENV A=1", "ENV B=$A-${A}-${N:-n}-\\$A-${A:+p}"], { Env: ["A=1", "B=1-1-n-$A-p"] }],
  [
    ["EXPOSE 80 53/udp 8000-8001"],
    { ExposedPorts: { "80/tcp": {}, "53/udp": {}, "8000/tcp": {}, "8001/tcp": {} } },
  ],
  [['LABEL a=b "c d"=e'], { Labels: { a: "b", "c d": "e" } }],
  [["USER me:us"], { User: "me:us" }],
  [["VOLUME /a /b", 'VOLUME ["/c"]'], { Volumes: { "/a": {}, "/b": {}, "/c": {} } }],
  [["WORKDIR /a", "WORKDIR b/../c"], { WorkingDir: "/a/c" }],
  [["HEALTHCHECK NONE"], { Healthcheck: { Test: ["NONE"] } }],
  [
    ["HEALTHCHECK --interval=5s --retries=2 CMD curl x"],
    { Healthcheck: { Test: ["CMD-SHELL", "curl x"], Interval: 5e9, Retries: 2 } },
  ],
  [["ONBUILD RUN a"], { OnBuild: ["RUN a"] }],
  [["STOPSIGNAL SIGINT"], { StopSignal: "SIGINT" }],
])("%p", (changes, expected) => {
  expect(applyChanges({}, changes)).toEqual(expected);
});

test.each([
  ["FROM x", "FROM is not a valid change command"],
  ["RUN x", "RUN is not a valid change command"],
  ["ENV", "ENV requires at least one argument"],
  ["ENV A", "can't find = in"],
  ["EXPOSE x", "invalid containerPort: x"],
  ["EXPOSE 70000", "invalid containerPort"],
  ["USER a b", "USER requires exactly one argument"],
  ["ONBUILD ONBUILD RUN x", "Chaining ONBUILD"],
  ["HEALTHCHECK x", 'Unknown type "x" in HEALTHCHECK'],
])("%p is refused", (change, message) => {
  expect(() => applyChanges({}, [change])).toThrow(message);
});
