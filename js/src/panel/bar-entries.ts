// The entries of the bars: the words with their values, which of them are counted together in one row, and what all values
// add up to.

import { addsUp, HIGHLIGHT_THRESHOLD, importanceOf, lowering, unknownPart } from "../core/evidence";
import type { WordHeader } from "../core/types";
import type { Scene } from "../state/scene";
import { type WordName, wordNames } from "../state/wording";

/** A word with its value. */
export interface Entry {
  word: number | null; // index in the caption; null: only the subtracted prompt has the word
  value: number;
  small: boolean;
  marked: boolean; // lowers the score
  name: WordName;
}

export interface Entries {
  words: readonly Entry[]; // known and read: first those that raise the score, then those that lower it, most first
  unknown: readonly string[]; // words that the model was never trained on
  unread: number; // words that the model did not read
  sum: Sum | null; // null: the values do not add up to a score
}

/** What the values add up to. */
export interface Sum {
  base: number; // what they add up from
  unknown: number; // what the unknown words change together
  total: number; // base + values + unknown
}

export function entriesOf(scene: Scene): Entries {
  const { evidence: e, versus, region, measure, ranking, others } = scene;
  const names = wordNames(e);
  const lowers = region || versus ? new Set<number>() : lowering(e, measure);
  const own = ranking.map(({ word, value }) => {
    const header = e.header.words[word];
    return { word, value, header, small: header.small, marked: lowers.has(word), name: names[word] };
  });
  const theirs = others.map(({ word, value }) => {
    const header = versus!.header.words[word];
    const name = { text: header.text, beside: "in the other" };
    return { word: null, value, header, small: header.small, marked: false, name };
  });
  const headers = [...e.header.words, ...(versus?.header.words ?? [])];
  return {
    words: [...own, ...theirs]
      .filter(({ header }) => isRanked(header))
      .sort((a, b) => (a.value < 0 && b.value < 0 ? a.value - b.value : b.value - a.value)),
    unknown: headers.filter(({ known, truncated }) => !known && !truncated).map(({ text }) => text),
    unread: headers.filter(({ truncated }) => truncated).length,
    sum: sumOf(scene),
  };
}

function isRanked({ known, truncated }: WordHeader): boolean {
  return known && !truncated;
}

/** The difference of two captions adds up from zero: both have the same base. */
function sumOf({ evidence: e, versus, region, measure }: Scene): Sum | null {
  const shown = importanceOf(e, measure);
  if (region || !addsUp(e, shown)) return null;
  const base = shown.base!;
  const unknown = unknownPart(e, shown);
  if (!versus) return { base, unknown, total: e.header.score.cosine };
  return {
    base: 0,
    unknown: unknown - unknownPart(versus, importanceOf(versus, measure)),
    total: e.header.score.cosine - versus.header.score.cosine,
  };
}

interface Foldable {
  value: number;
  small: boolean; // an English function word
  marked: boolean; // marked as lowering the score, so that it needs a bar
}

/**
 * Split words into those with a bar and the folded ones, which share a row and its bar: small words, which are counted
 * together, and unmarked words below the share of the largest magnitude at which words are highlighted. These never
 * carry more than the smallest bar shown; if they would, those that carry most get a bar too. A single word is never
 * folded, since the row about it takes as much room. Where all words are small, none is.
 */
export function foldWords<T extends Foldable>(
  entries: readonly T[],
): { shown: readonly T[]; folded: readonly T[] } {
  const size = ({ value }: T) => Math.abs(value);
  const floor = HIGHLIGHT_THRESHOLD * Math.max(...entries.map(size), 0);
  const content = entries.filter(({ small }) => !small);
  const shown = new Set(content.filter((entry) => entry.marked || size(entry) >= floor));
  const rest = content.filter((entry) => !shown.has(entry)).sort((a, b) => size(b) - size(a));
  let hidden = rest.reduce((sum, entry) => sum + size(entry), 0);
  let least = Math.min(...[...shown].map(size));
  while (rest.length > 0 && (shown.size === 0 || hidden > least)) {
    const next = rest.shift()!;
    shown.add(next);
    least = Math.min(least, size(next));
    hidden -= size(next);
  }
  const folded = entries.filter((entry) => !shown.has(entry));
  if (shown.size === 0 || folded.length < 2) return { shown: entries, folded: [] };
  return { shown: entries.filter((entry) => shown.has(entry)), folded };
}
