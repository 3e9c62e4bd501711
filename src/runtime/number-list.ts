/** Lists of CPUs and memory nodes as people and the kernel write them, `0-3,7`, and as masks. */
import { BerthError } from "../lib/error.ts";

/** More than any kernel is built for. */
const NUMBER_MAX = 8191;

/** `field` names it in the error. */
export function parseNumberList(text: string, field: string): number[] {
  return text.split(",").flatMap((part) => {
    const [, first, last = first] = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === undefined || to < from || to > NUMBER_MAX)
      throw new BerthError(
        "invalid",
        `${field}: expected a list as 0-3,7 of numbers up to ${NUMBER_MAX}, not "${text}"`,
      );
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}

/** 64 numbers in each word, the lowest bits first. */
export function maskWords(numbers: readonly number[]): bigint[] {
  const words = Array.from({ length: Math.floor(Math.max(...numbers) / 64) + 1 }, () => 0n);
  for (const number of numbers)
    words[Math.floor(number / 64)] = (words[Math.floor(number / 64)] ?? 0n) | (1n << BigInt(number % 64));
  return words;
}
