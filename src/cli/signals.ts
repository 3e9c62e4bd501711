/** Signals that this process gets are for the process in the container. */
import { desk } from "./desk.ts";

/** All that a program may be sent and catch, but for those that concern only us (children, pipes, our own window). */
const FORWARDED: readonly NodeJS.Signals[] = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGABRT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGTERM",
  "SIGCONT",
  "SIGTSTP",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGVTALRM",
  "SIGIO",
  "SIGPWR",
  "SIGSYS",
];

/** Hands each signal to `kill`, whose failure is nobody's business: the process may just have ended. */
export function forwardSignals(kill: (signal: string) => Promise<void>): void {
  desk().onSignals(FORWARDED, (signal) => {
    kill(signal.slice(3)).catch(() => {});
  });
}
