/** For the crash tests: ends this process, as kill -9 would, at the n-th step that changes something outside of it. */

let remaining = 0;

/** The process kills itself at the `steps`-th call of step() from now. 0: never. */
export function crashAfter(steps: number): void {
  remaining = steps;
}

/** Stands between two changes that are not one: a row and a directory, a process and its record. */
export function step(): void {
  if (remaining > 0 && --remaining === 0) process.kill(process.pid, "SIGKILL");
}
