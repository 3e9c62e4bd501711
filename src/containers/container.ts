/** One container as the engine holds it: its record, which is durable, and what exists only while it runs. */
import { Mutex } from "../lib/mutex.ts";
import type { ProcessHandle } from "../runtime/runtime.ts";
import type { PendingAttachment } from "./attachment.ts";
import type { ContainerSpec } from "./spec.ts";
import type { ContainerState } from "./state.ts";
import { Waiters } from "./waiters.ts";

/** What is written to state.db. */
export interface ContainerRecord {
  /** Without docker's slash. */
  readonly name: string;
  readonly createdAt: string;
  readonly spec: ContainerSpec;
  readonly state: ContainerState;
}

export class Container {
  readonly id: string;
  record: ContainerRecord;
  /** Held by whatever changes the container; never while waiting for its process. */
  readonly mutex = new Mutex();
  readonly waiters = new Waiters();
  /** Clients that attached before there was a process. */
  readonly pending = new Set<PendingAttachment>();
  /** While it runs. */
  handle: ProcessHandle | undefined;
  /** Resolves once what the last run used (cgroups, run directory, address) is given back. */
  settled: Promise<void> = Promise.resolve();

  constructor(id: string, record: ContainerRecord) {
    this.id = id;
    this.record = record;
  }

  get name(): string {
    return this.record.name;
  }

  get spec(): ContainerSpec {
    return this.record.spec;
  }

  get state(): ContainerState {
    return this.record.state;
  }

  get autoRemove(): boolean {
    return this.record.spec.hostConfig.AutoRemove ?? false;
  }
}
