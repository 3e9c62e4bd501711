/** `pull`: there is no registry client yet. Only hello-world can be had by name, from the executable itself. */
import { BerthError } from "../lib/error.ts";
import { pullDenied } from "../wire/messages.ts";
import type { Progress } from "../wire/progress.ts";
import { installHelloWorld, isHelloWorld } from "./hello.ts";
import type { Library } from "./library.ts";
import { findStored, HOW_TO_GET_ONE } from "./lookup.ts";
import { familiar, familiarName, parseReference } from "./reference.ts";

export async function* pullImage(library: Library, ref: string): AsyncGenerator<Progress, void, void> {
  const reference = parseReference(ref);
  if (!isHelloWorld(ref))
    throw new BerthError("not_found", `${pullDenied(familiarName(reference))}: ${HOW_TO_GET_ONE}`);
  const wasThere = findStored(library, ref) !== undefined;
  yield { status: `Pulling from berth's executable: ${reference.path}`, id: reference.tag ?? "latest" };
  const image = installHelloWorld(library);
  yield { status: `Digest: ${library.catalog.images.get(image)?.manifest.digest}` };
  yield {
    status: `Status: ${wasThere ? "Image is up to date" : "Downloaded newer image"} for ${familiar(reference)}`,
  };
}
