// Payloads of version 1, as pages and notebooks that were saved before hold them.

import type { Header, Measure, WordHeader } from "./payload";

export interface HeaderV1 extends Omit<Header, "words" | "importance"> {
  words: (WordHeader & {
    importance: number; // Grad-ECLIP's, summing to 1
    effect?: number | null; // what the score loses without the word; null where that was not computed
  })[];
}

/** The same header in version 2. The measures are ordered as in gradeclip_widget/evidence.py. */
export function upgradeHeader(header: HeaderV1): Header {
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
  const importance = !computed ? [shares] : header.reference ? [shares, losses] : [losses, shares];
  const words = header.words.map(({ text, truncated, known }) => ({ text, truncated, known }));
  return { ...header, version: 2, words, importance };
}
