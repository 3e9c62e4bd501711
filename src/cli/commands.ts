/** Every command by name. Nothing is loaded that was not typed: starting berth must stay cheap. */
import type { Command } from "./command.ts";

export interface Entry {
  /** All its names, as docker lists them under `Aliases`. */
  readonly names: readonly string[];
  readonly summary: string;
  readonly section?: "common" | "berth";
  /** Prints what the engine says and ends soon, or when its container does: the engine may perform it for another process. */
  readonly brief?: true;
  readonly load: () => Promise<Command>;
}

/** Commands that only hold others. */
export const GROUPS: Readonly<Record<string, string>> = {
  completion: "Generate the autocompletion script for berth for the specified shell",
  container: "Manage containers",
  image: "Manage images",
  "image bootstrap": "Make a base image from Debian packages, without a registry",
  system: "Manage berth",
};

export const COMMANDS: readonly Entry[] = [
  {
    names: ["container run", "run"],
    brief: true,
    summary: "Create and run a new container from an image",
    section: "common",
    load: async () => (await import("./run.ts")).run,
  },
  {
    names: ["container exec", "exec"],
    brief: true,
    summary: "Execute a command in a running container",
    section: "common",
    load: async () => (await import("./exec.ts")).exec,
  },
  {
    names: ["container ls", "container list", "container ps", "ps"],
    brief: true,
    summary: "List containers",
    section: "common",
    load: async () => (await import("./ps.ts")).ps,
  },
  {
    names: ["image pull", "pull"],
    summary: "Download an image from a registry",
    section: "common",
    load: async () => (await import("./pull.ts")).pull,
  },
  {
    names: ["image ls", "image list", "images"],
    brief: true,
    summary: "List images",
    section: "common",
    load: async () => (await import("./images.ts")).images,
  },
  {
    names: ["version"],
    brief: true,
    summary: "Show the berth version information",
    section: "common",
    load: async () => (await import("./version.ts")).version,
  },
  {
    names: ["system info", "info"],
    brief: true,
    summary: "Display system-wide information",
    section: "common",
    load: async () => (await import("./info.ts")).info,
  },
  {
    names: ["container attach", "attach"],
    summary: "Attach local standard input, output, and error streams to a running container",
    load: async () => (await import("./attach.ts")).attach,
  },
  {
    names: ["container cp", "cp"],
    summary: "Copy files/folders between a container and the local filesystem",
    load: async () => (await import("./cp.ts")).cp,
  },
  {
    names: ["container create", "create"],
    brief: true,
    summary: "Create a new container",
    load: async () => (await import("./create.ts")).create,
  },
  {
    names: ["container diff", "diff"],
    brief: true,
    summary: "Inspect changes to files or directories on a container's filesystem",
    load: async () => (await import("./diff.ts")).diff,
  },
  {
    names: ["system events", "events"],
    summary: "Get real time events from the server",
    load: async () => (await import("./events.ts")).events,
  },
  {
    names: ["container export", "export"],
    summary: "Export a container's filesystem as a tar archive",
    load: async () => (await import("./export.ts")).exportContainer,
  },
  {
    names: ["image history", "history"],
    brief: true,
    summary: "Show the history of an image",
    load: async () => (await import("./history.ts")).history,
  },
  {
    names: ["image import", "import"],
    summary: "Import the contents from a tarball to create a filesystem image",
    load: async () => (await import("./import.ts")).importImage,
  },
  {
    names: ["inspect"],
    brief: true,
    summary: "Return low-level information on berth objects",
    load: async () => (await import("./inspect.ts")).inspect,
  },
  {
    names: ["container inspect"],
    brief: true,
    summary: "Display detailed information on one or more containers",
    load: async () => (await import("./inspect.ts")).inspectContainers,
  },
  {
    names: ["image inspect"],
    brief: true,
    summary: "Display detailed information on one or more images",
    load: async () => (await import("./inspect.ts")).inspectImages,
  },
  {
    names: ["container kill", "kill"],
    brief: true,
    summary: "Kill one or more running containers",
    load: async () => (await import("./kill.ts")).kill,
  },
  {
    names: ["image load", "load"],
    summary: "Load an image from a tar archive or STDIN",
    load: async () => (await import("./load.ts")).load,
  },
  {
    names: ["container logs", "logs"],
    brief: true,
    summary: "Fetch the logs of a container",
    load: async () => (await import("./logs.ts")).logs,
  },
  {
    names: ["container pause", "pause"],
    brief: true,
    summary: "Pause all processes within one or more containers",
    load: async () => (await import("./pause.ts")).pause,
  },
  {
    names: ["container port", "port"],
    brief: true,
    summary: "List port mappings or a specific mapping for the container",
    load: async () => (await import("./port.ts")).port,
  },
  {
    names: ["container prune"],
    summary: "Remove all stopped containers",
    load: async () => (await import("./prune.ts")).pruneContainers,
  },
  {
    names: ["image prune"],
    summary: "Remove unused images",
    load: async () => (await import("./prune.ts")).pruneImages,
  },
  {
    names: ["container rename", "rename"],
    brief: true,
    summary: "Rename a container",
    load: async () => (await import("./rename.ts")).rename,
  },
  {
    names: ["container restart", "restart"],
    brief: true,
    summary: "Restart one or more containers",
    load: async () => (await import("./restart.ts")).restart,
  },
  {
    names: ["container rm", "container remove", "rm"],
    brief: true,
    summary: "Remove one or more containers",
    load: async () => (await import("./rm.ts")).rm,
  },
  {
    names: ["image rm", "image remove", "rmi"],
    brief: true,
    summary: "Remove one or more images",
    load: async () => (await import("./rmi.ts")).rmi,
  },
  {
    names: ["image save", "save"],
    summary: "Save one or more images to a tar archive (streamed to STDOUT by default)",
    load: async () => (await import("./save.ts")).save,
  },
  {
    names: ["container start", "start"],
    brief: true,
    summary: "Start one or more stopped containers",
    load: async () => (await import("./start.ts")).start,
  },
  {
    names: ["container stats", "stats"],
    summary: "Display a live stream of container(s) resource usage statistics",
    load: async () => (await import("./stats.ts")).stats,
  },
  {
    names: ["container stop", "stop"],
    brief: true,
    summary: "Stop one or more running containers",
    load: async () => (await import("./stop.ts")).stop,
  },
  {
    names: ["image tag", "tag"],
    brief: true,
    summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    load: async () => (await import("./tag.ts")).tag,
  },
  {
    names: ["container top", "top"],
    brief: true,
    summary: "Display the running processes of a container",
    load: async () => (await import("./top.ts")).top,
  },
  {
    names: ["container unpause", "unpause"],
    brief: true,
    summary: "Unpause all processes within one or more containers",
    load: async () => (await import("./pause.ts")).unpause,
  },
  {
    names: ["container update", "update"],
    brief: true,
    summary: "Update configuration of one or more containers",
    load: async () => (await import("./update.ts")).update,
  },
  {
    names: ["container wait", "wait"],
    brief: true,
    summary: "Block until one or more containers stop, then print their exit codes",
    load: async () => (await import("./wait.ts")).wait,
  },
  {
    names: ["image bootstrap busybox"],
    summary: "Make a small base image from the package busybox-static",
    load: async () => (await import("./bootstrap.ts")).bootstrapBusybox,
  },
  {
    names: ["image bootstrap debian"],
    summary: "Make a Debian base image with mmdebstrap",
    load: async () => (await import("./bootstrap.ts")).bootstrapDebian,
  },
  {
    names: ["daemon"],
    summary: "Run the engine in the foreground",
    section: "berth",
    load: async () => (await import("./daemon.ts")).daemon,
  },
  {
    names: ["system shutdown"],
    summary: "Stop the engine; containers go on unless told otherwise",
    load: async () => (await import("./system.ts")).shutdown,
  },
  {
    names: ["system fsck"],
    summary: "Look for remains without an owner, and repair",
    load: async () => (await import("./system.ts")).fsck,
  },
  {
    names: ["completion bash"],
    summary: "Generate the autocompletion script for bash",
    load: async () => (await import("./completion.ts")).completionBash,
  },
];

/** Commands of docker that berth does not have yet, and what to do instead. */
export const MISSING: Readonly<Record<string, string>> = {
  build: "make images with 'berth image bootstrap', 'berth import --change …' or 'berth load'",
  builder: "berth has no builder yet",
  buildx: "berth has no builder yet",
  "image build": "make images with 'berth image bootstrap', 'berth import --change …' or 'berth load'",
  checkpoint: "no checkpoints: 'berth pause' freezes a container",
  commit: "use 'berth export CONTAINER | berth import --change … - NAME'",
  "container commit": "use 'berth export CONTAINER | berth import --change … - NAME'",
  compose: "start each container with 'berth run'",
  config: "there is no swarm mode",
  context: "choose the engine with --host or BERTH_HOST",
  "completion fish": "use 'berth completion bash'",
  "completion powershell": "use 'berth completion bash'",
  "completion zsh": "use 'berth completion bash' after 'autoload bashcompinit; bashcompinit'",
  login: "berth has no registry client yet: use 'berth load' or 'berth image bootstrap'",
  logout: "berth has no registry client yet",
  manifest: "berth has no registry client yet",
  network: "there are the networks none, host, bridge and container:ID of 'berth run --network'",
  node: "there is no swarm mode",
  plugin: "there are no plugins",
  push: "berth has no registry client yet: use 'berth save'",
  "image push": "berth has no registry client yet: use 'berth save'",
  search: "berth has no registry client yet: see 'berth image bootstrap --help'",
  secret: "there is no swarm mode",
  service: "there is no swarm mode",
  stack: "there is no swarm mode",
  swarm: "there is no swarm mode",
  "system df": "see 'berth images' and 'berth ps --all --size'",
  "system dial-stdio": "connect to the socket itself",
  "system prune": "use 'berth container prune' and 'berth image prune'",
  trust: "there is no content trust",
  volume: "bind a directory with 'berth run --volume /host/path:/path'",
};

export function findCommand(name: string): Entry | undefined {
  return COMMANDS.find((entry) => entry.names.includes(name));
}

/** The commands directly below a group (`""` is the top), by their last word, sorted; without second names. */
export function commandsOf(group: string): { word: string; entry: Entry }[] {
  const prefix = group === "" ? "" : `${group} `;
  const below = COMMANDS.flatMap((entry) => {
    const name = entry.names.find((one) => one.startsWith(prefix) && !one.slice(prefix.length).includes(" "));
    return name === undefined ? [] : [{ word: name.slice(prefix.length), entry }];
  });
  return below.toSorted((a, b) => (a.word < b.word ? -1 : 1));
}
