// How much each word contributes to the score, from where in the picture, and which words are highlighted.
// Python's evidence.py computes the same; tests compare both with tests/golden/golden.json.

import { byDescendingValue, type RankedWord, readingMaps } from "./arithmetic";
import { memoize } from "./memo";
import type { Explanation, Measure } from "./types";

/** A word with its own color, or several adjacent words whose evidence is in the same place. */
export interface Highlight {
  words: readonly number[]; // ascending
  importance: number; // sum over the words, in units of the score
  hue: number | null; // 0 to 5; null: the neutral color. See `wordHues`
  peak: readonly [row: number, col: number]; // the patch where its evidence is strongest
}

export const HUE_COUNT = 6; // as many colors as can be told apart at a glance
export const HIGHLIGHT_THRESHOLD = 0.15; // of the largest importance; words below it are not highlighted
const LOWERING_THRESHOLD = 0.1; // of the largest importance in size; words nearer to zero do not lower the score
const MERGE_SIMILARITY = 0.8; // cosine similarity of words' evidence from which it is in the same place
const NEAR = 0.1; // standard deviation of the smoothing of places, as a fraction of the longer side
const IN_PLACE = 0.2; // minimum evidence in the place of a highlight, as a fraction of its largest

/** The words' importance by a measure; by the default measure if that one was not computed. */
export function importanceOf(e: Explanation, measure = ""): Measure {
  const { importance } = e.header;
  return importance.find(({ name }) => name === measure) ?? importance[0];
}

/** The reading that best locates a word's contribution, of those that were computed. */
export function evidenceReading(e: Explanation): string {
  return e.readings.has("left out") ? "left out" : "in caption";
}

/**
 * Distribute each word's importance over the patches in proportion to its map. Each word's row has the sign of its
 * importance and sums to it; it is zero if the map has no values of that sign.
 */
export function wordEvidence(
  e: Explanation,
  reading: string = evidenceReading(e),
  measure = "",
): readonly Float64Array[] {
  return computeWordEvidence(e, JSON.stringify([reading, importanceOf(e, measure).name]));
}

const computeWordEvidence = memoize((e: Explanation, key: string): Float64Array[] => {
  const [reading, measure]: [string, string] = JSON.parse(key);
  const maps = readingMaps(e, reading);
  const size = e.rows * e.cols;
  return importanceOf(e, measure).values.map((importance, word) => {
    const map = maps.subarray(word * size, (word + 1) * size);
    const sign = importance < 0 ? -1 : 1;
    const part = Float64Array.from(map, (value) => Math.max(sign * value, 0));
    const total = sum(part);
    return part.map((value) => (total > 0 ? (value * importance) / total : 0));
  });
});

/** The sum of all words' positive evidence: from where in the picture the score comes. */
export function evidenceMap(e: Explanation, measure = ""): Float64Array {
  return computeEvidenceMap(e, importanceOf(e, measure).name);
}

const computeEvidenceMap = memoize((e: Explanation, measure: string): Float64Array => {
  const map = new Float64Array(e.rows * e.cols);
  for (const row of wordEvidence(e, undefined, measure)) {
    for (let i = 0; i < map.length; i++) map[i] += Math.max(row[i], 0);
  }
  return map;
});

/**
 * The index of each word's color, 0 to 5, or null. A noun and its attributes have one color. The six most important have
 * one, first those that count. A word keeps its color by every measure and method, since only the caption and the default
 * importance decide.
 */
export const wordHues = memoize((e: Explanation): readonly (number | null)[] => {
  const { words } = e.header;
  const { values } = importanceOf(e);
  const floor = HIGHLIGHT_THRESHOLD * Math.max(...values, 0);
  const things: number[][] = [];
  words.forEach(({ small, truncated, known }, w) => {
    if (small || truncated || !known) return;
    const thing = things.at(-1);
    if (thing?.at(-1) === w - 1 && describes(e, w - 1)) thing.push(w);
    else things.push([w]);
  });
  const sums = things.map((thing) => sum(thing.map((w) => values[w])));
  const minor = things.map((thing) => (floor > 0 && thing.some((w) => values[w] >= floor) ? 0 : 1));
  const first = things
    .map((_, n) => n)
    .sort((a, b) => minor[a] - minor[b] || sums[b] - sums[a] || a - b)
    .slice(0, HUE_COUNT)
    .sort((a, b) => minor[a] - minor[b] || a - b);
  const hues = words.map((): number | null => null);
  first.forEach((n, hue) => {
    for (const w of things[n]) hues[w] = hue;
  });
  return hues;
});

/** Whether a word is an attribute of the next one: only a space is between them, and no comma. */
function describes({ header: { words, gaps } }: Explanation, word: number): boolean {
  return words[word].attribute && gaps[word + 1].length === 1;
}

/** Find the highlights, in the caption's order. */
export function highlights(e: Explanation, measure = ""): readonly Highlight[] {
  return computeHighlights(e, importanceOf(e, measure).name);
}

const computeHighlights = memoize((e: Explanation, measure: string): Highlight[] => {
  const { values } = importanceOf(e, measure);
  const evidence = wordEvidence(e, undefined, measure);
  const { words } = e.header;
  const floor = HIGHLIGHT_THRESHOLD * Math.max(...values, 0);
  const groups: number[][] = [];
  values.forEach((importance, word) => {
    const counts = words[word].known && importance > 0 && importance >= floor;
    if (!counts || evidence[word].every((value) => value === 0)) return;
    const group = groups.at(-1);
    const alike = () => similarity(evidence[word - 1], evidence[word]) >= MERGE_SIMILARITY;
    if (group?.at(-1) === word - 1 && (describes(e, word - 1) || alike())) group.push(word);
    else groups.push([word]);
  });
  const hues = wordHues(e);
  return groups.map((words) => {
    const hue = words.map((word) => hues[word]).findLast((hue) => hue !== null);
    const patch = argMax(sumMaps(words.map((word) => evidence[word])));
    return {
      words,
      importance: sum(words.map((word) => values[word])),
      hue: hue ?? null,
      peak: [Math.floor(patch / e.cols), patch % e.cols] as const,
    };
  });
});

/**
 * The highlight in whose place each patch clearly lies; -1 for none. It is the one with the most evidence at the patch
 * and near it, of those with at least a fifth of their largest there. Highlights with evidence in the same place count
 * as the first of them.
 */
export const places = memoize((e: Explanation): readonly number[] => {
  const { rows, cols } = e;
  const longer = Math.max(rows, cols);
  const near = Array.from({ length: longer }, (_, distance) =>
    Math.exp(-((distance / (NEAR * longer)) ** 2) / 2),
  );
  const evidence = wordEvidence(e);
  const smooth = highlights(e).map(({ words }) => {
    const map = sumMaps(words.map((word) => evidence[word]));
    return map.map((_, p) => {
      let value = 0;
      for (let q = 0; q < map.length; q++) {
        const [down, across] = [Math.floor(p / cols) - Math.floor(q / cols), (p % cols) - (q % cols)];
        value += map[q] * near[Math.abs(down)] * near[Math.abs(across)];
      }
      return value;
    });
  });
  const same = smooth.map((map) => smooth.findIndex((other) => similarity(map, other) >= MERGE_SIMILARITY));
  const floors = smooth.map((map) => IN_PLACE * map[argMax(map)]);
  return Array.from({ length: rows * cols }, (_, patch) => {
    const values = smooth.map((map, n) => (map[patch] >= floors[n] ? map[patch] : 0));
    const strongest = argMax(values);
    return values[strongest] > 0 ? same[strongest] : -1;
  });
});

/**
 * The words to show when one is pointed at: an attribute is judged on its thing, so that any but the last word of a
 * highlight, as "red" in "red circle", shows all of the highlight.
 */
export function shownTogether(e: Explanation, measure: string, word: number): readonly number[] {
  const group = highlights(e, measure).find(({ words }) => words.includes(word))?.words;
  return group && group.at(-1) !== word ? group : [word];
}

/** The words that lower the score, and by more than almost nothing; small words are counted together instead. */
export function lowering(e: Explanation, measure = ""): ReadonlySet<number> {
  return computeLowering(e, importanceOf(e, measure).name);
}

const computeLowering = memoize((e: Explanation, measure: string): Set<number> => {
  const { values } = importanceOf(e, measure);
  const floor = LOWERING_THRESHOLD * Math.max(...values.map(Math.abs), 0);
  const lowers = (word: number) => {
    const { known, small } = e.header.words[word];
    return known && !small && values[word] < 0 && values[word] <= -floor;
  };
  return new Set(values.map((_, word) => word).filter(lowers));
});

/** The score that the caption would have without a word; null if that was not computed. */
export function scoreWithout(e: Explanation, word: number): number | null {
  const effects = e.header.importance.find(({ name }) => name === "leave-one-out")?.values;
  return effects ? e.header.score.cosine - effects[word] : null;
}

const ROUNDING = 1e-3; // of a sum of parts, which are sent as float32

/** Whether the words' values, with those of unknown words, add up from a base to the score. */
export function addsUp(e: Explanation, measure: Measure): boolean {
  const { base, values } = measure;
  if (base === null) return false;
  return Math.abs(base + sum(values) + unknownPart(e, measure) - e.header.score.cosine) < ROUNDING;
}

/** The sum of the changes by words unknown to the model, by a measure that adds up to the score; else 0. */
export function unknownPart({ header }: Explanation, { base, values }: Measure): number {
  const unknown = header.words.some(({ known, truncated }) => !known && !truncated);
  return base === null || !unknown ? 0 : header.score.cosine - base - sum(values);
}

/** The same words in the same hues as highlights of another explanation, with this one's importance and places. */
export function highlightsLike(
  e: Explanation,
  measure: string,
  others: readonly Highlight[],
): readonly Highlight[] {
  const { values } = importanceOf(e, measure);
  const evidence = wordEvidence(e, undefined, measure);
  return others.map(({ words, hue }) => {
    const patch = argMax(sumMaps(words.map((word) => evidence[word])));
    const peak = [Math.floor(patch / e.cols), patch % e.cols] as const;
    return { words, hue, peak, importance: sum(words.map((word) => values[word])) };
  });
}

/**
 * How strongly each highlight is painted when all are shown together, 0..1 per patch: its evidence relative to its own
 * maximum, scaled by the square root of its importance relative to the largest, which keeps weak highlights visible.
 */
export function strengths(
  e: Explanation,
  measure = "",
  shown: readonly Highlight[] = highlights(e, measure),
): readonly Float64Array[] {
  const evidence = wordEvidence(e, undefined, measure);
  const top = Math.max(...shown.map(({ importance }) => importance));
  return shown.map(({ words, importance }) => {
    const map = sumMaps(words.map((word) => Float64Array.from(evidence[word], (v) => Math.max(v, 0))));
    const peak = map[argMax(map)];
    const scale = importance > 0 && peak > 0 ? Math.sqrt(importance / top) / peak : 0;
    return map.map((value) => value * scale);
  });
}

/** Rank the words by how much of their importance comes from a region, in units of the score. */
export function regionWords(
  e: Explanation,
  reading: string,
  measure: string,
  part: Float64Array,
): RankedWord[] {
  return wordEvidence(e, reading, measure)
    .map((map, word) => {
      let value = 0;
      for (let i = 0; i < map.length; i++) value += part[i] * map[i];
      return { word, value };
    })
    .sort(byDescendingValue);
}

/** Rank the words by how much of their importance comes from one patch, in units of the score. */
export function patchWords(e: Explanation, reading: string, measure: string, patch: number): RankedWord[] {
  return wordEvidence(e, reading, measure)
    .map((map, word) => ({ word, value: map[patch] }))
    .sort(byDescendingValue);
}

/**
 * The factor by which a map's values of the same sign as `total` sum to `total`; 0 if the map has none of that sign.
 */
export function scaleToTotal(total: number, map: ArrayLike<number>): number {
  const sign = total < 0 ? -1 : 1;
  let whole = 0;
  for (let i = 0; i < map.length; i++) whole += Math.max(sign * map[i], 0);
  return whole > 0 ? Math.abs(total) / whole : 0;
}

function sumMaps(maps: readonly Float64Array[]): Float64Array {
  return maps[0].map((_, i) => sum(maps.map((map) => map[i])));
}

/** The index of the largest value, the first on ties. */
export function argMax(map: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < map.length; i++) if (map[i] > map[best]) best = i;
  return best;
}

function similarity(a: Float64Array, b: Float64Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / Math.sqrt(aa * bb);
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}
