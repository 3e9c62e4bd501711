/**
 * Reads a trace of system calls for the steps that make the kernel wait for RCU, 8 to 30 ms each: none of them may be on the way
 * of a start, an exec or an exit.
 */

interface Wait {
  readonly name: string;
  readonly isIn: (call: string) => boolean;
}

const WAITS: readonly Wait[] = [
  {
    name: "a pid written to cgroup.procs",
    isIn: (call) => /^open(at|at2)?\(.*"[^"]*cgroup\.procs".*O_(WRONLY|RDWR)/.test(call),
  },
  { name: "a link deleted", isIn: (call) => call.includes("nlmsg_type=RTM_DELLINK") },
  { name: "a link moved to another namespace", isIn: movesLink },
  {
    name: "a mount taken away at once",
    isIn: (call) => /^umount2?\(/.test(call) && !call.includes("MNT_DETACH"),
  },
  { name: "data forced to disk", isIn: (call) => /^(sync|syncfs)\(/.test(call) },
];

/** A link that exists already (it has an index) gets another namespace: at its birth that costs nothing. */
function movesLink(call: string): boolean {
  if (!/nlmsg_type=RTM_(NEW|SET)LINK/.test(call) || !/IFLA_NET_NS_(PID|FD)/.test(call)) return false;
  return !/ifi_index=0\b/.test(call);
}

/** The calls in the output of `strace -f` that wait, each with what it waits for. */
export function waits(trace: string): string[] {
  return trace.split("\n").flatMap((line) => {
    const call = line.replace(/^(\[pid +)?\d+\]? +/, "");
    return WAITS.filter(({ isIn }) => isIn(call)).map(({ name }) => `${name}: ${call}`);
  });
}
