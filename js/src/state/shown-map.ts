// The maps that are shown, in units of the score: of words, of the difference of two captions, and of a single block.

import { type Block, blockExplanation, mapDifference, peakValue, phraseMap } from "../core/arithmetic";
import { decodeDepth, type RawDepth } from "../core/decode";
import { addsUp, importanceOf, scaleToTotal, wordEvidence } from "../core/evidence";
import { memoize } from "../core/memo";
import type { Depth, Explanation, Measure, Sign } from "../core/types";
import type { Store } from "./store";

export interface ShownMap {
  map: Float64Array;
  sign: Sign; // which of its values are painted
  peak: number; // the largest magnitude of that sign
  top: number; // the value at the end of the color scale
}

/**
 * The map of some words, in units of the score. All words of a caption share one color scale, so that a word is painted
 * as strongly as it matters. The map of words that lower the score shows the evidence against them.
 */
export function wordsMap(
  e: Explanation,
  reading: string,
  measure: string,
  words: readonly number[],
  sign: Sign,
): ShownMap {
  return computeWordsMap(e, JSON.stringify([reading, measure, words, sign]));
}

const computeWordsMap = memoize((e: Explanation, key: string): ShownMap => {
  const [reading, measure, words, choice]: [string, string, number[], Sign] = JSON.parse(key);
  const { map, total } = scaledMap(e, reading, measure, words);
  const sign = choice === "positive" && total < 0 ? "negative" : choice;
  const peak = peakValue(map, sign);
  return { map, sign, peak, top: Math.max(peak, strongestWord(e, reading, measure).peak) };
});

/** The sum of the words' maps, scaled so that it adds up to their importance. A map of unknown words means nothing. */
function scaledMap(e: Explanation, reading: string, measure: string, words: readonly number[]) {
  const { values } = importanceOf(e, measure);
  const known = words.filter((word) => e.header.words[word].known);
  const total = known.reduce((sum, word) => sum + values[word], 0);
  const map = phraseMap(e, reading, known);
  const unit = total === 0 ? 0 : scaleToTotal(total, map);
  return { map: map.map((value) => value * unit), total };
}

/** The word whose map has the largest value of the sign of its importance, in units of the score. */
export function strongestWord(
  e: Explanation,
  reading: string,
  measure: string,
): { word: number; peak: number } {
  return computeStrongest(e, JSON.stringify([reading, measure]));
}

const computeStrongest = memoize((e: Explanation, key: string) => {
  const [reading, measure]: [string, string] = JSON.parse(key);
  let strongest = { word: 0, peak: 0 };
  e.header.words.forEach((_, word) => {
    const { map, total } = scaledMap(e, reading, measure, [word]);
    const peak = peakValue(map, total < 0 ? "negative" : "positive");
    if (peak > strongest.peak) strongest = { word, peak };
  });
  return strongest;
});

/** The contributions of one caption's words in each patch, minus those of another's: they add up like the bars. */
export function differenceMap(e: Explanation, versus: Explanation, measure: string): Float64Array {
  return computeDifference(e, versus)(measure);
}

const computeDifference = memoize((e: Explanation, versus: Explanation) => {
  const known = new Map<string, Float64Array>();
  return (measure: string): Float64Array => {
    const map = known.get(measure) ?? mapDifference(signedSum(e, measure), signedSum(versus, measure));
    known.set(measure, map);
    return map;
  };
});

/** All words' evidence, for and against the match. */
function signedSum(e: Explanation, measure: string): Float64Array {
  const map = new Float64Array(e.rows * e.cols);
  for (const row of wordEvidence(e, undefined, measure)) {
    for (let i = 0; i < map.length; i++) map[i] += row[i];
  }
  return map;
}

/** The measure in which two captions are compared: the requested one if it adds up to either's score, else the default. */
export function comparableMeasure(e: Explanation, versus: Explanation, name: string): Measure {
  const [first, second] = [e, versus].map((of) => importanceOf(of, name));
  return first.name === second.name && addsUp(e, first) && addsUp(versus, second) ? first : importanceOf(e);
}

export interface ShownBlock {
  depth: Depth | null; // maps of single blocks, if requested and computed for this explanation
  block: Block | null; // the block whose maps are shown; null: all explained blocks
}

/** The requested block, if its maps have arrived. */
export function shownBlock(e: Explanation, store: Store): ShownBlock {
  const raw = store.get("depth") ? store.get("_depth") : null;
  const depth = raw && depthOf(e, raw);
  if (!depth) return { depth: null, block: null };
  const at = (tower: Block["tower"], index: number | null): Block | null =>
    index !== null && depth[tower][index] ? { tower, index } : null;
  return { depth, block: at("image", store.get("image_block")) ?? at("text", store.get("text_block")) };
}

const depthOf = memoize((e: Explanation, raw: RawDepth) => decodeDepth(raw, e));

/** Every block as an explanation. Cached, because results are memoized per explanation object. */
const blocksOf = memoize((depth: Depth, e: Explanation) => ({
  image: depth.image.map((_, index) => blockExplanation(e, depth, { tower: "image", index })),
  text: depth.text.map((_, index) => blockExplanation(e, depth, { tower: "text", index })),
}));

export function evidenceOfBlock(e: Explanation, depth: Depth, { tower, index }: Block): Explanation {
  return blocksOf(depth, e)[tower][index];
}
