/** `run` with every flag that this version knows, through both command lines. */
import { cases } from "../support/cases.ts";

cases("run", [
  {
    title: "prints what the container prints",
    sh: "docker run --rm busybox echo hello",
    out: "hello\n",
    err: "",
  },
  {
    title: "keeps the two streams apart",
    sh: "docker run --rm busybox sh -c 'echo a; echo b >&2'",
    out: "a\n",
    err: "b\n",
  },
  { title: "gives the exit code", sh: "docker run --rm busybox sh -c 'exit 7'", code: 7 },
  { title: "gives 128 + n for a signal", sh: "docker run --rm --init busybox sh -c 'kill -9 $$'", code: 137 },
  { title: "uses the image's command", sh: "echo 'echo $((6*7))' | docker run -i --rm busybox", out: "42\n" },
  { title: "-i passes stdin with its end", sh: "echo text | docker run -i --rm busybox cat", out: "text\n" },
  { title: "without -i stdin is empty", sh: "echo text | docker run --rm busybox cat", out: "" },
  {
    title: "-i passes many bytes unchanged",
    sh: "head -c 3000000 /dev/urandom >$T/a; docker run -i --rm busybox cat <$T/a >$T/b; cmp $T/a $T/b && echo same",
    out: "same\n",
  },
  {
    title: "-d prints the id and goes on",
    sh: "docker run -d --name $C busybox sleep 60; docker inspect -f '{{.State.Status}}' $C",
    out: /^[0-9a-f]{64}\nrunning\n$/,
  },
  { title: "--rm removes afterwards", sh: "docker run --rm --name $C busybox true; docker ps -aq", out: "" },
  {
    title: "-d --rm removes afterwards",
    sh: 'docker run -d --rm --name $C busybox true >/dev/null; docker wait $C 2>/dev/null >&2; while [ -n "$(docker ps -aq)" ]; do sleep 0.05; done',
  },
  {
    title: "--name names it",
    sh: "docker run --name $C busybox true; docker ps -a --format '{{.Names}}'",
    out: /^c\d+\n$/,
  },
  {
    title: "-e sets the environment",
    sh: "docker run --rm -e A=1 -e B='x y' busybox sh -c 'echo $A,$B'",
    out: "1,x y\n",
  },
  {
    title: "-e NAME takes the caller's",
    sh: "X=caller docker run --rm -e X -e UNSET busybox env",
    out: /^X=caller$/m,
  },
  {
    title: "-e NAME that the caller lacks is left out",
    sh: "docker run --rm -e UNSET busybox env | grep -c UNSET",
    out: "0\n",
    code: 1,
  },
  {
    title: "--env-file is read",
    sh: "printf '# no\\nA=1\\n\\nB=two words\\n' >$T/env; docker run --rm --env-file $T/env busybox sh -c 'echo $A,$B'",
    out: "1,two words\n",
  },
  {
    title: "sets PATH, HOME and HOSTNAME",
    sh: "docker run --rm --hostname box busybox env | sort",
    out: "HOME=/root\nHOSTNAME=box\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
  },
  {
    title: "-w sets and makes the working directory",
    sh: "docker run --rm -w /not/there busybox pwd",
    out: "/not/there\n",
  },
  { title: "-u uid:gid", sh: "docker run --rm -u 12:34 busybox id", out: /^uid=12 gid=34/ },
  {
    title: "-u name takes the groups of the image",
    sh: "docker run --rm -u ada busybox id",
    out: "uid=1000(ada) gid=1000(ada) groups=10(wheel),1000(ada)\n",
  },
  {
    title: "-u unknown is refused",
    sh: "docker run --rm -u nosuch busybox id",
    err: /unable to find user nosuch/,
    code: 125,
  },
  {
    title: "--group-add adds",
    sh: "docker run --rm -u 5 --group-add 77 --group-add wheel busybox id -G",
    out: /^0 10 77$|^0 77 10$/m,
  },
  {
    title: "-v binds a directory",
    sh: "mkdir $T/d; echo x >$T/d/f; docker run --rm -v $T/d:/mnt busybox sh -c 'cat /mnt/f; echo y >/mnt/g'; cat $T/d/g",
    out: "x\ny\n",
  },
  {
    title: "-v …:ro is read-only",
    sh: "mkdir $T/d; docker run --rm -v $T/d:/mnt:ro busybox touch /mnt/x",
    err: /Read-only file system/,
    code: 1,
  },
  {
    title: "-v makes a missing host directory",
    sh: "docker run --rm -v $T/new:/mnt busybox true; ls -d $T/new >/dev/null && echo made",
    out: "made\n",
  },
  {
    title: "-v binds a file",
    sh: "echo x >$T/f; docker run --rm -v $T/f:/etc/f busybox cat /etc/f",
    out: "x\n",
  },
  {
    title: "--mount type=bind",
    sh: "echo x >$T/f; docker run --rm --mount type=bind,source=$T/f,target=/etc/f,readonly busybox cat /etc/f",
    out: "x\n",
  },
  {
    title: "--mount of a missing source is refused",
    sh: "docker run --rm --mount type=bind,source=$T/none,target=/x busybox true",
    err: /bind source path does not exist/,
    code: 125,
  },
  {
    title: "--mount type=tmpfs with size",
    sh: "docker run --rm --mount type=tmpfs,target=/t,tmpfs-size=1m busybox df -k /t",
    out: /1024\s+0\s+1024/,
  },
  {
    title: "--tmpfs",
    sh: "docker run --rm --tmpfs /t:size=2m,mode=700 busybox sh -c 'stat -c %a /t; mount | grep \" /t \"'",
    out: /^700\ntmpfs on \/t type tmpfs \(rw,nosuid,nodev,noexec,relatime,size=2048k,mode=700/,
  },
  {
    title: "--read-only",
    sh: "docker run --rm --read-only busybox touch /x",
    err: /Read-only file system/,
    code: 1,
  },
  {
    title: "--read-only leaves /dev/shm writable",
    sh: "docker run --rm --read-only busybox touch /dev/shm/x",
  },
  { title: "--entrypoint", sh: "docker run --rm --entrypoint echo busybox a b", out: "a b\n" },
  {
    title: "--hostname",
    sh: "docker run --rm --hostname box.lan busybox sh -c 'hostname; cat /etc/hostname'",
    out: "box.lan\nbox.lan\n",
  },
  {
    title: "the hostname is the short id",
    sh: "docker run --name $C busybox hostname; docker ps -aq",
    out: /^([0-9a-f]{12})\n\1\n$/,
  },
  {
    title: "/etc/hosts names the container",
    sh: "docker run --rm --hostname box busybox cat /etc/hosts",
    out: /^127\.0\.0\.1\tlocalhost$[^]*\tbox$/m,
  },
  {
    title: "--network none has only lo",
    sh: "docker run --rm --network none busybox sh -c 'ls /sys/class/net; ip -o addr | grep -c 127.0.0.1'",
    out: "lo\n1\n",
  },
  {
    title: "--network host is the host's",
    sh: '[ "$(docker run --rm --network host busybox readlink /proc/self/ns/net)" = "$(readlink /proc/self/ns/net)" ] && echo same',
    out: "same\n",
  },
  {
    title: "the bridge gives eth0 an address and a route",
    sh: "docker run --rm busybox sh -c 'ip -4 -o addr show eth0; ip route'",
    out: /inet (172|192)\.\d+\.\d+\.\d+\/(16|20)[^]*default via (172|192)\.\d+\.\d+\.1 dev eth0/,
  },
  {
    title: "the gateway answers",
    sh: "docker run --rm busybox sh -c 'ping -c1 -W2 $(ip route | sed -n \"s/default via \\([^ ]*\\).*/\\1/p\")' | grep -c '1 packets received'",
    out: "1\n",
  },
  {
    title: "two containers reach each other",
    sh: "docker run -d --name $C busybox httpd -f -h /etc >/dev/null; IP=$(docker inspect -f '{{.NetworkSettings.IPAddress}}' $C); docker run --rm busybox sh -c \"until wget -qO /tmp/x http://$IP/group; do sleep 0.1; done; head -1 /tmp/x\"",
    out: "root:x:0:\n",
  },
  {
    title: "--network container: shares",
    sh: 'docker run -d --name $C busybox sleep 60 >/dev/null; A=$(docker exec $C readlink /proc/self/ns/net); docker run --rm --network container:$C busybox readlink /proc/self/ns/net | grep -cF "$A"',
    out: "1\n",
  },
  {
    title: "-m limits the memory",
    sh: "docker run --rm -m 64m busybox sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; true'",
    out: "67108864\n",
  },
  {
    title: "-m ends who takes more, and says so",
    sh: "docker run --name $C -m 20m --memory-swap 20m busybox sh -c 'tail /dev/zero'; echo $?; docker inspect -f '{{.State.OOMKilled}}' $C",
    out: /^(137|1)\ntrue\n$/,
  },
  {
    title: "--memory-swap and --memory-reservation are kept",
    sh: "docker create --name $C -m 64m --memory-swap 128m --memory-reservation 32m busybox >/dev/null; docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.MemoryReservation}}' $C; docker start $C",
    out: /^67108864 134217728 33554432\n/,
  },
  {
    title: "--cpus becomes a quota",
    sh: "docker run --rm --cpus 0.5 busybox sh -c 'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null; true'",
    out: /^50000/,
  },
  {
    title: "--cpu-shares",
    sh: "docker run --rm --cpu-shares 512 busybox sh -c 'cat /sys/fs/cgroup/cpu/cpu.shares /sys/fs/cgroup/cpu.weight 2>/dev/null; true'",
    out: /^(512|20)\n$/,
  },
  {
    title: "--cpuset-cpus",
    sh: "docker run --rm --cpuset-cpus 0 busybox grep Cpus_allowed_list /proc/self/status",
    out: "Cpus_allowed_list:\t0\n",
  },
  {
    title: "--pids-limit",
    sh: "docker run --rm --pids-limit 5 busybox sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 60 & done; wait'",
    err: /can't fork|Resource temporarily unavailable/,
    code: 2,
  },
  {
    title: "--ulimit",
    sh: "docker run --rm --ulimit nofile=99:100 busybox sh -c 'ulimit -n; ulimit -Hn'",
    out: "99\n100\n",
  },
  {
    title: "14 capabilities by default",
    sh: "docker run --rm busybox grep CapEff /proc/self/status",
    out: "CapEff:\t00000000a80425fb\n",
  },
  {
    title: "--cap-drop and --cap-add",
    sh: "docker run --rm --cap-drop ALL --cap-add CHOWN --cap-add net_bind_service busybox grep CapBnd /proc/self/status",
    out: "CapBnd:\t0000000000000401\n",
  },
  {
    title: "--cap-add unknown is refused",
    sh: "docker run --rm --cap-add nonsense busybox true",
    err: /invalid CapAdd: unknown capability: "CAP_NONSENSE"/,
    code: 125,
  },
  {
    title: "a user that is not root has no capabilities",
    sh: "docker run --rm -u 1000 busybox grep CapEff /proc/self/status",
    out: "CapEff:\t0000000000000000\n",
  },
  {
    title: "--privileged sees the devices",
    sh: "docker run --rm --privileged busybox sh -c 'ls /dev | grep -c . ; grep Seccomp: /proc/self/status'",
    out: /^\d\d+\nSeccomp:\t0\n$/,
  },
  {
    title: "--security-opt no-new-privileges",
    sh: "docker run --rm --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status",
    out: "NoNewPrivs:\t1\n",
  },
  {
    title: "seccomp filters by default",
    sh: "docker run --rm busybox grep Seccomp: /proc/self/status",
    out: "Seccomp:\t2\n",
  },
  {
    title: "--security-opt seccomp=unconfined",
    sh: "docker run --rm --security-opt seccomp=unconfined busybox grep Seccomp: /proc/self/status",
    out: "Seccomp:\t0\n",
  },
  {
    title: "--security-opt seccomp=FILE, whose values have 64 bits",
    sh: `cat >$T/profile.json <<'END'
{ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
  { "names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 122 },
  { "names": ["rmdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 122,
    "args": [{ "index": 0, "op": "SCMP_CMP_GE", "value": 18446744073709551615 }] } ] }
END
docker run --rm --security-opt seccomp=$T/profile.json busybox sh -c 'mkdir /x; rmdir /x'`,
    err: /mkdir: .*'\/x': Disk quota exceeded\nrmdir: .*No such file/,
    code: 1,
  },
  {
    title: "--device adds a device",
    sh: "docker run --rm --device /dev/fuse:/dev/x:r busybox ls -l /dev/x",
    out: /^c.*10, 229 .*\/dev\/x$/m,
  },
  {
    title: "--device in a directory of its own, through a link of the host",
    sh: "ln -s /dev/fuse $T/link; docker run --rm --device $T/link:/dev/deep/er/x busybox ls -l /dev/deep/er/x",
    out: /^c.*10, 229 .*\/dev\/deep\/er\/x$/m,
  },
  {
    title: "no other device may be made or opened",
    sh: "docker run --rm busybox sh -c 'mknod /tmp/d b 8 0 && cat /tmp/d'",
    err: /not permitted/,
    code: 1,
  },
  {
    title: "--init reaps",
    sh: "docker run --rm --init busybox sh -c 'ps | head -2 | tail -1'",
    out: /^\s+1 root\s.*(init|berth)/,
  },
  { title: "without --init the command is pid 1", sh: "docker run --rm busybox sh -c 'echo $$'", out: "1\n" },
  { title: "--init passes the exit code on", sh: "docker run --rm --init busybox sh -c 'exit 9'", code: 9 },
  {
    title: "--stop-signal",
    sh: "docker run -d --name $C --stop-signal USR1 busybox sh -c 'trap \"exit 5\" USR1; echo ready; while :; do sleep 0.1; done' >/dev/null; until docker logs $C | grep -q ready; do sleep 0.05; done; docker stop $C >/dev/null; docker wait $C",
    out: "5\n",
  },
  {
    title: "--stop-timeout",
    sh: "docker run -d --name $C --stop-timeout 1 busybox sleep 60 >/dev/null; docker stop $C >/dev/null; docker inspect -f '{{.State.ExitCode}}' $C",
    out: "137\n",
  },
  {
    title: "--label and --label-file",
    sh: "echo b=2 >$T/l; docker create --name $C --label a=1 --label-file $T/l busybox >/dev/null; docker inspect -f '{{.Config.Labels.a}}{{.Config.Labels.b}}' $C",
    out: "12\n",
  },
  {
    title: "--log-opt is kept",
    sh: "docker create --name $C --log-opt max-size=1m --log-opt max-file=2 busybox >/dev/null; docker inspect -f '{{index .HostConfig.LogConfig.Config \"max-size\"}}' $C",
    out: "1m\n",
  },
  { title: "--shm-size", sh: "docker run --rm --shm-size 8m busybox df -k /dev/shm", out: /\s8192\s/ },
  {
    title: "--sysctl",
    sh: "docker run --rm --sysctl net.ipv4.ip_forward=0 --sysctl kernel.msgmax=4096 busybox cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax",
    out: "0\n4096\n",
  },
  {
    title: "--sysctl of a network that belongs to another container",
    sh: "docker run -d --name $C --network none busybox sleep 60 >/dev/null; docker run --rm --network container:$C --sysctl net.ipv4.ip_default_ttl=77 busybox true; docker exec $C cat /proc/sys/net/ipv4/ip_default_ttl",
    out: "77\n",
  },
  {
    title: "--sysctl of a network that another container shares with the host is refused",
    sh: "docker run -d --name $C --network host busybox sleep 60 >/dev/null; docker run --rm --network container:$C --sysctl net.ipv4.ip_default_ttl=77 busybox true",
    err: /not allowed in host network namespace/,
    code: 125,
  },
  {
    title: "--sysctl outside the namespaces is refused",
    sh: "docker run --rm --sysctl kernel.panic=1 busybox true",
    err: /sysctl.*kernel\.panic/i,
    code: 125,
  },
  {
    title: "--oom-score-adj",
    sh: "docker run --rm --oom-score-adj 500 busybox cat /proc/self/oom_score_adj",
    out: "500\n",
  },
  {
    title: "--pid host",
    sh: 'docker run --rm --pid host busybox readlink /proc/self/ns/pid | grep -cF "$(readlink /proc/self/ns/pid)"',
    out: "1\n",
  },
  {
    title: "--pid container: with a terminal, and no other processes than those",
    sh: "docker run -d --name $C busybox sleep 61 >/dev/null; docker run --rm -t --pid container:$C busybox sh -c 'tty; cat /proc/1/cmdline | tr \\\\0 .'",
    out: "/dev/pts/0\r\nsleep.61.",
  },
  {
    title: "--pid container:",
    sh: "docker run -d --name $C busybox sleep 61 >/dev/null; docker run --rm --pid container:$C busybox ps",
    out: /sleep 61/,
  },
  {
    title: "--ipc host",
    sh: 'docker run --rm --ipc host busybox readlink /proc/self/ns/ipc | grep -cF "$(readlink /proc/self/ns/ipc)"',
    out: "1\n",
  },
  {
    title: "--uts host",
    sh: 'docker run --rm --uts host busybox hostname | grep -cF "$(hostname)"',
    out: "1\n",
  },
  {
    title: "--cgroupns private is the default",
    sh: "docker run --rm --cgroupns private busybox sh -c 'cut -d: -f3 /proc/self/cgroup | sort -u'",
    out: "/\n",
  },
  {
    title: "--cgroupns host shows the place",
    sh: "docker run --rm --cgroupns host busybox cat /proc/self/cgroup",
    out: /\/[0-9a-f]{64}$/m,
  },
  { title: "--cidfile", sh: "docker run --rm --cidfile $T/id busybox true; wc -c <$T/id", out: "64\n" },
  {
    title: "--cidfile that exists is refused",
    sh: "touch $T/id; docker run --rm --cidfile $T/id busybox true",
    err: /ontainer ID file found/,
    code: 125,
  },
  {
    title: "--pull never of a missing image",
    sh: "docker run --rm --pull never nosuch true",
    err: /No such image: nosuch:latest/,
    code: 125,
  },
  {
    title: "--platform of this machine",
    sh: "docker run --rm --platform linux/amd64 busybox uname -m",
    out: "x86_64\n",
  },
  {
    title: "--platform of another is refused",
    sh: "docker run --rm --pull never --platform linux/arm64 busybox true",
    err: /platform/,
    code: 125,
  },
  {
    title: "-t gives a terminal",
    sh: "docker run --rm -t busybox sh -c 'tty; test -t 0 && test -t 1 && echo yes'",
    out: "/dev/pts/0\r\nyes\r\n",
  },
  {
    title: "-it works from a terminal",
    sh: "(sleep 0.5; echo word; sleep 2) | script -qec 'docker run --rm -it busybox sh -c \"read x; echo got \\$x\"' /dev/null",
    out: /got word\r\n/,
    needs: ["script"],
  },
  {
    title: "-it without a terminal is refused",
    sh: "docker run --rm -it busybox true",
    err: /the input device is not a TTY/,
    code: 1,
  },
  {
    title: "a flag behind the image is the container's",
    sh: "docker run --rm busybox echo --rm -it",
    out: "--rm -it\n",
  },
  {
    title: "flags may be joined",
    sh: "echo x | docker run --rm -ie A=5 busybox sh -c 'echo $A; cat'",
    out: "5\nx\n",
  },
  {
    title: "--sig-proxy passes a signal",
    sh: "docker run --name $C busybox sh -c 'trap \"echo got; exit 3\" TERM; echo ready; while :; do sleep 0.1; done' >$T/o & P=$!; while ! grep -q ready $T/o; do sleep 0.05; done; kill -TERM $P; wait $P; echo $?; tail -1 $T/o",
    out: "3\ngot\n",
  },
  {
    title: "-a stdout attaches only that",
    sh: "docker run --rm -a stdout busybox sh -c 'echo a; echo b >&2'",
    out: "a\n",
    err: "",
  },
  {
    title: "--dns and friends reach resolv.conf",
    sh: "docker run --rm --dns 9.9.9.9 --dns-search lan busybox cat /etc/resolv.conf",
    out: /nameserver 9\.9\.9\.9[^]*search lan|search lan[^]*nameserver 9\.9\.9\.9/,
  },
  {
    title: "--add-host reaches /etc/hosts",
    sh: "docker run --rm --add-host db:10.1.2.3 busybox grep -w db /etc/hosts",
    out: "10.1.2.3\tdb\n",
  },
  {
    title: "masks what docker masks",
    sh: "docker run --rm busybox sh -c 'cat /proc/kcore | wc -c; touch /proc/sys/kernel/panic; ls /sys/firmware'",
    out: "0\n",
    err: /Read-only file system/,
  },
  {
    title: "50 at once",
    sh: "for i in $(seq 50); do docker run --rm --network none busybox echo x & done | wc -l; wait",
    out: "50\n",
    timeoutMs: 60_000,
  },
]);
