/** What the API asks of the engine. */
import type { Engine } from "../engine/engine.ts";

export type ApiEngine = Pick<Engine, "containers" | "execs" | "images" | "system">;
