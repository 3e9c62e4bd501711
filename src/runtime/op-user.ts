/** The steps of user namespaces and id-mapped mounts: what takes the host's rights is prepared by the shim in numbered slots. */
import type { AttributeStep } from "./mount-steps.ts";

export type UserOp = PreparingOp | StagedOp | EnteredOp;

/** The shim, before the clone. `slot` is what it fills; slots are filled in order. */
export type PreparingOp =
  | {
      readonly op: "user-namespace";
      readonly slot: number;
      /** Lines as in /proc/PID/uid_map. */
      readonly uidMap: string;
      readonly gidMap: string;
    }
  | { readonly op: "open"; readonly slot: number; readonly path: string }
  /** A copy of a mount of the host. */
  | {
      readonly op: "tree";
      readonly slot: number;
      readonly source: string;
      readonly recursive: boolean;
      readonly makeSource: boolean;
      /** Only the root of a procfs will do. */
      readonly procfs?: true;
      readonly steps: readonly AttributeStep[];
      /** The slot of the user namespace that maps its ids. */
      readonly idMap?: { readonly slot: number; readonly recursive: boolean };
    }
  /** The layers below the changes, their ids mapped. */
  | {
      readonly op: "overlay";
      readonly slot: number;
      readonly userNamespace: number;
      /** Host ids of the user namespace's root. */
      readonly uid: number;
      readonly gid: number;
      readonly layersDirectory: string;
      /** Holds `upper` and `work`. */
      readonly directory: string;
      readonly upper: string;
      readonly work: string;
      readonly lower: readonly string[];
      readonly volatile: boolean;
      /** Of mount(2) in `layersDirectory`, for a kernel that wants the layers attached somewhere while it makes the overlay. */
      readonly mountOptions?: string;
    }
  | {
      readonly op: "file-system";
      readonly slot: number;
      readonly source: string;
      readonly type: string;
      readonly flags: number;
      readonly data: string;
    }
  /** A netlink socket of the host's network namespace. */
  | { readonly op: "host-socket"; readonly slot: number }
  /** Paths in the root mean below this slot from here on. */
  | { readonly op: "within"; readonly slot: number }
  /** Host ids that the process's pipes belong to. */
  | { readonly op: "owner"; readonly uid: number; readonly gid: number };

/** From `stage` to the clone an intermediate process acts, which gives its rights away. */
export type StagedOp =
  { readonly op: "stage"; readonly directory: string } | { readonly op: "join-user"; readonly slot: number };

/** The child, in its user namespace. */
export type EnteredOp =
  | { readonly op: "become-root" }
  | { readonly op: "attach-root"; readonly slot: number }
  | {
      readonly op: "attach";
      readonly slot: number;
      readonly source: string;
      readonly target: string;
      /** Every component of the target must be a real directory. */
      readonly api: boolean;
    };

const NAMES: ReadonlySet<string> = new Set<UserOp["op"]>([
  "user-namespace",
  "open",
  "tree",
  "overlay",
  "file-system",
  "host-socket",
  "within",
  "owner",
  "stage",
  "join-user",
  "become-root",
  "attach-root",
  "attach",
]);

export function isUserOp(op: { readonly op: string }): op is UserOp {
  return NAMES.has(op.op);
}
