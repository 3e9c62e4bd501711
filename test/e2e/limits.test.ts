/** What containers use, and changing what they may, through both command lines. */
import { cases } from "../support/cases.ts";

const RUNNING = "docker run -d --name $C -m 64m --memory-swap 64m busybox sleep 60 >/dev/null; ";

cases("stats", [
  {
    title: "stats --no-stream has docker's columns",
    sh: `${RUNNING}docker stats --no-stream $C`,
    out: /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS *\n[0-9a-f]{12} +c\d+ +\d+\.\d\d% +\S+iB \/ 64MiB +\d+\.\d\d% +\S+B \/ \S+B +\S+B \/ \S+B +1 *\n$/,
  },
  {
    title: "stats shows every running one, and with -a the others",
    sh: "docker run -d --name $C busybox sleep 60 >/dev/null; docker create --name $C-b busybox >/dev/null; docker stats --no-stream --format '{{.Name}} {{.PIDs}}'; docker stats -a --no-stream --format '{{.Name}} {{.PIDs}}' | wc -l",
    out: /^c\d+ 1\n2\n$/,
  },
  {
    title: "stats --format json is one object a line",
    sh: `${RUNNING}docker stats --no-stream --format json $C`,
    out: /^\{"BlockIO":"[^"]*","CPUPerc":"[^"]*","Container":"[^"]*","ID":"[0-9a-f]{12}","MemPerc":"[^"]*","MemUsage":"[^"]*","Name":"c\d+","NetIO":"[^"]*","PIDs":"1"\}\n$/,
    only: "berth", // Debian's client of 2020 takes json for a template
  },
  {
    title: "stats of a busy one shows its CPUs",
    sh: "docker run -d --name $C busybox sh -c 'while :; do :; done' >/dev/null; docker stats --no-stream --format '{{.CPUPerc}}' $C",
    out: /^[1-9]\d*\.\d\d%\n$/,
  },
  {
    title: "stats goes on until nobody reads it",
    sh: `${RUNNING}docker stats --format '{{.Name}} {{.PIDs}}' $C | grep -m 2 -o "$C 1"`,
    out: /^(c\d+) 1\n\1 1\n$/,
  },
  {
    title: "stats of one that is not there",
    sh: "docker stats --no-stream nobody",
    err: /No such container: nobody/,
    code: 1,
  },
]);

cases("update", [
  {
    title: "update prints the name, and inspect shows the limits",
    sh: `${RUNNING}docker update -m 128m --memory-swap 256m --cpus 0.5 --pids-limit 50 $C; docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}' $C`,
    out: /^c\d+\n134217728 268435456 500000000 50\n$/,
  },
  {
    title: "update of a running one counts at once",
    sh: `${RUNNING}docker update -m 128m --memory-swap 128m $C >/dev/null; docker stats --no-stream --format '{{.MemUsage}}' $C`,
    out: /\/ 128MiB\n$/,
  },
  {
    title: "update of a stopped one counts when it is started",
    sh: "docker create --name $C -m 64m busybox sleep 60 >/dev/null; docker update -m 96m $C >/dev/null; docker start $C >/dev/null; docker stats --no-stream --format '{{.MemUsage}}' $C",
    out: /\/ 96MiB\n$/,
  },
  {
    title: "update above the limit for memory and swap says what to do",
    sh: `${RUNNING}docker update -m 128m $C`,
    err: /Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time/,
    code: 1,
  },
  {
    title: "update that the machine cannot do changes nothing",
    sh: `${RUNNING}docker update --cpuset-cpus 4000 $C 2>/dev/null; docker inspect -f '[{{.HostConfig.CpusetCpus}}]' $C`,
    out: "[]\n",
  },
  {
    title: "update of several goes on behind one that is not there",
    sh: `${RUNNING}docker update --cpu-shares 512 nobody $C; docker inspect -f '{{.HostConfig.CpuShares}}' $C`,
    out: /^c\d+\n512\n$/,
    err: /No such container: nobody/,
  },
  {
    title: "update of nothing is a mistake",
    sh: `${RUNNING}docker update $C`,
    err: /[Yy]ou must provide one or more flags when using this command/,
    code: 1,
  },
]);
