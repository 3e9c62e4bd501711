/** Words of a Dockerfile instruction: quotes, backslashes, and `$NAME`, `${NAME}`, `${NAME:-default}` from an environment. */

/** Splits at blanks; quotes and backslashes keep them, and are taken away. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    if (char === "\\" && quote !== "'") word = (word ?? "") + (text[++at] ?? "");
    else if (quote !== "" && char === quote) quote = "";
    else if (quote === "" && (char === '"' || char === "'")) [quote, word] = [char, word ?? ""];
    else if (quote === "" && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Leaves what stands in single quotes or behind a backslash alone. */
export function expandVariables(text: string, env: readonly string[]): string {
  const values = new Map(
    env.map((entry) => [entry.split("=", 1)[0] ?? "", entry.slice(entry.indexOf("=") + 1)]),
  );
  const pattern = /'[^']*'|\\[^]|\$(\w+)|\$\{(\w+)(?::([-+])([^}]*))?\}/g;
  return text.replace(pattern, (whole, plain?: string, braced?: string, operator?: string, word = "") => {
    const name = plain ?? braced;
    if (name === undefined) return whole;
    const value = values.get(name) ?? "";
    if (operator === "-") return value === "" ? String(word) : value;
    if (operator === "+") return value === "" ? "" : String(word);
    return value;
  });
}
