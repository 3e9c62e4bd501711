/** `run --explain`: the launch plan that a request comes to. Nothing is made, not even an address taken. */
import { newId } from "../lib/id.ts";
import { loopbackPlan } from "../networks/networks.ts";
import { explainPlan } from "../runtime/explain.ts";
import type { NetworkPlan } from "../runtime/network-plan.ts";
import type { ContainerCreateRequest } from "../wire/requests.ts";
import { toSpec } from "./create.ts";
import { joinOthers } from "./join.ts";
import { toLaunch } from "./launch.ts";
import { networkKind } from "./network.ts";
import { networkFilesIn, networkFileTexts } from "./network-files.ts";
import type { Parts } from "./parts.ts";
import { containerDirectory } from "./places.ts";
import type { ExplainFormat } from "./requests.ts";
import type { ContainerSpec } from "./spec.ts";
import { previewUsers, withUsers } from "./users.ts";

export function explainContainer(
  parts: Parts,
  request: ContainerCreateRequest,
  format: ExplainFormat,
): string {
  const id = newId();
  const { spec: asked, users } = toSpec(parts, id, request);
  const spec = withUsers(asked, previewUsers(parts, users));
  const own = networkFilesIn(containerDirectory(parts.places, id));
  const { join, sharedShm, files = own } = joinOthers(parts, spec);
  const network = previewNetwork(parts, id, spec);
  const launch = toLaunch(parts, id, spec, { files, join, sharedShm, network, waitForStart: false });
  const { outside } = network ?? {};
  const text = explainPlan(parts.runtimes.of(spec).plan(launch), format, { ...(outside && { outside }) });
  if (format !== "sh" || files !== own) return text;
  return withFiles(text, networkFileTexts(files, spec, parts.networks, undefined));
}

function previewNetwork(parts: Parts, id: string, { hostConfig }: ContainerSpec): NetworkPlan | undefined {
  const { kind } = networkKind(hostConfig);
  if (kind === "bridge") return parts.networks.preview(id);
  return kind === "none" ? loopbackPlan() : undefined;
}

/** What the engine writes before it asks the kernel for anything: the script begins with it. */
function withFiles(script: string, files: readonly [path: string, text: string][]): string {
  const lines = files.map(
    ([path, text]) =>
      `mkdir -p ${quote(path.slice(0, path.lastIndexOf("/")))}\nprintf %s ${quote(text)} >${quote(path)}`,
  );
  const begin = "set -eu\n";
  return script.replace(
    begin,
    () => `${begin}\n# files of the container that the engine writes\n${lines.join("\n")}\n`,
  );
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
