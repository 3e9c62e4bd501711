/** The names by which an executable of ours is an OCI runtime, and by which it is not. */

export interface CalledAs {
  /** As it calls itself in what it prints. */
  readonly name: string;
  /** Those of the runtime's command line. */
  readonly words: readonly string[];
}

/** Undefined: the runtime is not meant. native/entry tells it in the same way. */
export function runtimeOf(argv0: string, words: readonly string[]): CalledAs | undefined {
  const name = argv0.slice(argv0.lastIndexOf("/") + 1);
  if (name === "runc" || name === "berth-oci") return { name, words };
  return words[0] === "oci" ? { name: "berth oci", words: words.slice(1) } : undefined;
}
