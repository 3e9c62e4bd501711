/** The life of a container after `run`, through both command lines. */
import { cases } from "../support/cases.ts";

const RUNNING = "docker run -d --name $C busybox sleep 60 >/dev/null; ";

/** Waits until the container has printed a word: `ready` where its traps are set. */
const printed = (word: string) => `until docker logs $C | grep -q ${word}; do sleep 0.05; done; `;

cases("create, start, stop", [
  {
    title: "create prints the id and starts nothing",
    sh: "docker create --name $C busybox true; docker inspect -f '{{.State.Status}}' $C",
    out: /^[0-9a-f]{64}\ncreated\n$/,
  },
  {
    title: "start prints the name",
    sh: "docker create --name $C busybox true >/dev/null; docker start $C; docker wait $C",
    out: /^c\d+\n0\n$/,
  },
  {
    title: "start -a shows the output and gives the exit code",
    sh: "docker create --name $C busybox sh -c 'echo hi; exit 4' >/dev/null; docker start -a $C",
    out: "hi\n",
    code: 4,
  },
  {
    title: "start -ai passes stdin",
    sh: "docker create -i --name $C busybox cat >/dev/null; echo text | docker start -ai $C",
    out: "text\n",
  },
  { title: "start of a running one changes nothing", sh: `${RUNNING}docker start $C`, out: /^c\d+\n$/ },
  {
    title: "a container can be started again",
    sh: "docker run --name $C busybox sh -c 'echo x >>/f; cat /f'; docker start -a $C",
    out: "x\nx\nx\n",
  },
  {
    title: "stop ends with SIGTERM",
    sh: `docker run -d --name $C busybox sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done' >/dev/null; ${printed("ready")}docker stop $C; docker inspect -f '{{.State.ExitCode}}' $C`,
    out: /^c\d+\n3\n$/,
  },
  {
    title: "stop -t 0 kills",
    sh: `${RUNNING}docker stop -t 0 $C; docker inspect -f '{{.State.ExitCode}} {{.State.Status}}' $C`,
    out: /^c\d+\n137 exited\n$/,
  },
  {
    title: "stop of a stopped one changes nothing",
    sh: "docker run --name $C busybox true; docker stop $C",
    out: /^c\d+\n$/,
  },
  { title: "kill sends SIGKILL", sh: `${RUNNING}docker kill $C; docker wait $C`, out: /^c\d+\n137\n$/ },
  {
    title: "kill -s by name and number",
    sh: `docker run -d --name $C busybox sh -c 'trap "echo usr1" USR1; trap "exit 6" HUP; echo ready; while :; do sleep 0.05; done' >/dev/null; ${printed("ready")}docker kill -s SIGUSR1 $C; ${printed("usr1")}docker kill -s 1 $C; docker wait $C; docker logs $C`,
    out: /^c\d+\nc\d+\n6\nready\nusr1\n$/,
  },
  {
    title: "kill with a signal that is none",
    sh: `${RUNNING}docker kill -s NONE $C`,
    err: /[Ii]nvalid signal: NONE/,
    code: 1,
  },
  {
    title: "restart gives a new process",
    sh: `${RUNNING}A=$(docker inspect -f '{{.State.Pid}}' $C); docker restart -t 0 $C; B=$(docker inspect -f '{{.State.Pid}}' $C); [ $A != $B ] && echo new`,
    out: /^c\d+\nnew\n$/,
  },
  {
    title: "rm removes",
    sh: "docker create --name $C busybox >/dev/null; docker rm $C; docker ps -aq",
    out: /^c\d+\n$/,
  },
  { title: "rm -f removes a running one", sh: `${RUNNING}docker rm -f $C; docker ps -aq`, out: /^c\d+\n$/ },
  {
    title: "rm of all",
    sh: "docker create busybox >/dev/null; docker create busybox >/dev/null; docker rm $(docker ps -aq) | wc -l; docker ps -aq",
    out: "2\n",
  },
  {
    title: "rm by a prefix of the id",
    sh: "ID=$(docker create busybox); docker rm $(echo $ID | cut -c1-5) >/dev/null; docker ps -aq",
    out: "",
  },
  {
    title: "rename",
    sh: "docker create --name $C busybox >/dev/null; docker rename $C $C-b; docker inspect -f '{{.Name}}' $C-b",
    out: /^\/c\d+-b\n$/,
  },
  {
    title: "pause stops the clock, unpause goes on",
    // It counts in a file: what it has printed may still be on its way to the log.
    sh: `touch $T/n; docker run -d --name $C -v $T/n:/n busybox sh -c 'while :; do echo x >>/n; sleep 0.05; done' >/dev/null; docker pause $C; docker inspect -f '{{.State.Status}}' $C; A=$(wc -l <$T/n); sleep 0.3; [ $A = $(wc -l <$T/n) ] && echo still; docker unpause $C; docker inspect -f '{{.State.Status}}' $C; until [ $(wc -l <$T/n) -gt $A ]; do sleep 0.05; done`,
    out: /^c\d+\npaused\nstill\nc\d+\nrunning\n$/,
  },
  {
    title: "a paused one can be killed and removed",
    sh: `${RUNNING}docker pause $C >/dev/null; docker rm -f $C >/dev/null; docker ps -aq`,
    out: "",
  },
  {
    title: "wait of several",
    sh: "docker run -d --name $C busybox sh -c 'exit 3' >/dev/null; docker run -d --name $C-b busybox sh -c 'exit 4' >/dev/null; docker wait $C $C-b",
    out: "3\n4\n",
  },
  {
    title: "container prune",
    sh: "docker create --label x=1 busybox >/dev/null; docker create busybox >/dev/null; docker container prune -f --filter label=x=1 | head -1; docker ps -aq | wc -l",
    out: "Deleted Containers:\n1\n",
  },
]);

cases("ps and inspect", [
  {
    title: "ps has docker's columns",
    sh: `${RUNNING}docker ps`,
    out: /^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES\n[0-9a-f]{12} +busybox +"sleep 60" +.* ago +Up .* +c\d+\n$/,
  },
  {
    title: "ps -a shows the ended",
    sh: "docker run --name $C busybox sh -c 'exit 5'; docker ps; docker ps -a",
    out: /NAMES\nCONTAINER[^\n]*NAMES\n[0-9a-f]{12}.*Exited \(5\) .* ago/,
    code: 0,
  },
  { title: "ps -q --no-trunc", sh: `${RUNNING}docker ps -q --no-trunc`, out: /^[0-9a-f]{64}\n$/ },
  {
    title: "ps --filter",
    sh: `${RUNNING}docker create --label k=v --name $C-b busybox >/dev/null; docker ps -a --filter label=k=v --format '{{.Names}}'; docker ps -a --filter status=running --format '{{.Names}}'; docker ps -a --filter name=$C-b --format '{{.State}}'; docker ps -a --filter ancestor=busybox -q | wc -l`,
    out: /^(c\d+)-b\n\1\ncreated\n2\n$/,
  },
  {
    title: "ps -n and -l",
    sh: "docker create --name $C busybox >/dev/null; docker create --name $C-b busybox >/dev/null; docker ps -l --format '{{.Names}}'; docker ps -n 2 --format '{{.Names}}'",
    out: /^(c\d+)-b\n\1-b\n\1\n$/,
  },
  {
    title: "ps --format json",
    sh: "docker create --name $C busybox >/dev/null; docker ps -a --format json",
    out: /^\{.*"Names":"c\d+".*\}\n$/,
  },
  {
    title: "ps -s shows the size",
    sh: "docker run --name $C busybox sh -c 'head -c 5000000 /dev/zero >/f'; docker ps -as --format '{{.Size}}'",
    out: /^5(\.\d+)?MB \(virtual .*\)\n$/,
  },
  {
    title: "inspect is JSON",
    sh: "docker create --name $C busybox a b >/dev/null; docker inspect $C",
    out: /^\[\n {4}\{\n {8}"Id": "[0-9a-f]{64}",/,
  },
  {
    title: "inspect -f",
    sh: "docker create --name $C -e A=1 busybox a b >/dev/null; docker inspect -f '{{.Path}} {{json .Args}} {{.Config.Image}} {{.HostConfig.NetworkMode}}' $C",
    out: /^a \["b"\] busybox (default|bridge)\n$/,
  },
  {
    title: "inspect of the state",
    sh: "docker run --name $C busybox sh -c 'exit 3'; docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Running}} {{.State.Pid}}' $C",
    out: "exited 3 false 0\n",
  },
  {
    title: "inspect of what is not there",
    sh: "docker inspect nosuch",
    out: "[]\n",
    err: /[Nn]o such object: nosuch/,
    code: 1,
  },
  {
    title: "container inspect of what is not there",
    sh: "docker container inspect nosuch",
    err: /No such container: nosuch/,
    code: 1,
  },
]);

cases("logs and attach", [
  {
    title: "logs gives both streams",
    sh: "docker run --name $C busybox sh -c 'echo a; echo b >&2' >/dev/null 2>&1; docker logs $C",
    out: "a\n",
    err: "b\n",
  },
  {
    title: "logs --tail",
    sh: "docker run --name $C busybox seq 5 >/dev/null; docker logs --tail 2 $C; docker logs -n 0 $C",
    out: "4\n5\n",
  },
  {
    title: "logs -t",
    sh: "docker run --name $C busybox echo a >/dev/null; docker logs -t $C",
    out: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z a\n$/,
  },
  {
    title: "logs -f follows to the end",
    sh: "docker run -d --name $C busybox sh -c 'for i in 1 2 3; do echo $i; sleep 0.1; done' >/dev/null; docker logs -f $C",
    out: "1\n2\n3\n",
  },
  {
    title: "logs --since and --until",
    sh: "docker run --name $C busybox echo a >/dev/null; docker logs --since 1h $C; docker logs --until 1h $C",
    out: "a\n",
  },
  {
    title: "logs of a line without an end",
    sh: "docker run --name $C busybox printf abc >/dev/null; docker logs $C",
    out: "abc",
  },
  {
    title: "logs of a very long line",
    sh: "docker run --name $C busybox sh -c 'head -c 100000 /dev/zero | tr \"\\0\" x; echo' >/dev/null; docker logs $C | wc -c",
    out: "100001\n",
  },

  {
    title: "attach sees what comes and gives the exit code",
    sh: "docker run -d -i --name $C busybox sh -c 'read x; echo got $x; exit 3' >/dev/null; echo word | docker attach $C",
    out: "got word\n",
    code: 3,
  },
  {
    title: "attach --no-stdin",
    sh: "docker run -d --name $C busybox sh -c 'until [ -e /go ]; do echo .; sleep 0.05; done; echo x' >/dev/null; docker attach --no-stdin $C >$T/o & until [ -s $T/o ]; do sleep 0.05; done; docker exec $C touch /go; wait $!; tail -n 1 $T/o",
    out: "x\n",
  },
  {
    title: "attach to a stopped one is refused",
    sh: "docker create --name $C busybox >/dev/null; docker attach $C",
    err: /You cannot attach to a stopped container, start it first/,
    code: 1,
  },
  {
    title: "detach keys leave it running",
    // Output comes when the terminal passes every key on: before that it would keep ctrl-q to itself.
    sh: "docker run -d -it --name $C busybox sh -c 'while :; do echo .; sleep 0.05; done' >/dev/null; (until [ -s $T/o ]; do sleep 0.05; done; printf '\\020\\021') | script -qec 'docker attach $C' /dev/null >$T/o; docker inspect -f '{{.State.Status}}' $C",
    out: "running\n",
    needs: ["script"],
  },
  {
    title: "--log-driver none keeps nothing",
    sh: "docker run --name $C --log-driver none busybox echo a; docker logs $C",
    out: "a\n",
    err: /configured logging driver does not support reading/,
    code: 1,
  },
]);

cases("exec", [
  { title: "runs beside the command", sh: `${RUNNING}docker exec $C echo hi`, out: "hi\n" },
  { title: "gives the exit code", sh: `${RUNNING}docker exec $C sh -c 'exit 8'`, code: 8 },
  {
    title: "keeps the streams apart",
    sh: `${RUNNING}docker exec $C sh -c 'echo a; echo b >&2'`,
    out: "a\n",
    err: "b\n",
  },
  { title: "-i passes stdin", sh: `${RUNNING}echo text | docker exec -i $C cat`, out: "text\n" },
  {
    title: "-e, -w and -u",
    sh: `${RUNNING}docker exec -e A=1 -w /tmp -u 5:6 $C sh -c 'echo $A; pwd; id -u; id -g'`,
    out: "1\n/tmp\n5\n6\n",
  },
  {
    title: "has the container's environment",
    sh: "docker run -d -e A=image --name $C busybox sleep 60 >/dev/null; docker exec $C sh -c 'echo $A'",
    out: "image\n",
  },
  {
    title: "-d goes on alone",
    sh: `${RUNNING}docker exec -d $C touch /made; until docker exec $C ls /made 2>/dev/null; do sleep 0.05; done`,
    out: "/made\n",
  },
  { title: "-t gives a terminal", sh: `${RUNNING}docker exec -t $C tty`, out: "/dev/pts/0\r\n" },
  { title: "is in the same namespaces", sh: `${RUNNING}docker exec $C ps`, out: /1 root .*sleep 60/ },
  {
    title: "is in the same cgroup",
    sh: "docker run -d --cgroupns host --name $C busybox sleep 60 >/dev/null; docker exec $C cat /proc/self/cgroup >$T/a; docker exec $C cat /proc/1/cgroup >$T/b; cmp $T/a $T/b && echo same",
    out: "same\n",
  },
  {
    title: "has the container's capabilities and filter",
    sh: `${RUNNING}docker exec $C grep -E 'CapEff|Seccomp:' /proc/self/status`,
    out: "CapEff:\t00000000a80425fb\nSeccomp:\t2\n",
  },
  {
    title: "--privileged has more",
    sh: `${RUNNING}docker exec --privileged $C grep CapEff /proc/self/status | grep -vc a80425fb`,
    out: "1\n",
  },
  {
    title: "of a command that is not there",
    sh: `${RUNNING}docker exec $C nosuch`,
    out: /nosuch/,
    code: 127,
  },
  {
    title: "of a file that is not executable",
    sh: `${RUNNING}docker exec $C /etc/not-executable`,
    out: /permission denied/i,
    code: 126,
  },
  {
    title: "in a stopped one is refused",
    sh: "docker create --name $C busybox >/dev/null; docker exec $C true",
    err: /is not running/,
    code: 1,
  },
  {
    title: "in a paused one is refused",
    sh: `${RUNNING}docker pause $C >/dev/null; docker exec $C true`,
    err: /is paused/,
    code: 1,
  },
  {
    title: "ends with the container",
    sh: "docker run -d --name $C busybox sh -c 'until [ -e /in ]; do sleep 0.05; done' >/dev/null; docker exec $C sh -c 'touch /in; exec sleep 60'",
    code: 137,
  },
]);

cases("top, cp, diff, export", [
  {
    title: "top",
    sh: `${RUNNING}docker top $C`,
    out: /^UID +PID +PPID +C +STIME +TTY +TIME +CMD\nroot +\d+ .* sleep 60\n$/,
  },
  {
    title: "top with ps's options",
    sh: `${RUNNING}docker top $C -o pid,comm`,
    out: /^PID +COMMAND\n\d+ +sleep\n$/,
  },
  {
    title: "cp into and out of a running one",
    sh: `${RUNNING}echo x >$T/a; docker cp -q $T/a $C:/tmp/b && docker exec $C cat /tmp/b && docker cp -q $C:/tmp/b $T/c && cat $T/c`,
    out: "x\nx\n",
  },
  {
    title: "cp into and out of a stopped one",
    sh: "docker create --name $C busybox cat /root/a >/dev/null; echo x >$T/a; docker cp -q $T/a $C:/root/; docker start -a $C; docker cp -q $C:/root/a -  | tar -xO",
    out: "x\nx\n",
  },
  {
    title: "cp of a directory keeps modes and links",
    sh: "docker create --name $C busybox ls -l /d >/dev/null; mkdir $T/d; echo 1 >$T/d/f; chmod 640 $T/d/f; ln -s f $T/d/l; docker cp -q $T/d $C:/; docker start -a $C",
    out: /-rw-r----- .* f\nlrwxrwxrwx .* l -> f\n$/,
  },
  {
    title: "cp from what is not there",
    sh: "docker create --name $C busybox >/dev/null; docker cp $C:/nosuch $T",
    err: /Could not find the file \/nosuch in container c\d+/,
    code: 1,
  },
  {
    title: "cp cannot leave by a link",
    sh: "docker create --name $C busybox >/dev/null; ln -s /../../../../etc $T/l; docker cp -q $T/l $C:/l; docker cp -q $C:/l/shadow $T/x 2>&1 | grep -c 'Could not find'; ls $T/x 2>/dev/null",
    out: "1\n",
    code: 2,
  },
  {
    title: "diff",
    sh: "docker run --name $C busybox sh -c 'echo x >/new; rm /etc/group; chmod 700 /root'; docker diff $C | sort",
    out: "A /new\nC /etc\nC /root\nD /etc/group\n",
  },
  {
    title: "export is a tar of everything",
    sh: "docker run --name $C busybox sh -c 'echo x >/new'; docker export $C | tar -t | grep -E '^(new|etc/passwd)$' | sort",
    out: "etc/passwd\nnew\n",
  },
  {
    title: "export -o",
    sh: "docker create --name $C busybox >/dev/null; docker export -o $T/x.tar $C; tar -xOf $T/x.tar etc/passwd | head -1",
    out: /^root:/,
  },
  {
    title: "export and import again",
    sh: "docker run --name $C busybox sh -c 'echo kept >/new'; docker export $C | docker import - $I >/dev/null; docker run --rm $I cat /new",
    out: "kept\n",
  },
]);

cases("system", [
  {
    title: "version",
    sh: "docker version --format '{{.Server.APIVersion}} {{.Server.Os}}'",
    out: "1.50 linux\n",
  },
  {
    title: "info",
    sh: "docker info --format '{{.OSType}} {{.Driver}} {{.Images}}'",
    out: "linux overlay2 1\n",
  },
  {
    title: "info counts",
    sh: `${RUNNING}docker info --format '{{.Containers}} {{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}}'`,
    out: "1 1 0 0\n",
  },
  {
    title: "events tells a life",
    sh: "S=$(($(date +%s)-1)); docker run --rm --name $C busybox true; docker events --since $S --until $(($(date +%s)+1)) --filter container=$C --format '{{.Action}}'",
    out: /^create\nattach\n(connect\n)?start\ndie\n(disconnect\n)?destroy\n$/,
  },
  {
    title: "events has docker's words",
    sh: "S=$(($(date +%s)-1)); docker create --name $C busybox >/dev/null; docker events --since $S --until $(($(date +%s)+1)) --filter container=$C --filter event=create",
    out: /^\d{4}-.* container create [0-9a-f]{64} \(image=busybox, name=c\d+\)\n$/,
  },
]);
