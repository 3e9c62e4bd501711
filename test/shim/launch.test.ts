import { expect, test } from "bun:test";
import { has } from "../support/parts.ts";
import { Place } from "./support/place.ts";
import { runContainer } from "./support/shim.ts";

const root = test.if(has("root", "busybox"));

root("a container starts, prints, and ends as its program ends", async () => {
  using place = new Place();
  const result = await runContainer(place, {
    argv: ["sh", "-c", "echo out; echo err >&2; hostname; exit 7"],
  });
  expect(result).toEqual({ stdout: "out\nbox\n", stderr: "err\n", exitCode: 7 });
  expect(
    place
      .entries()
      .map(({ log, stream }) => `${stream}: ${log}`)
      .toSorted(),
  ).toEqual(["stderr: err\n", "stdout: box\n", "stdout: out\n"]);
});
