/** What of the host's mounts a bind hears, and what the host hears of its: through both command lines. */
import { type Case, cases } from "../support/cases.ts";

/** A shared mount with another one below, gone when the shell ends, and a container that mounts in it and waits. */
const shared = `mkdir $T/s; mount -t tmpfs $C $T/s; mount --make-shared $T/s; mkdir $T/s/here $T/s/there $T/s/below
mount -t tmpfs below $T/s/below; trap 'docker rm -f $C >/dev/null 2>&1; umount -R $T/s' EXIT
`;
const both = (flag: string) => `${shared}
docker run -d --name $C --cap-add SYS_ADMIN --security-opt apparmor=unconfined ${flag} busybox sh -c 'mount -t tmpfs in /b/there && touch /b/there/x; sleep 60' >/dev/null
until docker exec $C test -e /b/there/x; do :; done
mount -t tmpfs late $T/s/here && touch $T/s/here/x
docker exec $C test -e /b/here/x && echo hears; test -e $T/s/there/x && echo heard; true`;

const heard: readonly (readonly [flag: string, out: string])[] = [
  ["-v $T/s:/b:shared", "hears\nheard\n"],
  ["-v $T/s:/b:rshared", "hears\nheard\n"],
  ["-v $T/s:/b:slave", "hears\n"],
  ["--mount type=bind,source=$T/s,target=/b,bind-propagation=rslave", "hears\n"],
  ["--mount type=bind,source=$T/s,target=/b,bind-propagation=rshared", "hears\nheard\n"],
  ["-v $T/s:/b", ""],
  ["-v $T/s:/b:private", ""],
];

const refused = (flag: string, what: string): Case => ({
  title: `${flag} of what is not ${what} is refused`,
  sh: `mkdir $T/s; mount -t tmpfs $C $T/s; mount --make-private $T/s; docker run --rm ${flag} busybox true; code=$?; umount $T/s; exit $code`,
  err: new RegExp(`path \\S+/s is mounted on \\S+/s but it is not a ${what} mount`),
  code: 125,
});

const readOnly = (flag: string, out: string, only?: "berth"): Case => ({
  title: `a read-only bind with ${flag} is ${out.replaceAll("\n", ", ")} what is mounted below`,
  sh: `${shared}
docker run --rm --mount type=bind,source=$T/s,target=/b,readonly,${flag} busybox sh -c 'touch /b/x 2>/dev/null && echo writable; touch /b/below/x 2>/dev/null && echo writable below; grep -c " /b/below " /proc/mounts'`,
  out: `${out}\n`,
  ...(only === undefined ? {} : { only }),
  code: out.endsWith("0") ? 1 : 0,
});

cases("propagation", [
  ...heard.map(([flag, out]): Case => ({
    title: `a bind with ${flag} of a shared mount: ${out.replaceAll("\n", " ") || "neither"}`,
    sh: both(flag),
    out,
  })),
  refused("-v $T/s:/b:shared", "shared"),
  refused("-v $T/s:/b:rslave", "shared or slave"),
  readOnly("bind-propagation=rprivate", "1"),
  readOnly("bind-nonrecursive", "0"),
  // The command lines of docker know these since version 25.
  readOnly("bind-recursive=enabled", "1", "berth"),
  readOnly("bind-recursive=disabled", "0", "berth"),
  readOnly("bind-recursive=writable", "writable below\n1", "berth"),
  readOnly("bind-recursive=readonly,bind-propagation=rprivate", "1", "berth"),
]);
