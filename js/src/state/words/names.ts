// Names for words shown outside of the caption, where repeated words need something to distinguish them.

import { memoize } from "../../core/memo";
import type { Explanation } from "../../core/types";

/** A word, and what distinguishes it from its repetitions: "a" and "bicycle"; "" for a word that occurs once. */
export interface WordName {
  text: string;
  beside: string;
}

/**
 * Distinguish repeated words: by the next word that occurs once, else by the one before, else by number.
 * "a bicycle and a tree": a (bicycle), bicycle, and, a (tree), tree.
 */
export function disambiguate(words: readonly string[]): WordName[] {
  const folded = words.map((word) => word.toLowerCase());
  const counts = countOf(folded);
  const single = (k: number) => counts.get(folded[k]) === 1;
  const names = words.map((text, k): WordName => {
    if (single(k)) return { text, beside: "" };
    let next = k + 1;
    while (next < words.length && !single(next)) next++;
    let before = k - 1;
    while (before >= 0 && !single(before)) before--;
    return { text, beside: words[next] ?? words[before] ?? "" };
  });
  const keys = names.map(({ beside }, k) => `${folded[k]} ${beside}`);
  const same = countOf(keys);
  const seen = new Map<string, number>();
  return names.map((name, k) => {
    if (same.get(keys[k]) === 1) return name;
    const number = (seen.get(folded[k]) ?? 0) + 1;
    seen.set(folded[k], number);
    return { ...name, beside: `no. ${number}` };
  });
}

/** The names of all words of an explanation. */
export const wordNames = memoize((e: Explanation) => disambiguate(e.header.words.map(({ text }) => text)));

/** "a (bicycle)". */
export function nameOf(e: Explanation, word: number): string {
  const { text, beside } = wordNames(e)[word];
  return beside ? `${text} (${beside})` : text;
}

function countOf(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
