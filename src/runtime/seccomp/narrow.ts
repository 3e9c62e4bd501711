/**
 * Arguments of which the kernel reads only the lower 32 bits. A filter sees all 64: whoever sets one above them would slip past
 * "not equal" and "greater than" (flatpak's CVE-2019-10063), so the upper half must never speak in favour of a call.
 */

/** Indices by name, from the kernel's prototypes (include/linux/syscalls.h: int, unsigned int). */
const NARROW: Readonly<Record<string, readonly number[]>> = {
  arch_prctl: [0],
  bpf: [0],
  fcntl: [0, 1],
  futex: [1],
  getsockopt: [0, 1, 2],
  ioctl: [0, 1],
  keyctl: [0],
  kill: [0, 1],
  madvise: [2],
  open: [1],
  openat: [0, 2],
  personality: [0],
  prctl: [0],
  quotactl: [0],
  seccomp: [0, 1],
  setns: [0, 1],
  setsockopt: [0, 1, 2],
  socket: [0, 1, 2],
  socketcall: [0],
  socketpair: [0, 1, 2],
  umount2: [1],
};

export function isNarrow(name: string, index: number): boolean {
  return NARROW[name]?.includes(index) === true;
}
