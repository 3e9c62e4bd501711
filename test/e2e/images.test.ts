/** Images without a registry, through both command lines. */
import { cases } from "../support/cases.ts";

const MAKE = "mkdir $T/r; echo x >$T/r/f; tar -C $T/r -cf $T/r.tar .; ";

cases("images", [
  {
    title: "import of a file",
    sh: `${MAKE}docker import $T/r.tar $I:1; docker images --format '{{.Repository}}:{{.Tag}}' | grep $I`,
    out: /^sha256:[0-9a-f]{64}\ni\d+:1\n$/,
  },
  {
    title: "import of stdin with changes and a message",
    sh: `${MAKE}docker import -c 'ENV A=1' -c 'CMD ["/f"]' -c 'WORKDIR /w' -c 'USER 5' -m words - $I <$T/r.tar >/dev/null; docker image inspect -f '{{.Config.Env}} {{.Config.Cmd}} {{.Config.WorkingDir}} {{.Config.User}} {{.Comment}}' $I`,
    out: "[A=1] [/f] /w 5 words\n",
  },
  {
    title: "import --platform",
    sh: `${MAKE}docker import --platform linux/arm64 $T/r.tar $I >/dev/null; docker image inspect -f '{{.Architecture}}' $I`,
    out: "arm64\n",
  },
  {
    title: "import of gzip",
    sh: `${MAKE}gzip $T/r.tar; docker import $T/r.tar.gz $I >/dev/null; docker create --name $C $I x >/dev/null; docker export $C | tar -xO ./f 2>/dev/null || docker export $C | tar -xO f`,
    out: "x\n",
  },
  {
    title: "save and load give the same image",
    sh: "A=$(docker image inspect -f '{{.Id}}' busybox); docker tag busybox $I:a; docker save $I:a >$T/s.tar; docker rmi $I:a >/dev/null; docker load -i $T/s.tar; [ $A = $(docker image inspect -f '{{.Id}}' $I:a) ] && echo same",
    out: /^Loaded image: i\d+:a\nsame\n$/,
  },
  {
    title: "save of several, load from gzip",
    sh: `${MAKE}docker import $T/r.tar $I:a >/dev/null; docker tag busybox $I:b; docker save $I:a $I:b | gzip >$T/s.gz; docker rmi $I:a $I:b >/dev/null; docker load -q <$T/s.gz`,
    out: /Loaded image: i\d+:a\n/,
  },
  {
    title: "save -o, and skopeo reads it",
    sh: "docker save -o $T/s.tar busybox; skopeo inspect --raw docker-archive:$T/s.tar >/dev/null && echo read; tar -tf $T/s.tar | grep -cE '^(manifest.json|oci-layout|index.json)$'",
    out: "read\n3\n",
    needs: ["skopeo"],
  },
  {
    title: "what skopeo copied as OCI layout loads",
    sh: `docker save -o $T/s.tar busybox; skopeo --insecure-policy copy -q docker-archive:$T/s.tar oci:$T/oci:$I:x; tar -C $T/oci -cf $T/oci.tar .; docker load -q -i $T/oci.tar`,
    out: /^Loaded image/,
    needs: ["skopeo"],
  },
  {
    title: "tag gives another name",
    sh: "docker tag busybox $I:x; [ \"$(docker image inspect -f '{{.Id}}' $I:x)\" = \"$(docker image inspect -f '{{.Id}}' busybox)\" ] && echo same",
    out: "same\n",
  },
  {
    title: "tag with a bad name",
    sh: "docker tag busybox Bad",
    err: /invalid reference format|repository name must be lowercase/,
    code: 1,
  },
  {
    title: "rmi of one of two names",
    sh: "docker tag busybox $I:x; docker rmi $I:x; docker images -q busybox | wc -l",
    out: /^Untagged: i\d+:x\n1\n$/,
  },
  {
    title: "rmi of the last name deletes",
    sh: `${MAKE}docker import $T/r.tar $I >/dev/null; docker rmi $I`,
    out: /^Untagged: i\d+:latest\nDeleted: sha256:[0-9a-f]{64}\n/,
  },
  {
    title: "rmi of an image in use is refused",
    sh: `${MAKE}docker import $T/r.tar $I >/dev/null; docker create --name $C $I x >/dev/null; docker rmi $I`,
    err: /conflict: unable to (remove repository reference|delete).*container/,
    code: 1,
  },
  {
    title: "images has docker's columns",
    sh: "docker images busybox",
    out: /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\nbusybox +latest +[0-9a-f]{12} +.* ago +[\d.]+MB\n$/,
  },
  {
    title: "images -q --no-trunc",
    sh: "docker images -q --no-trunc busybox",
    out: /^sha256:[0-9a-f]{64}\n$/,
  },
  {
    title: "images --filter",
    sh: `${MAKE}docker import -c 'LABEL a=b' $T/r.tar $I >/dev/null; docker images --filter label=a=b --format '{{.Repository}}'; docker images --filter reference='busy*' --format '{{.Repository}}'`,
    out: /^i\d+\nbusybox\n$/,
  },
  {
    title: "an image that loses its name is dangling",
    sh: `${MAKE}docker import $T/r.tar $I >/dev/null; docker tag busybox $I; docker images --filter dangling=true --format '{{.Repository}}:{{.Tag}}'; docker image prune -f | head -1; docker images -q --filter dangling=true`,
    out: "<none>:<none>\nDeleted Images:\n",
  },
  {
    title: "images --digests",
    sh: "docker images --digests busybox",
    out: /^REPOSITORY +TAG +DIGEST +IMAGE ID/,
  },
  { title: "image inspect", sh: "docker image inspect busybox", out: /^\[\n {4}\{\n {8}"Id": "sha256:/ },
  {
    title: "image inspect of what is not there",
    sh: "docker image inspect nosuch",
    out: "[]\n",
    err: /[Nn]o such image: nosuch/,
    code: 1,
  },
  { title: "history", sh: "docker history busybox", out: /^IMAGE +CREATED +CREATED BY +SIZE +COMMENT\n/ },
  {
    title: "history --format",
    sh: "docker history --format '{{.Comment}}' busybox",
    out: /^Imported from -\n$/,
  },
  {
    title: "an id prefix names an image",
    sh: "docker run --rm $(docker images -q busybox) echo x",
    out: "x\n",
  },
  {
    title: "layers are shared between containers and never written",
    sh: "docker run --rm busybox sh -c 'echo bad >/etc/passwd'; docker run --rm busybox head -1 /etc/passwd",
    out: "root:x:0:0:root:/root:/bin/sh\n",
  },
]);
