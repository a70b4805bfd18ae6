// How the score of a sentence stands among the scores that unrelated sentences have with the same picture. Python's
// match.py does the same.

export interface Standing {
  count: number; // of unrelated sentences
  above: number; // fraction of them that score lower
  low: number; // 5th percentile of their scores
  high: number; // 95th percentile
  most: number; // the largest
  weak: boolean; // the sentence does no better than an unrelated one may
}

const MATCHES = 0.95; // a score above fewer of the unrelated ones is no better than one of them

/** @param unrelated ascending. */
export function standing(score: number, unrelated: readonly number[]): Standing {
  const below = unrelated.filter((other) => other < score).length;
  const above = below / unrelated.length;
  const at = (part: number) => unrelated[Math.round(part * (unrelated.length - 1))];
  const [low, high, most] = [at(0.05), at(0.95), at(1)];
  return { count: unrelated.length, above, low, high, most, weak: above < MATCHES };
}

/** "higher than 97 % of 200 unrelated sentences". */
export function formatStanding({ count, above, weak }: Standing): string {
  if (weak) return "no better than an unrelated sentence";
  if (above === 1) return `higher than all ${count} unrelated sentences`;
  return `higher than ${Math.floor(100 * above)} % of ${count} unrelated sentences`;
}
