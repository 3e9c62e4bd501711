/** What `ps` can tell of a container (docker's cli/command/formatter/container.go). */
import { formatSize } from "../lib/size.ts";
import type { ContainerSummary } from "../wire/schema.ts";
import type { ListFormat, Row } from "./list-format.ts";
import { displayPorts } from "./ports.ts";
import { splitReference } from "./reference.ts";
import { ago, ellipsis, goTime, joinLabels, quote, shortId } from "./text.ts";

const COLUMNS = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";

const RAW =
  "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\ncreated_at: {{.CreatedAt}}\n" +
  "state: {{- pad .State 1 0}}\nstatus: {{- pad .Status 1 0}}\nnames: {{.Names}}\n" +
  "labels: {{- pad .Labels 1 0}}\nports: {{- pad .Ports 1 0}}\n";

export function containerList(size: boolean): ListFormat {
  return {
    table: COLUMNS + (size ? "\t{{.Size}}" : ""),
    raw: RAW + (size ? "size: {{.Size}}\n" : ""),
    typeName: "*formatter.ContainerContext",
    headers: {
      ID: "CONTAINER ID",
      Names: "NAMES",
      Image: "IMAGE",
      Command: "COMMAND",
      CreatedAt: "CREATED AT",
      RunningFor: "CREATED",
      Ports: "PORTS",
      State: "STATE",
      Status: "STATUS",
      Size: "SIZE",
      Labels: "LABELS",
      Mounts: "MOUNTS",
      LocalVolumes: "LOCAL VOLUMES",
      Networks: "NETWORKS",
    },
  };
}

/** `short`: ids, commands and the like are cut to what fits. */
export function containerRow(container: ContainerSummary, short: boolean): Row {
  const labels = container.Labels ?? {};
  return {
    Command: quote(short ? ellipsis(container.Command ?? "", 20) : (container.Command ?? "")),
    // Made only for who shows it: a list may be long, and local time loads the time zones, which takes milliseconds.
    get CreatedAt() {
      return goTime(container.Created ?? 0);
    },
    ID: short ? shortId(container.Id ?? "") : (container.Id ?? ""),
    Image: imageName(container, short),
    get Labels() {
      return joinLabels(labels);
    },
    get LocalVolumes() {
      return String((container.Mounts ?? []).filter((mount) => mount.Driver === "local").length);
    },
    get Mounts() {
      return mountsOf(container, short);
    },
    Names: namesOf(container, short),
    get Networks() {
      return Object.keys(container.NetworkSettings?.Networks ?? {}).join(",");
    },
    Platform: null,
    Ports: displayPorts(container.Ports ?? []),
    RunningFor: ago(container.Created ?? 0),
    get Size() {
      return sizeOf(container);
    },
    State: container.State ?? "",
    Status: container.Status ?? "",
    Label: (name: string) => labels[name] ?? "",
  };
}

/** Without the slash. Cut short, names that links gave (`/other/alias`) are left out. */
function namesOf({ Names: names }: ContainerSummary, short: boolean): string {
  const plain = (names ?? []).map((name) => name.replace(/^\//, ""));
  const own = short ? plain.find((name) => !name.includes("/")) : undefined;
  return own ?? plain.join(",");
}

function mountsOf({ Mounts: mounts }: ContainerSummary, short: boolean): string {
  const names = (mounts ?? []).map((mount) => mount.Name || mount.Source || "");
  return names.map((name) => (short ? ellipsis(name, 15) : name)).join(",");
}

function imageName({ Image: image, ImageID: id }: ContainerSummary, short: boolean): string {
  if (image === undefined || image === null || image === "") return "<no image>";
  if (!short) return image;
  if (id && shortId(id) === shortId(image)) return shortId(id);
  const { name, tag, digest } = splitReference(image);
  return digest !== "" && tag === "" ? name : (image.split("@")[0] ?? image);
}

function sizeOf({ SizeRw: own, SizeRootFs: whole }: ContainerSummary): string {
  const text = formatSize(own ?? 0);
  return whole ? `${text} (virtual ${formatSize(whole)})` : text;
}
