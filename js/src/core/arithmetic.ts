// The arithmetic of an explanation: sums over its word x patch maps, and how much of each patch a region covers.
// Python computes the same; tests compare both with tests/golden/golden.json.

import type { Box, Depth, Explanation, Point, Region, Sign } from "./types";

export interface RankedWord {
  word: number; // index in the caption
  value: number;
}

/** Samples per patch and axis from which the coverage of a polygon is estimated. */
const SAMPLES_PER_AXIS = 8;

/** A transformer block of the image or text tower; index 0 is the first block. */
export type Block = { tower: "image" | "text"; index: number };

/** The reading (which kind of word map) that maps of single blocks belong to. */
const BLOCK_READING = "in caption";
const BLOCK_MEASURE = {
  name: "grad-eclip",
  label: "Grad-ECLIP share of the score in this layer",
  base: null,
};

/**
 * Return a copy of an explanation with the maps of one block, and for a text block with its word importances, so that
 * all code that takes an explanation also takes a single block. The caption map of a text block is the sum of its word
 * maps.
 */
export function blockExplanation(e: Explanation, depth: Depth, { tower, index }: Block): Explanation {
  if (tower === "image") {
    const { caption, words } = depth.image[index];
    return { ...e, captionMap: caption, readings: new Map([[BLOCK_READING, words]]) };
  }
  const { words, importance } = depth.text[index];
  const size = e.rows * e.cols;
  const caption = new Float32Array(size);
  for (let k = 0; k < words.length; k++) caption[k % size] += words[k];
  const score = Math.max(e.header.score.cosine, 0);
  const values = Array.from(importance, (share) => share * score);
  const header = { ...e.header, importance: [{ ...BLOCK_MEASURE, values }] };
  return { ...e, header, captionMap: caption, readings: new Map([[BLOCK_READING, words]]) };
}

/** Sum the maps of several words: the evidence for a phrase. */
export function phraseMap(e: Explanation, reading: string, words: readonly number[]): Float64Array {
  const maps = readingMaps(e, reading);
  const size = e.rows * e.cols;
  const sum = new Float64Array(size);
  for (const word of words) {
    for (let i = 0, k = word * size; i < size; i++, k++) sum[i] += maps[k];
  }
  return sum;
}

/** Subtract two captions' maps. Exact, because a map is linear in the caption's embedding. */
export function mapDifference(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  return Float64Array.from(a, (value, i) => value - b[i]);
}

/**
 * Rank the words of two captions by the difference of their values.
 *
 * @param same for each word of the other caption, the index of the same word in the first one, or null.
 * @returns the first caption's words (for shared words, the difference), and the words that only the other caption
 *   has, with their values negated.
 */
export function rankDifference(
  words: readonly RankedWord[],
  others: readonly RankedWord[],
  same: readonly (number | null)[],
): [words: RankedWord[], others: RankedWord[]] {
  const values = new Map(words.map(({ word, value }) => [word, value]));
  const added: RankedWord[] = [];
  for (const { word, value } of others) {
    const twin = same[word];
    if (twin === null) added.push({ word, value: -value });
    else values.set(twin, values.get(twin)! - value);
  }
  const ranked = words.map(({ word }) => ({ word, value: values.get(word)! }));
  return [ranked.sort(byDescendingValue), added.sort(byDescendingValue)];
}

/** Compare for sorting: largest value first, ties in the caption's order. */
export function byDescendingValue(a: RankedWord, b: RankedWord): number {
  return b.value - a.value || a.word - b.word;
}

/** The softmax of logits. The largest is subtracted first, to avoid overflow. */
export function softmax(logits: readonly number[]): number[] {
  const top = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - top));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** The covered fraction of each patch, 0..1 in row-major order. A region too small to cover any counts as one patch. */
export function coverage(e: Explanation, region: Region): Float64Array {
  const part = region.kind === "box" ? boxCoverage(e, region.box) : polygonCoverage(e, regionRings(region));
  if (part.every((c) => c === 0)) {
    const center = patchAt(e, ...regionCenter(region));
    if (center !== null) part[center] = 1;
  }
  return part;
}

/** The fraction of a region's area in the picture that the model saw, 0..1; `seen_share` in Python's regions.py. */
export function seenShare(e: Explanation, region: Region): number {
  const { width, height } = e.header.image;
  const points: readonly Point[] =
    region.kind === "box"
      ? [
          [region.box[0], region.box[1]],
          [region.box[2], region.box[3]],
        ]
      : region.points;
  const [[x0, x1], [y0, y1]] = [extent(points, 0), extent(points, 1)];
  const around = common([x0, y0, x1, y1], [0, 0, width, height]);
  const sides = { rows: SAMPLES_PER_AXIS, cols: SAMPLES_PER_AXIS };
  const area = (cover: Box) => {
    const size = (cover[2] - cover[0]) * (cover[3] - cover[1]);
    return size > 0 ? coverage({ ...e, ...sides, cover }, region).reduce((a, b) => a + b) * size : 0;
  };
  const whole = area(around);
  if (whole > 0) return Math.min(1, area(common(around, e.cover)) / whole);
  return patchAt(e, ...regionCenter(region)) === null ? 0 : 1; // a line or a point
}

/** The common part of two boxes; without one, a box of no size. */
function common(a: Box, b: Box): Box {
  const [x, y] = [Math.max(a[0], b[0]), Math.max(a[1], b[1])];
  return [x, y, Math.max(x, Math.min(a[2], b[2])), Math.max(y, Math.min(a[3], b[3]))];
}

/** The part of the picture beside what the model saw, on the side of a point outside of it. */
export function unseenBeside(e: Explanation, [x, y]: Point): Box {
  const { width, height } = e.header.image;
  const [x0, y0, x1, y1] = e.cover;
  if (x < x0) return [0, 0, x0, height];
  if (x > x1) return [x1, 0, width, height];
  return y < y0 ? [0, 0, width, y0] : [0, y1, width, height];
}

/** The fraction of a map's positive values that lies inside a region, given its coverage of each patch. */
export function positiveShare(map: Float64Array, part: Float64Array): number {
  let inside = 0;
  let total = 0;
  for (let i = 0; i < map.length; i++) {
    const value = Math.max(map[i], 0);
    inside += part[i] * value;
    total += value;
  }
  return total > 0 ? inside / total : 0;
}

/** The box of one patch, in original pixels. */
export function patchBox(e: Explanation, patch: number): Box {
  const [x0, y0, x1, y1] = e.cover;
  const [row, col] = [Math.floor(patch / e.cols), patch % e.cols];
  const [width, height] = [(x1 - x0) / e.cols, (y1 - y0) / e.rows];
  return [x0 + col * width, y0 + row * height, x0 + (col + 1) * width, y0 + (row + 1) * height];
}

/** The patch under a point in original pixels; null outside of the area that the model sees. */
export function patchAt(e: Explanation, x: number, y: number): number | null {
  const [x0, y0, x1, y1] = e.cover;
  if (!(x >= x0 && x <= x1 && y >= y0 && y <= y1)) return null;
  const col = Math.min(e.cols - 1, Math.floor(((x - x0) / (x1 - x0)) * e.cols));
  const row = Math.min(e.rows - 1, Math.floor(((y - y0) / (y1 - y0)) * e.rows));
  return row * e.cols + col;
}

/** The patch under a point given as fractions of the picture's width and height; null as for `patchAt`. */
export function patchAtShare(e: Explanation, [u, v]: Point): number | null {
  return patchAt(e, u * e.header.image.width, v * e.header.image.height);
}

/** The closed lines of a region that is no box: its outline, and those of its holes. */
export function regionRings(region: Exclude<Region, { kind: "box" }>): readonly (readonly Point[])[] {
  return region.kind === "thing" ? [region.points, ...region.holes] : [region.points];
}

/** The center of a box, or the mean of a polygon's vertices. */
export function regionCenter(region: Region): Point {
  if (region.kind === "box") {
    const [x0, y0, x1, y1] = region.box;
    return [(x0 + x1) / 2, (y0 + y1) / 2];
  }
  const n = Math.max(1, region.points.length);
  const [x, y] = region.points.reduce(([sx, sy], [px, py]) => [sx + px, sy + py], [0, 0]);
  return [x / n, y / n];
}

export function readingMaps(e: Explanation, reading: string): Float32Array {
  const maps = e.readings.get(reading);
  if (maps) return maps;
  throw new RangeError(`no reading "${reading}" here; there are: ${[...e.readings.keys()].join(", ")}`);
}

function boxCoverage(e: Explanation, box: Box): Float64Array {
  const [cx0, cy0, cx1, cy1] = e.cover;
  const across = spanCoverage(cx0, cx1, e.cols, Math.min(box[0], box[2]), Math.max(box[0], box[2]));
  const down = spanCoverage(cy0, cy1, e.rows, Math.min(box[1], box[3]), Math.max(box[1], box[3]));
  const part = new Float64Array(e.rows * e.cols);
  for (let row = 0, i = 0; row < e.rows; row++) {
    for (let col = 0; col < e.cols; col++, i++) part[i] = down[row] * across[col];
  }
  return part;
}

/** Split `start`..`end` into n equal steps; return the fraction of each that lies between `from` and `to`. */
function spanCoverage(start: number, end: number, n: number, from: number, to: number): Float64Array {
  const step = (end - start) / n;
  return Float64Array.from({ length: n }, (_, k) => {
    const overlap = Math.min(to, start + (k + 1) * step) - Math.max(from, start + k * step);
    return Math.min(1, Math.max(0, overlap / step));
  });
}

function polygonCoverage(e: Explanation, rings: readonly (readonly Point[])[]): Float64Array {
  const [x0, y0, x1, y1] = e.cover;
  const [width, height] = [(x1 - x0) / e.cols, (y1 - y0) / e.rows];
  const part = new Float64Array(e.rows * e.cols);
  const [left, right] = extent(rings[0], 0);
  const [top, bottom] = extent(rings[0], 1);
  for (let row = 0, i = 0; row < e.rows; row++) {
    for (let col = 0; col < e.cols; col++, i++) {
      const px = x0 + col * width;
      const py = y0 + row * height;
      if (px > right || px + width < left || py > bottom || py + height < top) continue;
      let inside = 0;
      for (let sy = 0; sy < SAMPLES_PER_AXIS; sy++) {
        for (let sx = 0; sx < SAMPLES_PER_AXIS; sx++) {
          const x = px + ((sx + 0.5) / SAMPLES_PER_AXIS) * width;
          const y = py + ((sy + 0.5) / SAMPLES_PER_AXIS) * height;
          if (isInside(rings, x, y)) inside++;
        }
      }
      part[i] = inside / (SAMPLES_PER_AXIS * SAMPLES_PER_AXIS);
    }
  }
  return part;
}

/** Test whether a point is inside closed lines, by the even-odd rule. */
function isInside(rings: readonly (readonly Point[])[], x: number, y: number): boolean {
  let inside = false;
  for (const points of rings) {
    for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
      const [xi, yi] = points[i];
      const [xj, yj] = points[j];
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
    }
  }
  return inside;
}

function extent(points: readonly Point[], axis: 0 | 1): [number, number] {
  const values = points.map((p) => p[axis]);
  return [Math.min(...values), Math.max(...values)];
}

/** The largest magnitude among a map's values of the given sign, at least 0: the top of its color scale. */
export function peakValue(map: ArrayLike<number>, sign: Sign): number {
  let [low, high] = [0, 0];
  for (let i = 0; i < map.length; i++) {
    if (map[i] > high) high = map[i];
    else if (map[i] < low) low = map[i];
  }
  return sign === "positive" ? high : sign === "negative" ? -low : Math.max(high, -low);
}
