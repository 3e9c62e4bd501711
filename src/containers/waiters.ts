/** Who waits for a container to end. Nothing is polled: the exit itself answers them. */
import type { WaitCondition } from "../wire/requests.ts";
import type { ContainerWaitResponse } from "../wire/schema.ts";

interface Waiter {
  readonly condition: WaitCondition;
  readonly resolve: (response: ContainerWaitResponse) => void;
}

export class Waiters {
  readonly #waiting = new Set<Waiter>();

  /** Registered when this returns, not when it is awaited. Rejects when `signal` aborts. */
  add(condition: WaitCondition, signal: AbortSignal): Promise<ContainerWaitResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<ContainerWaitResponse>();
    const waiter = { condition, resolve };
    this.#waiting.add(waiter);
    const abort = () => {
      this.#waiting.delete(waiter);
      reject(signal.reason);
    };
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", abort));
  }

  /** The process has ended: for everybody who does not wait for the removal. */
  exited(response: ContainerWaitResponse): void {
    this.#answer((waiter) => waiter.condition !== "removed", response);
  }

  /** The container is gone: for everybody. */
  removed(response: ContainerWaitResponse): void {
    this.#answer(() => true, response);
  }

  #answer(concerns: (waiter: Waiter) => boolean, response: ContainerWaitResponse): void {
    for (const waiter of this.#waiting) {
      if (!concerns(waiter)) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(response);
    }
  }
}
