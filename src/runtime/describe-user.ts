/** The steps of user namespaces and id-mapped mounts in words. */
import type { Description } from "./description.ts";
import { mountFlags } from "./describe-flags.ts";
import type { EnteredOp, PreparingOp, StagedOp, UserOp } from "./op-user.ts";

const quoted = (text: string) => JSON.stringify(text);
const map = (text: string) => text.trim().replaceAll("\n", ", ");

export function describeUser(op: UserOp): Description {
  switch (op.op) {
    case "stage":
    case "join-user":
    case "become-root":
    case "attach-root":
    case "attach":
      return describeEntry(op);
    default:
      return describePreparation(op);
  }
}

function describePreparation(op: PreparingOp): Description {
  switch (op.op) {
    case "user-namespace":
      return {
        call: `clone3(CLONE_NEWUSER), write(uid_map, "${map(op.uidMap)}"), write(gid_map, "${map(op.gidMap)}")`,
        purpose: "ids of its own: its root is one of the host's ids that owns nothing",
      };
    case "open":
      return { call: `open(${quoted(op.path)})`, purpose: "a namespace that is there" };
    case "tree":
      return {
        call: `open_tree(${quoted(op.source)})${op.idMap === undefined ? "" : ", mount_setattr(MOUNT_ATTR_IDMAP)"}`,
        purpose: `${op.source} of the host, to be attached later${op.idMap === undefined ? "" : ": its files keep their owners, as the container's ids"}`,
      };
    case "overlay":
      return {
        call: `open_tree(${quoted(op.layersDirectory)}), mount_setattr(MOUNT_ATTR_IDMAP), fsopen("overlay"), ${op.lower.length} lowerdir+, upperdir=${op.directory}/${op.upper}, index=off`,
        purpose:
          "the image's layers with their ids mapped, below one directory that takes the changes: nothing is copied",
      };
    case "file-system":
      return {
        call: `fsopen(${op.type}), fsmount(${mountFlags(op.flags)}${op.data === "" ? "" : `, ${quoted(op.data)}`})`,
        purpose: "a file system in memory, where devices may be made",
      };
    case "host-socket":
      return { call: "socket(AF_NETLINK)", purpose: "asks about the host's network where the child may not" };
    case "within":
      return { call: "", purpose: "what follows is made in it" };
    case "owner":
      return { call: `fchown(${op.uid}, ${op.gid})`, purpose: "its standard streams are its own root's" };
  }
}

function describeEntry(op: StagedOp | EnteredOp): Description {
  switch (op.op) {
    case "stage":
      return {
        call: `fork(), chdir(${quoted(op.directory)})`,
        purpose:
          "from here to the clone a process that the child will not have as its parent gives rights away",
      };
    case "join-user":
      return {
        call: "setns(CLONE_NEWUSER)",
        purpose: "all namespaces that follow belong to this one: no right over the host's is left",
      };
    case "become-root":
      return {
        call: "setgroups(0), setresgid(0), setresuid(0)",
        purpose: "root of the user namespace, and no longer the host's",
      };
    case "attach-root":
      return { call: 'move_mount(".")', purpose: "the root that was prepared, in its own mount namespace" };
    case "attach":
      return {
        call: `move_mount(${quoted(op.target)})`,
        purpose: `makes what was prepared of ${op.source} visible here`,
      };
  }
}
