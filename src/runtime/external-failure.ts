/** What another runtime says when it fails. Its words are all there is: what they mean is known from the runtimes' sources and tests. */
import { basename } from "node:path";
import { errnoText } from "../kernel/errno.ts";
import { BerthError, type ErrorCode } from "../lib/error.ts";

const NOT_FOUND =
  /executable file .*not found|exec: ".*(no such file or directory|not a directory)|error finding executable|failed to load .*no such file or directory/i;
const NOT_EXECUTABLE =
  /(exec: "|failed to load |open executable|exec container process|exec.*format error).*(permission denied|is a directory|exec format error|not a directory)|exec format error|open executable: operation not permitted/i;

/** `object` is the last line of its log, as JSON, or what the shim says where it wrote none; errno is 0 where it ran at all. */
export function externalError(
  program: string,
  { errno, object }: { readonly errno: number; readonly object: string },
): BerthError {
  if (errno !== 0) return new BerthError("unavailable", `${object}: ${errnoText(errno)}`);
  const words = messageOf(object);
  return new BerthError(codeOf(words), `${basename(program)}: ${words}${adviceFor(words)}`);
}

/** gVisor of 2022 takes a network namespace for the host's where it sees net.core.rmem_default, which newer kernels show in all of them. */
function adviceFor(words: string): string {
  return words.includes("cannot run with network enabled in root network namespace")
    ? ' (give it "--network=host" in the "runtimeArgs" of the configuration: it then uses the network namespace of the container)'
    : "";
}

/** The line may have been cut: then it is no JSON any more, and still has its beginning. */
function messageOf(line: string): string {
  const text = /"msg": ?"((?:[^"\\]|\\.)*)/.exec(line)?.[1];
  if (text === undefined) return line;
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}

function codeOf(words: string): ErrorCode {
  if (NOT_FOUND.test(words)) return "command_not_found";
  return NOT_EXECUTABLE.test(words) ? "command_not_executable" : "internal";
}
