/** Attributes and propagation of a mount as calls of mount_setattr(2), as few as can be. */
import { type Attributes, both, type MountOptions, MS_REC } from "./mount-options.ts";

/** One call. */
export interface AttributeStep extends Attributes {
  /** With all that is mounted below. */
  readonly recursive: boolean;
  /** MS_SHARED, … or 0. */
  readonly propagation: number;
}

/** Of a bind that takes along what is mounted below, or does not. What holds for all wins over what holds for the mount itself, as with runc. */
export function bindSteps({ own, all, propagation }: MountOptions, recursive: boolean): AttributeStep[] {
  const attributes = recursive ? [step(false, own), step(true, all)] : [step(false, both(own, all))];
  return joined(
    attributes.filter(({ set, clear }) => (set | clear) !== 0),
    propagationSteps(propagation, recursive),
  );
}

/** In the order of the words: a slave that is then made shared is both. */
export function propagationSteps(propagation: readonly number[], recursive: boolean): AttributeStep[] {
  return propagation.map((flags) => ({
    recursive: recursive && (flags & MS_REC) !== 0,
    set: 0,
    clear: 0,
    propagation: flags & ~MS_REC,
  }));
}

function step(recursive: boolean, attributes: Attributes): AttributeStep {
  return { recursive, ...attributes, propagation: 0 };
}

/** The first change of propagation goes along with attributes of the same reach. */
function joined(attributes: AttributeStep[], spread: readonly AttributeStep[]): AttributeStep[] {
  const [first, ...others] = spread;
  const at = attributes.findIndex(({ recursive }) => recursive === first?.recursive);
  if (first === undefined || at < 0) return [...attributes, ...spread];
  return [
    ...attributes.map((each, index) => (index === at ? { ...each, propagation: first.propagation } : each)),
    ...others,
  ];
}

/** As numbers of a plan, four for each step. */
export const stepNumbers = (steps: readonly AttributeStep[] = []) =>
  steps.flatMap(({ recursive, set, clear, propagation }) => [Number(recursive), set, clear, propagation]);
