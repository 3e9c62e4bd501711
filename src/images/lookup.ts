/** Finding an image that is stored, and what to say when it is not. */
import { BerthError } from "../lib/error.ts";
import { noSuchImage } from "../wire/messages.ts";
import type { Image } from "./image.ts";
import type { Library } from "./library.ts";
import { familiar, isReference, parseReference } from "./reference.ts";

export function findStored(library: Library, ref: string): Image | undefined {
  const id = library.catalog.find(ref);
  const row = id === undefined ? undefined : library.catalog.images.get(id);
  return id === undefined || row === undefined ? undefined : library.toImage(id, row);
}

/** Throws `not_found` in docker's words, and says how an image comes here without a registry. */
export function getStored(library: Library, ref: string): Image {
  const image = findStored(library, ref);
  if (image === undefined) throw notFound(ref);
  return image;
}

export function notFound(ref: string): BerthError {
  const shown = isReference(ref) ? familiar(parseReference(ref)) : ref;
  return new BerthError("not_found", `${noSuchImage(shown)}. ${HOW_TO_GET_ONE}`);
}

/** Behind every "not there". */
export const HOW_TO_GET_ONE =
  "berth has no registry client yet: use `berth load` or `berth import` with an archive, " +
  "or make a base image with `berth image bootstrap busybox` or `berth image bootstrap debian`";
