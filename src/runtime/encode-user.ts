/** Operands of the steps of user namespaces and id-mapped mounts. */
import { stepNumbers } from "./mount-steps.ts";
import type { UserOp } from "./op-user.ts";
import * as protocol from "./protocol.ts";

type Operands = readonly [numbers: readonly number[], strings: readonly string[]];

const flag = (condition: boolean, value: number) => (condition ? value : 0);

export function userOperands(op: UserOp): Operands {
  switch (op.op) {
    case "user-namespace":
      return [[op.slot], [op.uidMap, op.gidMap]];
    case "open":
      return [[op.slot], [op.path]];
    case "tree": {
      const { idMap } = op;
      const flags =
        flag(op.recursive, protocol.BIND_RECURSIVE) |
        flag(op.makeSource, protocol.BIND_MAKE_SOURCE) |
        flag(op.procfs === true, protocol.BIND_PROCFS) |
        flag(idMap?.recursive === true, protocol.BIND_IDMAP_RECURSIVE);
      const userNamespace = idMap === undefined ? 0 : idMap.slot + 1;
      return [[op.slot, flags, userNamespace, ...stepNumbers(op.steps)], [op.source]];
    }
    case "overlay":
      return [
        [op.slot, flag(op.volatile, protocol.OVERLAY_VOLATILE), op.userNamespace, op.uid, op.gid],
        [op.layersDirectory, op.directory, op.mountOptions ?? "", op.upper, op.work, ...op.lower],
      ];
    case "file-system":
      return [
        [op.slot, op.flags],
        [op.source, op.type, op.data],
      ];
    case "host-socket":
    case "within":
    case "join-user":
    case "attach-root":
      return [[op.slot], []];
    case "owner":
      return [[op.uid, op.gid], []];
    case "stage":
      return [[], [op.directory]];
    case "become-root":
      return [[], []];
    case "attach":
      return [
        [op.slot, flag(op.api, protocol.MOUNT_API)],
        [op.source, op.target],
      ];
  }
}
