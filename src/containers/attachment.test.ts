import { expect, test } from "bun:test";
import type { AttachStream } from "../runtime/runtime.ts";
import { PendingAttachment } from "./attachment.ts";

test("a client that leaves while it is being connected keeps no connection", async () => {
  let closed = 0;
  const attachment = new PendingAttachment(false, { stdin: false, stdout: true, stderr: true });
  attachment.close();
  attachment.connect({ close: () => (closed += 1) } as unknown as AttachStream);
  expect(closed).toBe(1);
  expect(await Array.fromAsync(attachment.output)).toEqual([]);
});
