import { expect, test } from "bun:test";
import { waits } from "./trace.ts";

test.each([
  ["cgroup.procs", `12 openat(AT_FDCWD, "/sys/fs/cgroup/pids/x/cgroup.procs", O_WRONLY|O_CLOEXEC) = 5`],
  [
    "deleting a link",
    `[pid   12] sendto(7, [{nlmsg_len=32, nlmsg_type=RTM_DELLINK, nlmsg_flags=NLM_F_REQUEST}], 32, 0, NULL, 0) = 32`,
  ],
  [
    "moving a link",
    `12 sendto(7, [{nlmsg_type=RTM_NEWLINK}, {ifi_family=AF_UNSPEC, ifi_index=4}, [{nla_type=IFLA_NET_NS_PID}, 99]], 40, 0, NULL, 0) = 40`,
  ],
  ["a synchronous umount", `12 umount2("/x", 0) = 0`],
])("%s is found", (_, line) => {
  expect(waits(line)).toHaveLength(1);
});

test.each([
  ["tasks", `12 openat(AT_FDCWD, "/sys/fs/cgroup/pids/x/tasks", O_WRONLY|O_CLOEXEC) = 5`],
  [
    "reading cgroup.procs",
    `12 openat(AT_FDCWD, "/sys/fs/cgroup/pids/x/cgroup.procs", O_RDONLY|O_CLOEXEC) = 5`,
  ],
  [
    "a link born elsewhere",
    `12 sendto(7, [{nlmsg_type=RTM_NEWLINK}, {ifi_family=AF_UNSPEC, ifi_index=0}, [{nla_type=IFLA_NET_NS_PID}, 99]], 40, 0, NULL, 0) = 40`,
  ],
  ["a lazy umount", `12 umount2(".", MNT_DETACH) = 0`],
])("%s is no wait", (_, line) => {
  expect(waits(line)).toEqual([]);
});
