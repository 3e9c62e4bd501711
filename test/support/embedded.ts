/** For tests: an engine in this process, with an image `busybox`. */
import { rmSync } from "node:fs";
import { Engine } from "../../src/engine/engine.ts";
import { NO_FILTERS } from "../../src/wire/filters.ts";
import { busyboxTar } from "./busybox.ts";

type Places = Parameters<typeof Engine.open>[0];

export async function openWithBusybox(at: Places): Promise<Engine> {
  const engine = await Engine.open(at);
  for await (const _ of engine.images.import(busybox(), { repo: "busybox" }));
  return engine;
}

/** With its containers, and all that is in `place`. */
export async function removeEngine(engine: Engine, place: string): Promise<void> {
  for (const { Id } of await engine.containers.list({ all: true, size: false, filters: NO_FILTERS }))
    await engine.containers.remove(Id ?? "", { force: true, volumes: false });
  await engine.system.shutdown({ containers: true });
  await engine.close();
  rmSync(place, { recursive: true, force: true });
}

async function* busybox(): AsyncGenerator<Uint8Array> {
  yield await busyboxTar();
}
