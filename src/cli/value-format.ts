/** `--format` where there is one thing to tell: inspect, version, info, events. */
import { BerthError } from "../lib/error.ts";
import { compileTemplate, type Template } from "../lib/template.ts";
import { Failure } from "./failure.ts";

export const ONE_FORMAT_HELP =
  "Format output using a custom template:\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.\nRefer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates";

/** What is no template is exit code 64, as with docker. */
export function compileFormat(format: string): Template {
  try {
    return compileTemplate(format === "json" ? "{{json .}}" : format);
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    throw new Failure(64, `template parsing error: ${error.message}`);
  }
}
