/** Which containers need an image: those that were made from it, whatever it is called today. */
import type { Registry } from "./registry.ts";
import { isRunning } from "./state.ts";

export function usedBy(registry: Registry): (imageId: string) => { id: string; running: boolean }[] {
  return (imageId) =>
    registry
      .all()
      .filter(({ spec }) => spec.image.id === imageId)
      .map(({ id, state }) => ({ id, running: isRunning(state) }));
}
