// The rank of a sentence's score among the scores of unrelated sentences with the same picture. Python's match.py
// computes the same.

export interface Standing {
  count: number; // of unrelated sentences
  above: number; // fraction of them that score lower
  low: number; // 5th percentile of their scores
  high: number; // 95th percentile
  most: number; // the largest
  match: "none" | "little" | "clear"; // how much better the sentence is than an unrelated one
}

const MATCHES = 0.98; // a sentence matches if its score is higher than this part of the unrelated ones
const NO_BETTER = 0.9; // below it, a score is no better than that of an unrelated sentence

/** @param unrelated ascending. */
export function standing(score: number, unrelated: readonly number[]): Standing {
  const below = unrelated.filter((other) => other < score).length;
  const above = below / unrelated.length;
  const at = (part: number) => unrelated[Math.round(part * (unrelated.length - 1))];
  const [low, high, most] = [at(0.05), at(0.95), at(1)];
  const match = above >= MATCHES ? "clear" : above >= NO_BETTER ? "little" : "none";
  return { count: unrelated.length, above, low, high, most, match };
}

/** "higher than 97 % of 200 unrelated sentences". */
export function formatStanding({ count, above, match }: Standing): string {
  if (above === 1) return `higher than all ${count} unrelated sentences`;
  const part = `higher than ${Math.floor(100 * above)} % of ${count}`;
  if (match === "clear") return `${part} unrelated sentences`;
  return `${match === "none" ? "no" : "little"} better than an unrelated sentence (${part})`;
}
