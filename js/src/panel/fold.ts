// Which words get a bar, and which are folded into one line.

import { HIGHLIGHT_THRESHOLD } from "../core/evidence";

export const MAX_BARS = 12; // in long captions, the rest is folded even if important

/**
 * Split ranked words into shown and folded ones. Folded are words below a quarter of the largest magnitude, and those
 * beyond `most`. A single word is never folded, since the line about it takes as much room.
 */
export function foldRanking<T extends { value: number }>(
  ranking: readonly T[],
  most: number = MAX_BARS,
): { shown: readonly T[]; folded: readonly T[] } {
  const floor = HIGHLIGHT_THRESHOLD * Math.max(...ranking.map(({ value }) => Math.abs(value)), 0);
  const kept = new Set(
    topRanked(
      ranking.filter(({ value }) => Math.abs(value) >= floor),
      most,
    ),
  );
  if (ranking.length - kept.size < 2) return { shown: ranking, folded: [] };
  return { shown: ranking.filter((row) => kept.has(row)), folded: ranking.filter((row) => !kept.has(row)) };
}

/** The first row and those with the largest magnitudes, in the ranking's order. */
export function topRanked<T extends { value: number }>(ranking: readonly T[], count: number): readonly T[] {
  if (ranking.length <= count) return ranking;
  const rest = ranking.slice(1).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const chosen = new Set([ranking[0], ...rest.slice(0, count - 1)]);
  return ranking.filter((row) => chosen.has(row));
}
