/**
 * What must hold on a machine whose only control groups are those of version 2: pieces of shell, performed in this order by busybox
 * in the guest, where `berth` is the executable under test. A container named in one check may be used by those after it.
 */
import type { Piece } from "./guest.ts";

export interface Check extends Piece {
  /** A claim. */
  readonly title: string;
  /** The whole of standard output, or a pattern in it. Not named: not looked at. */
  readonly out?: string | RegExp;
  readonly err?: string | RegExp;
  /** 0 when it is not named. */
  readonly code?: number;
}

/** Where the guest's engine has the group of container `c`. */
const GROUP = "G=/sys/fs/cgroup/berth/$(berth inspect -f '{{.Id}}' c);";

/** What an ended container used is given back behind its exit code: awaited, not expected at once. The limit is the guest's. */
const GROUP_GONE = "while [ -d $G ]; do sleep 0.1; done; echo gone;";
const ALL_GONE = "while ls -d /sys/fs/cgroup/berth/*/ >/dev/null 2>&1; do sleep 0.1; done; echo gone";

/** The next call of `berth` starts another one. */
const KILL_ENGINE =
  "E=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/' /run/berth/engine.json); kill -9 $E; while [ -e /proc/$E ]; do sleep 0.1; done;";

const MACHINE: readonly Check[] = [
  {
    title: "the guest has version 2 and no hierarchy of version 1",
    sh: "grep -c ' - cgroup ' /proc/self/mountinfo; cat /sys/fs/cgroup/cgroup.controllers",
    out: /^0\ncpuset cpu io memory .*pids/,
  },
  {
    title: "bootstrap makes the image, and the engine starts by itself",
    sh: "berth image bootstrap busybox",
    err: "",
  },
  {
    title: "info says version 2, and that no limit is missing",
    sh: "berth info -f '{{.CgroupVersion}} {{.MemoryLimit}} {{.SwapLimit}} {{.CPUShares}} {{.CpuCfsQuota}} {{.CPUSet}} {{.PidsLimit}}'",
    out: "2 true true true true true true\n",
  },
];

const RUNNING: readonly Check[] = [
  {
    title: "run --rm gives the output",
    sh: "berth run --rm busybox id -u",
    out: "0\n",
    err: "",
  },
  { title: "the exit code is the command's", sh: "berth run --rm busybox sh -c 'exit 3'", code: 3 },
  { title: "126 for what is no program", sh: "berth run --rm busybox /etc", code: 126 },
  { title: "127 for what is not there", sh: "berth run --rm busybox no-such-command", code: 127 },
  {
    title: "a container sees its own group as the root",
    sh: "berth run --rm busybox cat /proc/self/cgroup",
    out: "0::/\n",
  },
  {
    title: "--cgroupns host shows where the group is",
    sh: "berth run --rm --cgroupns host busybox cat /proc/self/cgroup",
    out: /^0::\/berth\/[0-9a-f]{64}\n$/,
  },
  {
    title: "a container may read its groups and change nothing",
    sh: "berth run --rm busybox sh -c 'cat /sys/fs/cgroup/cgroup.procs; echo max >/sys/fs/cgroup/pids.max'",
    out: /^1\n/,
    err: /Read-only file system/,
    code: 1,
  },
];

const LIMITS: readonly Check[] = [
  {
    title: "-m limits memory, and swap to as much again",
    sh: "berth run --rm -m 64m busybox sh -c 'cd /sys/fs/cgroup; cat memory.max memory.swap.max'",
    out: "67108864\n67108864\n",
  },
  {
    title: "--memory-swap and --memory-reservation",
    sh: "berth run --rm -m 64m --memory-swap -1 --memory-reservation 32m busybox sh -c 'cd /sys/fs/cgroup; cat memory.swap.max memory.low'",
    out: "max\n33554432\n",
  },
  {
    title: "who takes more memory than -m is killed: 137",
    sh: "berth run --name oom -m 32m busybox tail /dev/zero",
    code: 137,
  },
  {
    title: "inspect says why",
    sh: "berth inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' oom; berth rm oom",
    out: "true 137\noom\n",
  },
  {
    title: "a child that was killed for memory is told, though the container goes on",
    sh: "berth run --name oom -m 32m busybox sh -c 'tail /dev/zero; echo $?'; berth inspect -f '{{.State.OOMKilled}}' oom; berth rm oom",
    out: "137\ntrue\noom\n",
  },
  {
    title: "--cpus",
    sh: "berth run --rm --cpus 0.5 busybox cat /sys/fs/cgroup/cpu.max",
    out: "50000 100000\n",
  },
  {
    title: "--cpu-shares become a weight; docker's default is the kernel's",
    sh: "for n in 2 512 1024 262144; do berth run --rm --cpu-shares $n busybox cat /sys/fs/cgroup/cpu.weight; done",
    out: "1\n59\n100\n10000\n",
  },
  {
    title: "--pids-limit",
    sh: "berth run --rm --pids-limit 4 busybox sh -c 'cat /sys/fs/cgroup/pids.max; for i in 1 2 3 4 5; do sleep 60 & done'",
    out: /^4\n/,
    err: /can't fork/,
    code: 2,
  },
  {
    title: "--cpuset-cpus",
    sh: "berth run --rm --cpuset-cpus 1 busybox sh -c 'cat /sys/fs/cgroup/cpuset.cpus.effective; nproc'",
    out: "1\n1\n",
  },
  {
    title: "--device-write-bps",
    sh: "berth run --rm --device-write-bps /dev/vda:1mb busybox cat /sys/fs/cgroup/io.max",
    out: /^254:0 rbps=max wbps=1048576 riops=max wiops=max\n$/,
  },
  {
    title: "what version 2 does not have is refused by its name",
    sh: "berth run --rm --cpu-rt-runtime 1000 busybox true",
    err: /real-time/,
    code: 125,
  },
];

const DEVICES: readonly Check[] = [
  {
    title: "the usual devices work",
    sh: "berth run --rm busybox sh -c 'echo x >/dev/null && head -c 1 /dev/zero | wc -c && head -c 1 /dev/urandom | wc -c'",
    out: "1\n1\n",
  },
  {
    title: "another one may be made and not be opened",
    sh: "berth run --rm busybox sh -c 'mknod /disk b 254 0 && echo made && head -c 1 /disk'",
    out: "made\n",
    err: /Operation not permitted/,
    code: 1,
  },
  {
    title: "--device opens it, as far as its letters say",
    sh: "berth run --rm --device /dev/vda:/dev/disk:r busybox sh -c 'head -c 1 /dev/disk | wc -c; echo x >/dev/disk'",
    out: "1\n",
    err: /Operation not permitted/,
    code: 1,
  },
  {
    title: "--device-cgroup-rule",
    sh: "berth run --rm --device-cgroup-rule 'b 254:* r' busybox sh -c 'mknod /disk b 254 0; head -c 1 /disk | wc -c'",
    out: "1\n",
  },
  {
    title: "--privileged opens all",
    sh: "berth run --rm --privileged busybox sh -c 'head -c 1 /dev/vda | wc -c'",
    out: "1\n",
  },
];

const LIVING: readonly Check[] = [
  {
    title: "run -d",
    sh: "berth run -d --name c -m 64m busybox sh -c 'trap \"exit 7\" TERM; while :; do sleep 0.1; date +%s%N >/n; done' | wc -c",
    out: "65\n",
  },
  {
    title: "exec is born in the container's group and namespace",
    sh: `${GROUP} berth exec c sh -c 'cat /proc/self/cgroup; until [ -e /seen ]; do sleep 0.1; done' & until for p in $(cat $G/cgroup.procs); do cat /proc/$p/cmdline 2>/dev/null; done | tr '\\0' ' ' | grep -q /seen; do sleep 0.1; done; berth exec c touch /seen; wait; echo seen`,
    out: "0::/\nseen\n",
  },
  { title: "exec gives the exit code", sh: "berth exec c sh -c 'exit 4'", code: 4 },
  {
    title: "exec obeys the device rules",
    sh: "berth exec c sh -c 'mknod /disk b 254 0; head -c 1 /disk'",
    err: /Operation not permitted/,
    code: 1,
  },
  {
    title: "exec counts against the limits: too much memory is death",
    sh: "berth exec c tail /dev/zero",
    code: 137,
  },
  {
    title: "pause freezes the group",
    sh: `${GROUP} berth pause c; cat $G/cgroup.freeze; grep frozen $G/cgroup.events; berth inspect -f '{{.State.Status}}' c`,
    out: "c\n1\nfrozen 1\npaused\n",
  },
  {
    title: "exec into a paused container is refused at once",
    sh: "berth exec c true",
    err: /paused/,
    code: 1,
  },
  {
    title: "unpause thaws it",
    sh: `${GROUP} berth unpause c; grep frozen $G/cgroup.events; a=$(berth exec c cat /n); while [ "$a" = "$(berth exec c cat /n)" ]; do :; done; echo moves`,
    out: "c\nfrozen 0\nmoves\n",
  },
  {
    title: "top", // its shell, and perhaps a copy that is about to become another program
    sh: "berth top c | grep -q 'while :'",
  },
  {
    title: "stats counts what the group counts",
    sh: `${GROUP} berth stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' c; cat $G/memory.max`,
    out: /^c [12] [\d.]+[KM]iB \/ \S+iB\n/,
  },
  {
    title: "update changes what runs, and nothing that was not named",
    sh: `${GROUP} cat $G/memory.max >/tmp/before; berth update --pids-limit 40 --cpu-shares 2048 c; cat $G/pids.max $G/cpu.weight; cmp $G/memory.max /tmp/before`,
    out: "c\n40\n174\n",
  },
  {
    title: "update that the group refuses in part changes nothing",
    sh: `${GROUP} berth update --pids-limit 50 --cpuset-mems 7 c; cat $G/pids.max`,
    out: "40\n",
    err: /cpuset.mems/,
  },
  {
    title: "an engine that was killed is followed by one that adopts the container",
    sh: `P=$(berth inspect -f '{{.State.Pid}}' c); ${KILL_ENGINE} test $P = $(berth inspect -f '{{.State.Pid}}' c) && berth exec c cat /proc/self/cgroup`,
    out: "0::/\n",
  },
  {
    title: "device rules outlive the engine that made them",
    sh: "berth exec c sh -c 'rm -f /disk; mknod /disk b 254 0; echo x >/dev/null; head -c 1 /disk'",
    err: /Operation not permitted/,
    code: 1,
  },
  {
    title: "one that was paused is adopted as paused, and goes on when told",
    sh: `${GROUP} berth pause c; ${KILL_ENGINE} berth inspect -f '{{.State.Status}}' c; berth unpause c; grep frozen $G/cgroup.events`,
    out: "c\npaused\nc\nfrozen 0\n",
  },
  {
    title: "limits outlive the engine",
    sh: "berth exec c tail /dev/zero",
    code: 137,
  },
  {
    title: "exec into a group that is full is an error, not a wait",
    sh: "berth run -d --name full --pids-limit 1 busybox sleep 50 >/dev/null; berth exec full true; echo $?; berth rm -f full",
    out: /pids-limit[^]*\n126\nfull\n/,
  },
  {
    title: "stop asks, and the answer is the exit code; the shim has seen that memory was short",
    sh: `${GROUP} berth stop c; berth inspect -f '{{.State.ExitCode}} {{.State.OOMKilled}}' c; ${GROUP_GONE} berth rm c`,
    out: "c\n7 true\ngone\nc\n",
  },
  {
    title: "stop -t kills who does not listen",
    sh: "berth run -d --name c busybox sh -c 'trap \"\" TERM; while :; do sleep 1; done' >/dev/null; berth stop -t 1 c; berth inspect -f '{{.State.ExitCode}}' c; berth rm c",
    out: "c\n137\nc\n",
  },
  {
    title: "rm -f kills what is frozen, with all that it has started",
    sh: "berth run -d --name c busybox sh -c 'sleep 77 & sleep 78 & wait' >/dev/null; berth pause c; berth rm -f c; ps | grep -c '[s]leep 7'",
    out: "c\nc\n0\n",
    code: 1,
  },
  {
    title: "groups that a privileged container has made go with it",
    sh: `berth run --rm --privileged busybox sh -c 'mkdir -p /sys/fs/cgroup/a/b && sleep 50 & sleep 1; mkdir /sys/fs/cgroup/d && echo 0 >/sys/fs/cgroup/d/cgroup.procs; echo made'; ${ALL_GONE}`,
    out: "made\ngone\n",
  },
  {
    title: "exec enters a container that has divided its groups, as systemd does",
    sh: `berth run -d --name c --privileged busybox sh -c 'cd /sys/fs/cgroup; mkdir init; echo 1 >init/cgroup.procs; echo +memory +pids >cgroup.subtree_control; exec sleep 99' >/dev/null; ${GROUP} until grep -q memory $G/cgroup.subtree_control; do sleep 0.1; done; berth exec c cat /proc/self/cgroup /sys/fs/cgroup/cgroup.subtree_control; berth rm -f c; ${GROUP_GONE}`,
    out: "0::/init\nmemory pids\nc\ngone\n",
  },
  {
    title: "--pid host: who remains is killed by the group",
    sh: "berth run --rm --pid host busybox sh -c 'sleep 79 & echo started'; while ps | grep -q '[s]leep 79'; do sleep 0.1; done; echo ended",
    out: "started\nended\n",
  },
];

/** crun refuses machines of both versions, and so is called here alone. */
const OTHER: readonly Check[] = [
  {
    title: "crun makes containers, in groups of the engine's",
    sh: "berth run -d --name other --runtime crun -m 64m busybox sleep 99 >/dev/null; berth exec other cat /proc/self/cgroup /sys/fs/cgroup/memory.max; berth inspect -f '{{.HostConfig.Runtime}}' other; berth rm -f other; berth run --rm --runtime crun busybox sh -c 'exit 3'",
    out: "0::/\n67108864\ncrun\nother\n",
    code: 3,
  },
];

const NEST =
  "mkdir -p /inner; berth run --rm --privileged -v /bin/berth:/bin/berth -v /lib:/lib -v /lib64:/lib64 -v /inner:/var/lib/berth busybox sh -c";

const NETWORKS: readonly Check[] = [
  {
    title: "a container reaches the gateway of the bridge",
    sh: "berth run --rm busybox sh -c 'ping -c 1 -W 5 $(ip route | sed -n \"s/default via \\([0-9.]*\\).*/\\1/p\")' | grep -o '1 packets received'",
    out: "1 packets received\n",
  },
  {
    title: "containers reach each other",
    sh: "berth run -d --name web busybox httpd -f -h /etc >/dev/null && berth run --rm busybox sh -c \"until wget -qO- http://$(berth inspect -f '{{.NetworkSettings.IPAddress}}' web)/hostname; do sleep 0.1; done\" | wc -l; berth rm -f web",
    out: "1\nweb\n",
  },
];

/** Debian's kernel is older than overlays of directories that are attached nowhere. */
const USERS: readonly Check[] = [
  {
    title: "a user namespace: born in its group, devices that work, plain owners on disk",
    sh: "berth run --name c --userns auto -m 64m busybox sh -c 'cat /proc/self/uid_map /proc/self/cgroup /sys/fs/cgroup/memory.max; head -c 3 /dev/zero | wc -c; mknod /d b 254 0; echo new >/new; chown 7:8 /new'; stat -c %u:%g /var/lib/berth/containers/*/upper/new; berth rm c",
    out: "         0     100000      65536\n0::/\n67108864\n3\n7:8\nc\n",
    err: /Operation not permitted/,
  },
];

/** An engine in a container: its root of the groups is not the kernel's, and the processes in it hinder passing controllers on. */
const NESTED: readonly Check[] = [
  {
    title: "an engine in a privileged container runs containers",
    sh: `${NEST} 'berth image bootstrap busybox >/dev/null; berth run --rm busybox cat /proc/self/cgroup; berth system shutdown --containers; while find /sys/fs/cgroup/ -path "*/berth/*" -type d | grep -q .; do sleep 0.1; done'`,
    out: "0::/\n",
  },
  {
    title: "… keeps their limits",
    sh: `${NEST} 'berth run --rm -m 64m --pids-limit 9 busybox sh -c "cd /sys/fs/cgroup; cat memory.max pids.max"'`,
    out: "67108864\n9\n",
  },
  {
    title: "… and leaves no group",
    sh: ALL_GONE,
    out: "gone\n",
  },
];

/** Writes /bundle/config.json: its shell, its limits; then the control group of container "o". */
const BUNDLE =
  'bundle() { sed "s@SHELL@$1@; s@LIMITS@$2@" /bundle/template >/bundle/config.json; }; cd /bundle; G=/sys/fs/cgroup/oci/o;';

const TEMPLATE = JSON.stringify({
  ociVersion: "1.2.0",
  process: { user: { uid: 0, gid: 0 }, args: ["sh", "-c", "SHELL"], env: ["PATH=/bin"], cwd: "/" },
  root: { path: "rootfs" },
  mounts: [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/dev", type: "tmpfs", source: "tmpfs" },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"] },
  ],
  linux: {
    cgroupsPath: "/oci/o",
    namespaces: ["pid", "mount", "ipc", "uts", "network", "cgroup"].map((type) => ({ type })),
    resources: { devices: [{ allow: false, access: "rwm" }], LIMITS: 0 },
  },
}).replace('"LIMITS":0', "LIMITS");

const APPLETS = "sh cat echo sleep head tail mknod wc grep nproc true";
const PREPARE = `mkdir -p /bundle/rootfs/bin; cp /bin/busybox /bundle/rootfs/bin; for a in ${APPLETS}; do ln -s busybox /bundle/rootfs/bin/$a; done; echo '${TEMPLATE}' >/bundle/template;`;

const LIMITED = JSON.stringify({
  memory: { limit: 64 << 20, swap: 128 << 20, reservation: 32 << 20 },
  cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: "1" },
  pids: { limit: 20 },
  unified: { "memory.high": "60000000" },
}).slice(1, -1);

/** The same core as an OCI runtime: life, limits, devices and statistics of a container that no engine knows. */
const RUNTIME: readonly Check[] = [
  {
    title: "oci run gives output and exit code, and leaves no group",
    sh: `${PREPARE} ${BUNDLE} bundle 'cat /proc/self/cgroup; exit 3' '"pids":{"limit":9}'; berth oci run o; code=$?; ls -d $G; exit $code`,
    out: "0::/\n",
    err: /No such file/,
    code: 3,
  },
  {
    title: "oci create, with limits of version 1 as files of version 2",
    sh: `${BUNDLE} bundle 'while :; do sleep 1; done' '${LIMITED}'; berth oci create --pid-file /tmp/pid o </dev/null >/dev/null 2>&1 || exit; berth oci state o | grep -o '"status": *"[a-z]*"'; cd $G; cat memory.max memory.swap.max memory.low memory.high cpu.max cpu.weight cpuset.cpus pids.max; grep -c . cgroup.procs`,
    out: /^"status": *"created"\n67108864\n67108864\n33554432\n59998208\n50000 100000\n59\n1\n20\n1\n$/,
  },
  {
    title: "oci start, exec, ps: all in the container's group",
    sh: `${BUNDLE} berth oci start o; berth oci exec o cat /proc/self/cgroup; berth oci ps o | grep -q 'while :' && echo shown; berth oci exec o sh -c 'exit 5'`,
    out: "0::/\nshown\n",
    code: 5,
  },
  {
    title: "oci pause and resume freeze and thaw the group; exec into a frozen one is refused",
    sh: `${BUNDLE} berth oci pause o; berth oci state o | grep -o paused; grep frozen $G/cgroup.events; berth oci exec o true 2>&1 | grep -o paused | head -n 1; berth oci resume o; grep frozen $G/cgroup.events`,
    out: "paused\nfrozen 1\npaused\nfrozen 0\n",
  },
  {
    title: "oci update changes what is named and nothing else",
    sh: `${BUNDLE} berth oci update --memory 50331648 --pids-limit 30 o; cd $G; cat memory.max pids.max cpu.max`,
    out: "50331648\n30\n50000 100000\n",
  },
  {
    title: "oci events --stats counts what the group counts",
    sh: `${BUNDLE} berth oci events --stats o | grep -o '"type":"stats"\\|"limit":50331648\\|"limit":30'`,
    out: /"type":"stats"[^]*"limit":30[^]*"limit":50331648|"type":"stats"[^]*"limit":50331648[^]*"limit":30/,
  },
  {
    title: "oci exec obeys the device program",
    sh: `berth oci exec o sh -c 'echo x >/dev/null && mknod /disk b 254 0 && head -c 1 /disk'`,
    err: /Operation not permitted/,
    code: 1,
  },
  {
    title: "memory beyond the limit ends the process, and the group has counted it",
    sh: `${BUNDLE} berth oci exec o tail /dev/zero; echo $?; grep oom_kill $G/memory.events | head -n 1`,
    out: /^137\noom_kill [1-9]/,
  },
  {
    title: "oci kill --all, delete: nothing is left",
    sh: `${BUNDLE} berth oci kill --all o KILL; while berth oci state o | grep -q '"running"'; do sleep 0.1; done; berth oci delete o; ls -d $G /run/berth-oci/o; berth oci list -q`,
    out: "",
    err: /No such file[^]*No such file/,
  },
  {
    title: "oci delete --force of what is frozen",
    sh: `${BUNDLE} bundle 'sleep 55 \\& wait' '"pids":{"limit":9}'; berth oci run -d o </dev/null >/dev/null 2>&1; berth oci pause o; berth oci delete --force o; ls -d $G; ps | grep -c '[s]leep 55'`,
    out: "0\n",
    err: /No such file/,
    code: 1,
  },
];

/** What the checkout tests of the core on every machine, here on a machine of version 2. */
const CORE: readonly Check[] = [
  {
    title: "the tests of the runtime pass",
    sh: "cd /berth && bun test --timeout 60000 --only-failures ./src/runtime/namespaces.test.ts ./src/runtime/version2.test.ts ./src/runtime/resources.test.ts 2>&1",
    out: /\n 0 fail\n/,
    seconds: 240,
  },
  {
    title: "crun passes the suite of the runtimes",
    sh: "cd /berth && bun test --timeout 60000 --only-failures -t 'a process of crun' ./test/runtimes/suite.test.ts 2>&1",
    out: /\n \d{2,} pass\n[^]*\n 0 fail\n/,
    seconds: 240,
  },
];

const END: readonly Check[] = [
  { title: "fsck finds nothing", sh: "berth system fsck", out: /./ },
  {
    title: "shutdown --containers leaves no group, no device and no process",
    sh: "gone() { [ ! -d /sys/fs/cgroup/berth ] && [ $(ls /sys/class/net | wc -l) = 1 ] && ! ps | grep -q '[b]erth\\|[h]ttpd'; }; berth system shutdown --containers; for look in $(seq 100); do gone && break; sleep 0.1; done; ls -d /sys/fs/cgroup/berth/ 2>/dev/null; ls /sys/class/net; ps | grep '[b]erth\\|[h]ttpd' | wc -l",
    out: "lo\n0\n",
  },
];

/** The checks of each guest; guests run side by side. */
export const GUESTS: readonly (readonly Check[])[] = [
  [
    ...MACHINE,
    ...RUNNING,
    ...LIMITS,
    ...DEVICES,
    ...LIVING,
    ...NETWORKS,
    ...USERS,
    ...OTHER,
    ...NESTED,
    ...END,
  ],
  [...RUNTIME, ...CORE],
];
