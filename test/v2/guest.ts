/**
 * A small machine with cgroup version 2 alone: the kernel and busybox of this machine, the executable under test, crun, and the
 * libraries that they ask for, on a disk of its own. It performs pieces of shell, tells how each ended, and switches itself off.
 */
import { chmod, cp, mkdir, readdir, readFile, symlink } from "node:fs/promises";
import { command, output, PATH } from "../support/command.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Guest {
  /** One for each piece that was performed, in their order. */
  readonly outcomes: readonly Outcome[];
  /** What the kernel and the guest's init have said. */
  readonly console: string;
}

const TOP = `${import.meta.dir}/../..`;
const KERNELS = `${TOP}/dist/guest-kernel/root`;
const MODULES = "/lib/modules";
const PIECE_SECONDS = 60;
/** All that containers may need, for the kernel to load by itself; and what it takes to see the disk. */
const MODULE_PLACES = ["net", "lib", "crypto", "fs/overlayfs", "drivers/net/veth.ko", "drivers/virtio"];
const DISK_DRIVERS = [
  "drivers/virtio/virtio_ring",
  "drivers/virtio/virtio",
  "drivers/virtio/virtio_pci_legacy_dev",
  "drivers/virtio/virtio_pci_modern_dev",
  "drivers/virtio/virtio_pci",
  "drivers/block/virtio_blk",
];

/** Version of the kernel that tools/guest-kernel has unpacked. */
export async function findKernel(): Promise<string | undefined> {
  const versions = await readdir(KERNELS + MODULES).catch(() => []);
  return (await Bun.file(`${KERNELS}/../complete`).exists()) ? versions[0] : undefined;
}

function driver(version: string, name: string): string {
  return `${KERNELS}${MODULES}/${version}/kernel/${name}.ko`;
}

export interface GuestOptions {
  /** A directory of the caller's own. */
  readonly place: string;
  readonly kernel: string;
  readonly berth: string;
  readonly pieces: readonly Piece[];
  readonly timeoutMs: number;
}

/** Shell for the guest's busybox, and how long it may take there. */
export interface Piece {
  readonly sh: string;
  /** 60 when it is not named. */
  readonly seconds?: number;
}

/** Runs the guest until it is off or the time is over; what it has told by then is told. */
export async function runGuest({ place, kernel, berth, pieces, timeoutMs }: GuestOptions): Promise<Guest> {
  await makeFirstRoot(`${place}/first`, kernel);
  await makeRoot(`${place}/root`, { kernel, berth, pieces });
  await output(["mke2fs", "-q", "-t", "ext4", "-d", `${place}/root`, `${place}/disk`, "1G"], {
    timeoutMs: 60_000,
  });
  const results = `${place}/results`;
  const { stdout } = await command(machine(place, kernel, results), { timeoutMs });
  return { outcomes: parseResults(await readFile(results, "utf8").catch(() => "")), console: stdout };
}

/** Emulated: it must also run where there is no KVM, or where a kernel may not be started under it. */
function machine(place: string, kernel: string, results: string): string[] {
  const words = "console=ttyS0 quiet panic=-1 cgroup_no_v1=all root=/dev/vda";
  const lines = [
    "qemu-system-x86_64 -M q35,accel=tcg -cpu max -smp 2 -m 1536 -nic none -no-reboot",
    "-display none -monitor none -serial stdio -serial",
    `file:${results} -drive file=${place}/disk,format=raw,if=virtio,cache=unsafe`,
    `-kernel ${KERNELS}/boot/vmlinuz-${kernel} -initrd ${place}/first.cpio`,
  ];
  return [...lines.join(" ").split(" "), "-append", words];
}

/** The first root, in memory: drivers, then the disk. */
async function makeFirstRoot(root: string, kernel: string): Promise<void> {
  await addBusybox(root);
  for (const name of DISK_DRIVERS)
    await cp(driver(kernel, name), `${root}/drivers/${name.split("/").at(-1)}.ko`);
  const names = DISK_DRIVERS.map((name) => `/drivers/${name.split("/").at(-1)}.ko`);
  await addScript(
    `${root}/init`,
    `
    mount -t devtmpfs dev /dev
    for driver in ${names.join(" ")}; do insmod $driver || poweroff -f; done
    until [ -b /dev/vda ]; do sleep 0.1; done
    mount -t ext4 /dev/vda /root
    mount --move /dev /root/dev
    exec switch_root /root /init`,
  );
  await output(["sh", "-c", `find . | busybox cpio -o -H newc >${root}.cpio`], { cwd: root });
}

async function makeRoot(
  root: string,
  { kernel, berth, pieces }: Pick<GuestOptions, "kernel" | "berth" | "pieces">,
): Promise<void> {
  await addBusybox(root);
  await addExecutable(root, "berth", berth);
  await addExecutable(root, "crun", Bun.which("crun", { PATH }) ?? "crun");
  await addSources(root);
  await addModules(root, kernel);
  await mkdir(`${root}/pieces`);
  const width = String(pieces.length).length;
  for (const [index, { sh, seconds = PIECE_SECONDS }] of pieces.entries())
    await Bun.write(`${root}/pieces/${String(index).padStart(width, "0")}-${seconds}`, sh);
  await Bun.write(`${root}/etc/passwd`, "root:x:0:0:root:/root:/bin/sh\n");
  await Bun.write(`${root}/etc/group`, "root:x:0:\n");
  await Bun.write(`${root}/etc/resolv.conf`, "");
  await addScript(`${root}/init`, INIT);
}

/** Second serial line: one line for each piece. A number, the exit code, both outputs in base64. */
const INIT = `
    export PATH=/bin HOME=/root
    mount -t proc proc /proc
    mount -t sysfs sysfs /sys
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mount -t tmpfs tmpfs /run
    mount -t tmpfs tmpfs /tmp
    mkdir -p /dev/pts /dev/shm
    mount -t devpts devpts /dev/pts
    mount -t tmpfs tmpfs /dev/shm
    ip link set lo up
    hostname guest
    stty -F /dev/ttyS1 raw
    echo 1 >/proc/sys/net/ipv4/ip_forward
    cd /
    for piece in /pieces/*; do
      timeout -s KILL ${"$"}{piece##*-} sh $piece </dev/null >/tmp/out 2>/tmp/err
      code=$?
      echo "${"$"}{piece##*/} $code $(base64 -w 0 /tmp/out). $(base64 -w 0 /tmp/err)." >/dev/ttyS1
      echo "${"$"}{piece##*/} $code $(cut -d . -f 1 /proc/uptime) s"
    done
    sync
    poweroff -f`;

/** busybox as every command, and the directories that a system has. */
async function addBusybox(root: string): Promise<void> {
  for (const name of ["bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "var/lib", "drivers"])
    await mkdir(`${root}/${name}`, { recursive: true });
  await symlink("bin", `${root}/sbin`);
  const busybox = Bun.which("busybox", { PATH }) ?? "busybox";
  await cp(busybox, `${root}/bin/busybox`);
  const applets = await output([busybox, "--list"]);
  for (const name of applets.split("\n").filter((line) => line !== "" && line !== "busybox"))
    await symlink("busybox", `${root}/bin/${name}`);
}

/** With the libraries that it is linked with, where it looks for them. */
async function addExecutable(root: string, name: string, path: string): Promise<void> {
  await cp(path, `${root}/bin/${name}`);
  const libraries = (await output(["ldd", path])).matchAll(/(\/\S+) \(0x/g);
  for (const [, library = ""] of libraries) await cp(library, root + library, { dereference: true });
}

/** The checkout as far as the tests of the core need it, at /berth, and the bun that runs them. */
async function addSources(root: string): Promise<void> {
  await cp(process.execPath, `${root}/bin/bun`);
  for (const name of [
    "src",
    "test",
    "dist/native",
    "package.json",
    "node_modules/fast-check",
    "node_modules/pure-rand",
  ])
    await cp(`${TOP}/${name}`, `${root}/berth/${name}`, { recursive: true });
}

/** The index names modules that are not there; nobody asks for those. */
async function addModules(root: string, kernel: string): Promise<void> {
  const place = `${MODULES}/${kernel}`;
  const source = KERNELS + place;
  for (const name of MODULE_PLACES)
    await cp(`${source}/kernel/${name}`, `${root}${place}/kernel/${name}`, { recursive: true });
  for (const name of (await readdir(source)).filter((entry) => /^modules\.[a-z]+$/.test(entry)))
    await cp(`${source}/${name}`, `${root}${place}/${name}`);
}

async function addScript(path: string, text: string): Promise<void> {
  await Bun.write(path, `#!/bin/sh${text.replaceAll(/^ {4}/gm, "")}\n`);
  await chmod(path, 0o755);
}

function parseResults(text: string): Outcome[] {
  const lines = text.matchAll(/^[\d-]+ (\d+) (\S*)\. (\S*)\.\s*$/gm);
  const decode = (data = ""): string => Buffer.from(data, "base64").toString();
  return [...lines].map(([, code, out, err]) => ({
    code: Number(code),
    stdout: decode(out),
    stderr: decode(err),
  }));
}
