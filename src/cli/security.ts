/** `--security-opt` (docker's cli/command/container/opts.go parseSecurityOpts and parseSystemPaths). */
import { BerthError } from "../lib/error.ts";
import { compactJson } from "../lib/exact-json.ts";
import type { HostConfig } from "../wire/schema.ts";
import { fs } from "./fs.ts";

type Security = Pick<HostConfig, "SecurityOpt" | "MaskedPaths" | "ReadonlyPaths">;

export function securityOptions(texts: readonly string[]): Security {
  const open = texts.includes("systempaths=unconfined");
  const options = texts.filter((text) => text !== "systempaths=unconfined").map(readOption);
  return {
    ...(options.length > 0 ? { SecurityOpt: options } : {}),
    ...(open ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
  };
}

function readOption(text: string): string {
  if (text === "no-new-privileges") return text;
  const [, key = "", value = ""] = /^([^=:]+)[=:](.*)$/s.exec(text) ?? [];
  if (key === "") throw new BerthError("invalid", `Invalid --security-opt: ${JSON.stringify(text)}`);
  if (key !== "seccomp" || value === "unconfined" || value === "builtin") return text;
  return `seccomp=${readProfile(value)}`;
}

/** The file's JSON on one line: the engine does not see our files. */
function readProfile(path: string): string {
  const { readFileSync } = fs();
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new BerthError("invalid", `opening seccomp profile (${path}) failed: ${(error as Error).message}`);
  }
  try {
    return compactJson(text);
  } catch (error) {
    throw new BerthError(
      "invalid",
      `compacting json for seccomp profile (${path}) failed: ${(error as Error).message}`,
    );
  }
}
