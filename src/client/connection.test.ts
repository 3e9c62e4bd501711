import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { Connection } from "./connection.ts";

test("an engine that ends before it has accepted a client does not listen any more", async () => {
  const directory = mkdtempSync("/tmp/berth-connection-");
  const engine = Bun.listen({ unix: `${directory}/socket`, socket: { data() {} } });
  const opening = Connection.open(`${directory}/socket`);
  engine.stop(true);
  expect(await opening).toBeUndefined();
  rmSync(directory, { recursive: true });
});
