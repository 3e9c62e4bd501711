/** Which control group hierarchies are mounted, and which controller is in which: decided for each controller, never by one switch. */

export interface CgroupLayout {
  /** For people and for `info`; berth itself asks for each controller. */
  readonly mode: "v1" | "v2" | "hybrid" | "none";
  /** Version 1 hierarchies. Several controllers may share one (`cpu,cpuacct`); `name=systemd` has none. */
  readonly hierarchies: readonly CgroupHierarchy[];
  /** Mount point of the version 1 hierarchy that a controller is in. */
  readonly v1: Readonly<Partial<Record<string, string>>>;
  /** The version 2 hierarchy. In hybrid mode its list of controllers is short or empty. */
  readonly v2?: { readonly mountpoint: string; readonly controllers: readonly string[] };
  readonly swapAccounting: boolean;
}

export interface CgroupHierarchy {
  readonly mountpoint: string;
  /** As mount(2) wants them: `["cpu", "cpuacct"]`, `["name=systemd"]`. */
  readonly options: readonly string[];
}

/** Options of a version 1 mount that are no controllers. */
const OTHER_OPTIONS = new Set([
  "rw",
  "ro",
  "xattr",
  "noprefix",
  "clone_children",
  "nsdelegate",
  "favordynmods",
]);

/** Pure: from proc(5) mountinfo and the text of the version 2 root's cgroup.controllers. */
export function parseCgroupLayout(mountinfo: string, v2Controllers: string): CgroupLayout {
  const mounts = mountinfo.split("\n").flatMap(parseCgroupMount);
  const unified = mounts.find((mount) => mount.type === "cgroup2");
  const hierarchies = mounts.filter((mount) => mount.type === "cgroup").map(toHierarchy);
  const v2 = unified && {
    mountpoint: unified.mountpoint,
    controllers: v2Controllers.split(/\s+/).filter(Boolean),
  };
  return {
    mode: modeOf(hierarchies.length > 0, v2 !== undefined),
    hierarchies: distinct(hierarchies),
    v1: Object.fromEntries(
      hierarchies.flatMap(({ options, mountpoint }) => options.map((name) => [name, mountpoint])),
    ),
    ...(v2 === undefined ? {} : { v2 }),
    swapAccounting: false,
  };
}

function modeOf(v1: boolean, v2: boolean): CgroupLayout["mode"] {
  if (v1 && v2) return "hybrid";
  return v1 ? "v1" : v2 ? "v2" : "none";
}

function parseCgroupMount(line: string): { type: string; mountpoint: string; options: string }[] {
  const [place = "", details = ""] = line.split(" - ");
  const [type = "", , options = ""] = details.split(" ");
  if (type !== "cgroup" && type !== "cgroup2") return [];
  return [{ type, mountpoint: unescapeOctal(place.split(" ")[4] ?? ""), options }];
}

function toHierarchy({ mountpoint, options }: { mountpoint: string; options: string }): CgroupHierarchy {
  const kept = options
    .split(",")
    .filter((option) => !OTHER_OPTIONS.has(option) && !option.startsWith("release_agent="));
  return { mountpoint, options: kept };
}

/** The same hierarchy may be mounted at several places; the first counts. */
function distinct(hierarchies: readonly CgroupHierarchy[]): CgroupHierarchy[] {
  const seen = new Set<string>();
  return hierarchies.filter(({ options }) => {
    const key = options.join(",");
    return !seen.has(key) && seen.add(key);
  });
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\(\d{3})/g, (_, digits: string) =>
    String.fromCodePoint(Number.parseInt(digits, 8)),
  );
}
