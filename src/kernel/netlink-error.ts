/** What the kernel refuses on a netlink socket, with its own explanation where it gives one. */
import { BerthError, type ErrorCode } from "../lib/error.ts";
import { errnoText } from "./errno.ts";

export class NetlinkError extends BerthError {
  readonly errno: number;

  /** `what` is the whole act: `create veth "v12" on bridge "berth0"`; `explanation` the kernel's extended acknowledgement. */
  constructor(what: string, errno: number, explanation?: string) {
    super(
      CODES[errno] ?? "internal",
      `${what}: ${errnoText(errno)}${explanation === undefined ? "" : ` (${explanation})`}`,
    );
    this.errno = errno;
  }
}

export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const EXFULL = 54;
export const EAFNOSUPPORT = 97;
export const EPROTONOSUPPORT = 93;
export const EOPNOTSUPP = 95;

const CODES: Readonly<Record<number, ErrorCode>> = {
  [EPERM]: "unauthorized",
  [EPROTONOSUPPORT]: "unavailable",
  [EAFNOSUPPORT]: "unavailable",
  [EOPNOTSUPP]: "unavailable",
  [EXFULL]: "unavailable",
};
