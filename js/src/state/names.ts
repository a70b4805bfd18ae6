// What a word is called where it stands apart from the caption: equal words are told apart by a neighbor. No DOM here.

import { memoize } from "../core/memo";
import type { Explanation } from "../core/types";

/** A word as shown, and what tells it from its equals: "a", "bicycle"; "" where it stands once. */
export interface WordName {
  text: string;
  beside: string;
}

/**
 * Tell equal words apart: by the next word that stands only once, else by the one before, else by their number.
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

/** The names of an explanation's words. */
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
