import { expect, test } from "bun:test";
import { externalError } from "./external-failure.ts";

test.each<[words: string, code: string]>([
  [
    'runc create failed: unable to start container process: exec: \\"x\\": executable file not found in $PATH',
    "command_not_found",
  ],
  [
    'runc create failed: unable to start container process: exec: \\"/x\\": stat /x: no such file or directory',
    "command_not_found",
  ],
  [
    'runc create failed: unable to start container process: exec: \\"/etc\\": permission denied',
    "command_not_executable",
  ],
  [
    'runc create failed: unable to start container process: exec: \\"/etc\\": is a directory',
    "command_not_executable",
  ],
  [
    'runc create failed: error mounting \\"/no/such\\" to rootfs at \\"/x\\": stat /no/such: no such file or directory',
    "internal",
  ],
  ["executable file `x` not found in $PATH: No such file or directory", "command_not_found"],
  ["open executable: Permission denied", "command_not_executable"],
  ["open executable: Operation not permitted", "command_not_executable"], // crun of a directory
  [
    'executing command \\"x\\" in sandbox: error finding executable \\"x\\" in PATH [/bin]: no such file or directory',
    "command_not_found",
  ],
])("%s means %s", (words, code) => {
  const object = `{"level":"error","msg":"${words}","time":"now"}`;
  const error = externalError("/usr/bin/other", { errno: 0, object });
  expect(error).toMatchObject({ code, message: `other: ${words.replaceAll("\\", "")}` });
});

test("a line that was cut says what it can; one that is no JSON, all", () => {
  const words = (object: string) => externalError("/x/runc", { errno: 0, object }).message;
  expect(words('{"level":"error","msg":"the beginning of')).toBe("runc: the beginning of");
  expect(words("killed")).toBe("runc: killed");
});

test("a runtime that cannot be run at all is unavailable, by its path", () => {
  const error = externalError("/x/runc", { errno: 2, object: 'exec of the runtime "/x/runc"' });
  expect(error).toMatchObject({
    code: "unavailable",
    message: 'exec of the runtime "/x/runc": no such file or directory',
  });
});
