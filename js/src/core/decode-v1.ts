// Upgrades payloads of version 1, which older saved pages and notebooks contain.

import type { Header, Measure, WordHeader } from "./types";

export interface HeaderV1 extends Omit<Header, "words" | "importance"> {
  words: (WordHeader & {
    importance: number; // Grad-ECLIP's, summing to 1
    effect?: number | null; // the score's loss without the word; null if not computed
  })[];
}

/** Convert a header to version 2. Python orders the measures the same way. */
export function upgradeHeader(header: HeaderV1, readings: ReadonlyMap<string, Float32Array>): Header {
  const shares: Measure = {
    name: "grad-eclip",
    label: "Grad-ECLIP share of the score",
    values: header.words.map(({ importance }) => importance * Math.max(header.score.cosine, 0)),
  };
  const effects = header.words.map(({ effect }) => effect ?? null).filter((effect) => effect !== null);
  const losses: Measure = {
    name: "leave-one-out",
    label: "what the score loses without the word",
    values: effects,
  };
  const computed = effects.length === header.words.length;
  const others = computed ? [losses] : [];
  const given = pictureShares(header, readings);
  const importance = header.reference ? [shares, given, ...others] : [given, ...others, shares];
  const words = header.words.map(({ text, truncated, known }) => ({ text, truncated, known }));
  return { ...header, version: 2, words, importance };
}

/** Divide the score among the words in proportion to the positive sums of their maps, as `picture_shares` in Python. */
function pictureShares({ words, score }: HeaderV1, readings: ReadonlyMap<string, Float32Array>): Measure {
  const maps = readings.get("left out") ?? readings.get("in caption")!;
  const size = maps.length / words.length;
  const sums = words.map((_, word) =>
    maps.subarray(word * size, (word + 1) * size).reduce((sum, value) => sum + Math.max(value, 0), 0),
  );
  const total = sums.reduce((sum, value) => sum + value, 0);
  return {
    name: "evidence",
    label: "the part of the score that the picture gives to the word",
    values: sums.map((sum) => (total > 0 ? (sum * Math.abs(score.cosine)) / total : 0)),
  };
}
