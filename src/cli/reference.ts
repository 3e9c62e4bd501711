/** The outer form of an image's name. The engine reads references properly; here only the parts are told apart. */

export interface Parts {
  readonly name: string;
  readonly tag: string;
  readonly digest: string;
}

/** `host:5000/name:tag@digest`; a colon before a slash belongs to the host. */
export function splitReference(reference: string): Parts {
  const [whole = "", digest = ""] = reference.split("@");
  const colon = whole.lastIndexOf(":");
  if (colon <= whole.lastIndexOf("/")) return { name: whole, tag: "", digest };
  return { name: whole.slice(0, colon), tag: whole.slice(colon + 1), digest };
}

/** As people name it: `busybox` is `busybox:latest`. */
export function withTag(reference: string): string {
  const { tag, digest } = splitReference(reference);
  return tag === "" && digest === "" ? `${reference}:latest` : reference;
}
