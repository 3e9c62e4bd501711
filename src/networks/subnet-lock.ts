/** Who holds it looks for a subnet and puts a bridge there before another engine looks. */
import { lockMachine } from "../kernel/machine-lock.ts";

export function lockSubnets(): Disposable {
  return lockMachine({ path: "/run/berth-subnets.lock", what: "their subnets" });
}
