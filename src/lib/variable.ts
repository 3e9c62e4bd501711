/** A variable of an environment, `NAME=value`; without an equals sign it is empty. */
export function splitVariable(variable: string): [name: string, value: string] {
  const at = variable.indexOf("=");
  return at < 0 ? [variable, ""] : [variable.slice(0, at), variable.slice(at + 1)];
}
