/** `image bootstrap`: base images out of Debian packages, without a registry. */
import { BerthError } from "../lib/error.ts";
import type { Progress } from "../wire/progress.ts";
import type { Base, BootstrapOptions } from "./base.ts";
import { busyboxArchive } from "./busybox.ts";
import { debianArchive } from "./debian.ts";
import { importImage } from "./import.ts";
import type { Library } from "./library.ts";

/** Yields what is being done, and at the end the image's id. */
export async function* bootstrapImage(
  library: Library,
  kind: string,
  options: BootstrapOptions,
): AsyncGenerator<Progress, void, void> {
  const base = await openBase(library, kind, options);
  const lines = new Lines();
  const telling = tell(base.progress, lines);
  const importing = finish(library, base, options).finally(() => lines.close());
  importing.catch(() => {}); // thrown below, behind the last line
  for await (const line of lines) yield { status: line };
  await telling;
  const id = await importing;
  yield { status: id };
  yield { stream: `Made image: ${options.name ?? base.name}\n`, aux: { ID: id } };
}

function openBase(library: Library, kind: string, options: BootstrapOptions): Promise<Base> {
  if (kind === "busybox") return busyboxArchive(library.places);
  if (kind === "debian") return debianArchive(library.places, options);
  throw new BerthError("invalid", `cannot bootstrap "${kind}": berth knows how to make busybox and debian`);
}

async function finish(library: Library, base: Base, { name }: BootstrapOptions): Promise<string> {
  const { message, changes, archive } = base;
  let id = "";
  for await (const { status } of importImage(library, archive, { repo: name ?? base.name, message, changes }))
    id = status ?? id;
  return id;
}

async function tell(progress: AsyncIterable<string>, lines: Lines): Promise<void> {
  for await (const line of progress) lines.push(line);
}

/** Lines from one task to another, in order. */
class Lines {
  readonly #ready: string[] = [];
  #wake = Promise.withResolvers<void>();
  #closed = false;

  push(line: string): void {
    this.#ready.push(line);
    this.#wake.resolve();
  }

  close(): void {
    this.#closed = true;
    this.#wake.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    for (;;) {
      yield* this.#ready.splice(0);
      if (this.#closed && this.#ready.length === 0) return;
      if (this.#ready.length > 0) continue;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
  }
}
