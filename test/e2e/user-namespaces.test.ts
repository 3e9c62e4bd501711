/** User namespaces through both command lines: docker's knows `host` alone, the rest is the engine's default. */
import { cases } from "../support/cases.ts";

const MAP = "cat /proc/self/uid_map";

cases(
  "an engine that gives every container a user namespace",
  [
    {
      title: "root inside is another id outside",
      sh: `docker run --name $C -d busybox sleep 300 >/dev/null; grep ^Uid: /proc/$(docker inspect -f '{{.State.Pid}}' $C)/status; docker exec $C id -u`,
      out: /^Uid:\t(?!0\b)\d{6,}\t.*\n0\n$/,
    },
    {
      title: "--userns host is the host's",
      sh: `docker run --rm --userns host busybox ${MAP}`,
      out: /^ +0 +0 4294967295\n$/,
    },
    {
      title: "privileged takes --userns host",
      sh: "docker run --rm --privileged busybox true",
      code: 125,
      err: /privileged mode is incompatible with user namespaces\. {2}You must run the container in the host namespace when running privileged mode/,
    },
    { title: "and with it works", sh: "docker run --rm --privileged --userns host busybox true" },
    {
      title: "the host's network and processes take it, too",
      sh: "! docker run --rm --network host busybox true && ! docker run --rm --pid host busybox true",
      err: /cannot share the host's network namespace when user namespaces are enabled[^]*cannot share the host PID namespace when user namespaces are enabled/,
    },
    {
      title: "what a container writes is read with the ids that it knows",
      sh: `docker run --name $C busybox sh -c 'echo new >/new; chown 7:8 /new; rm /etc/group' && docker diff $C
        docker export $C | tar -tv --numeric-owner -f - new; docker cp $C:/new - | tar -tv --numeric-owner`,
      out: /A \/new\n[^]*7\/8 [^]*7\/8 /,
    },
    {
      title: "cp into one that runs keeps owners as they are inside, and leads out the same",
      sh: `docker run -d --name $C busybox sleep 300 >/dev/null; echo in >$T/in; chown 1000:1001 $T/in
        docker cp -a $T/in $C:/tmp/in && docker exec $C stat -c %u:%g /tmp/in && docker cp $C:/tmp/in - | tar -tv --numeric-owner`,
      out: /^1000:1001\n.*1000\/1001 /,
    },
    {
      title: "cp into one that is stopped is the same",
      sh: `docker create --name $C busybox stat -c %u:%g /tmp/in >/dev/null; echo in >$T/in; chown 1000:1001 $T/in
        docker cp -a $T/in $C:/tmp/in && docker start -a $C`,
      out: "1000:1001\n",
    },
    {
      title: "a terminal, standard streams and logs are the user's",
      sh: `docker run --name $C -t -u 1000 busybox sh -c 'tty; stat -c %u $(tty)' && docker logs $C
        docker run --rm -u 1000 busybox sh -c 'echo again >/dev/stdout'`,
      out: "/dev/pts/0\r\n1000\r\n/dev/pts/0\r\n1000\r\nagain\n",
    },
    {
      title: "a container that shares another's network shares its user namespace",
      sh: `docker run -d --name $C busybox sleep 300 >/dev/null; docker exec $C readlink /proc/self/ns/user >$T/first
        docker run --rm --network container:$C busybox sh -c 'readlink /proc/self/ns/user; ip link show eth0 >/dev/null; id -u' >$T/second
        echo 0 | cat $T/first - | cmp - $T/second`,
      out: "",
    },
    {
      title: "shared memory can be shared",
      sh: `docker run -d --name $C --ipc shareable busybox sleep 300 >/dev/null
        docker run --rm --ipc container:$C busybox sh -c 'echo x >/dev/shm/x; stat -c %u /dev/shm /dev/shm/x'`,
      out: "0\n0\n",
    },
    {
      title: "its own sysctls can be set, the host's cannot",
      sh: `docker run --rm --sysctl net.ipv4.ip_forward=1 --sysctl kernel.shmmax=4096 busybox cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax`,
      out: "1\n4096\n",
    },
    {
      title: "limits and the OOM score are what is asked",
      sh: `docker run --rm --ulimit nofile=100:200 --oom-score-adj 300 busybox sh -c 'ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj'`,
      out: "100\n200\n300\n",
    },
    {
      title: "info says so",
      sh: "docker info -f '{{json .SecurityOptions}}'",
      out: /"name=userns"/,
    },
  ],
  { arguments: ["--userns", "private"] },
);

cases("a user namespace for one container", [
  {
    title: "auto gives each container a range of its own",
    only: "berth",
    sh: `docker run -d --name $C --userns auto busybox sleep 300 >/dev/null; docker exec $C ${MAP}; docker run --rm --userns auto busybox ${MAP}`,
    out: /^ +0 +(\d+) +65536\n +0 +(?!\1)\d+ +65536\n$/,
  },
  {
    title: "its size can be chosen",
    only: "berth",
    sh: `docker run --rm --userns auto:size=1000 busybox ${MAP}`,
    out: / 1000\n$/,
  },
  {
    title: "containers with private have the same ids",
    only: "berth",
    sh: `docker run --rm --userns private busybox ${MAP} >$T/1; docker run --rm --userns private busybox ${MAP} | cmp - $T/1`,
    out: "",
  },
  {
    title: "inspect names the mode and the ids",
    only: "berth",
    sh: `docker create --name $C --userns auto busybox >/dev/null; docker inspect -f '{{.HostConfig.UsernsMode}} {{json .HostConfig.IDMappings}}' $C`,
    out: /^auto \{"UidMap":\["0:\d+:65536"\],"GidMap":\["0:\d+:65536"\]\}\n$/,
  },
  {
    title: "files of a bind are the host's, or with idmap the container's",
    only: "berth",
    sh: `mkdir $T/b; echo host >$T/b/file; chmod 600 $T/b/file
      docker run --rm --userns auto -v $T/b:/plain -v $T/b:/mapped:idmap busybox sh -c 'stat -c %u /plain/file /mapped/file; cat /plain/file; cat /mapped/file; echo new >/mapped/new'
      stat -c %u $T/b/new`,
    out: "65534\n0\nhost\n0\n",
    err: /can't open '\/plain\/file': Permission denied/,
  },
  {
    title: "idmap takes one",
    only: "berth",
    sh: "docker run --rm -v $T:/x:idmap busybox true",
    code: 125,
    err: /the bind on \/x has the option idmap, which takes a user namespace: add --userns auto/,
  },
  {
    title: "what podman has besides is refused by name",
    only: "berth",
    sh: "docker run --rm --userns keep-id busybox true",
    code: 125,
    err: /berth does not support "keep-id"; auto, private and host work/,
  },
  {
    title: "--explain shows what is prepared, and takes no range",
    only: "berth",
    sh: `docker run --explain --userns auto busybox true | grep -c 'user-namespace\\|overlay\\|join-user\\|become-root'
      docker run --explain=sh --userns auto busybox true`,
    code: 125,
    out: /^4\n/,
    err: /can neither map the ids of a mount/,
  },
  {
    title: "who shares a network of the host's user namespace cannot be in another",
    only: "berth",
    sh: "docker run -d --name $C busybox sleep 300 >/dev/null; docker run --rm --userns auto --network container:$C busybox true",
    code: 125,
    err: /is in the host's user namespace: who shares its namespaces is in the same/,
  },
]);
