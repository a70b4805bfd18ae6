// Which words get a bar, and which are counted together in one row.

import { HIGHLIGHT_THRESHOLD } from "../../core/evidence";

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
