/** A base image to be, made out of Debian packages: what each kind of it hands over. */

export interface BootstrapOptions {
  readonly suite?: string | undefined;
  /** Names of packages, separated by commas. */
  readonly include?: string | undefined;
  /** Name of the image; `busybox` or `debian:<suite>` when absent. */
  readonly name?: string | undefined;
}

/** A root filesystem to be, and what is known about it besides. */
export interface Base {
  readonly name: string;
  readonly message: string;
  readonly changes: readonly string[];
  /** What is going on, as it happens. Ends with or before the archive. */
  readonly progress: AsyncIterable<string>;
  readonly archive: AsyncIterable<Uint8Array>;
}

export const PATH_CHANGE = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
