// The colors of highlighted words, which color-blind readers can also tell apart (Okabe & Ito 2008). Black text on each
// has the contrast that WCAG AA requires.

import { parseRgb, type Rgb } from "./color-scale";
import type { Highlight } from "./evidence";

const PALETTE = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#f0e442", "#d55e00"] as const;
const NEUTRAL = "#bfc4cc";

/** A highlight's color as CSS; the neutral color for null. */
export function hueColor(hue: number | null): string {
  return hue === null ? NEUTRAL : PALETTE[hue];
}

export function hueRgb(hue: number | null): Rgb {
  return parseRgb(hueColor(hue));
}

/** The color of a word as CSS; null if it is not highlighted. */
export function wordColor(highlights: readonly Highlight[], word: number): string | null {
  const highlight = highlights.find(({ words }) => words.includes(word));
  return highlight ? hueColor(highlight.hue) : null;
}
