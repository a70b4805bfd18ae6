// What each word brings to the score, where in the picture that comes from, and which words count. No DOM here.
// Mirrors gradeclip_widget/evidence.py; tests/golden/golden.json holds the two to the same numbers.

import { byDescendingValue, type RankedWord, readingMaps } from "./arithmetic";
import { memoize } from "./memo";
import type { Explanation, Measure } from "./types";

/** A word that counts, or neighbors in the caption that point at the same place. */
export interface Highlight {
  words: readonly number[]; // ascending
  importance: number; // sum of theirs, in units of the score
  hue: number | null; // 0 to 5, a color that it has to itself; null: the neutral color
  peak: readonly [row: number, col: number]; // the patch where its evidence is strongest
}

export const HUE_COUNT = 6; // as many colors as are told apart at a glance
export const HIGHLIGHT_THRESHOLD = 0.25; // of the largest importance: from there on a word counts
const MERGE_SIMILARITY = 0.8; // cosine similarity of two neighbors' evidence, from which they are one highlight

/** The words' importance by the measure that is asked for; by the default one where that was not computed. */
export function importanceOf(e: Explanation, measure = ""): Measure {
  const { importance } = e.header;
  return importance.find(({ name }) => name === measure) ?? importance[0];
}

/** The reading that shows best where what a word brings comes from. */
export function evidenceReading(e: Explanation): string {
  return e.readings.has("left out") ? "left out" : "in caption";
}

/**
 * Every word's importance, spread over the picture in proportion to its map: one row of patches per word, which has
 * the sign of its importance and sums to it; zeros where the map has nothing of that sign.
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

/** Where what the words bring to the score comes from: the sum over words of what speaks for the match. */
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

/** The words that count, in the caption's order; neighbors that point at the same place are one. */
export function highlights(e: Explanation, measure = ""): readonly Highlight[] {
  return computeHighlights(e, importanceOf(e, measure).name);
}

const computeHighlights = memoize((e: Explanation, measure: string): Highlight[] => {
  const { values } = importanceOf(e, measure);
  const evidence = wordEvidence(e, undefined, measure);
  const floor = HIGHLIGHT_THRESHOLD * Math.max(...values, 0);
  const groups: number[][] = [];
  values.forEach((importance, word) => {
    if (!(importance > 0 && importance >= floor && evidence[word].some((value) => value !== 0))) return;
    const group = groups.at(-1);
    const joins =
      group?.at(-1) === word - 1 && similarity(evidence[word - 1], evidence[word]) >= MERGE_SIMILARITY;
    if (joins) group!.push(word);
    else groups.push([word]);
  });
  const importances = groups.map((group) => sum(group.map((word) => values[word])));
  const largest = groups.map((_, k) => k).sort((a, b) => importances[b] - importances[a] || a - b);
  const colored = largest.slice(0, HUE_COUNT).sort((a, b) => a - b);
  return groups.map((words, k) => {
    const hue = colored.indexOf(k);
    const patch = argMax(sumMaps(words.map((word) => evidence[word])));
    return {
      words,
      importance: importances[k],
      hue: hue < 0 ? null : hue,
      peak: [Math.floor(patch / e.cols), patch % e.cols] as const,
    };
  });
});

/**
 * How strongly each highlight shows in the first picture, 0..1 per patch: its evidence as a share of its own
 * maximum, less the fainter the less it brings. The square root keeps what brings little in sight.
 */
export function strengths(e: Explanation, measure = ""): readonly Float64Array[] {
  return computeStrengths(e, importanceOf(e, measure).name);
}

const computeStrengths = memoize((e: Explanation, measure: string): Float64Array[] => {
  const evidence = wordEvidence(e, undefined, measure);
  const found = highlights(e, measure);
  const top = Math.max(...found.map(({ importance }) => importance));
  return found.map(({ words, importance }) => {
    const map = sumMaps(words.map((word) => evidence[word]));
    const scale = Math.sqrt(importance / top) / map[argMax(map)];
    return map.map((value) => value * scale);
  });
});

/** What a region gives to each word in units of the score, most first; ties stay in the caption's order. */
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

/** The words ranked by what one patch gives them, in units of the score. */
export function patchWords(e: Explanation, reading: string, measure: string, patch: number): RankedWord[] {
  return wordEvidence(e, reading, measure)
    .map((map, word) => ({ word, value: map[patch] }))
    .sort(byDescendingValue);
}

/**
 * What a map's values are multiplied by to be parts of a total: then those of the total's sign sum to it. 0 where
 * the map has none of that sign.
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
