import { describe, expect, test } from "vitest";
import {
  coverage,
  mapDifference,
  patchAt,
  patchBox,
  phraseMap,
  positiveShare,
  rankDifference,
  softmax,
} from "../../src/core/arithmetic";
import type { Region } from "../../src/core/types";
import { explanation, random, randomExplanation } from "../fixtures";

const box = (x0: number, y0: number, x1: number, y1: number): Region => ({
  kind: "box",
  box: [x0, y0, x1, y1],
});
const polygon = (...points: [number, number][]): Region => ({ kind: "polygon", points });
const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);

/** Another random explanation on the same grid. */
const randomLike = (next: () => number, { rows, cols }: ReturnType<typeof explanation>) =>
  explanation({
    words: ["a"],
    grid: [rows, cols],
    rows: [Array.from({ length: rows * cols }, () => next() - 0.5)],
  });

/** Run a property on a hundred random explanations. */
function always(property: (next: () => number, e: ReturnType<typeof randomExplanation>) => void): void {
  const next = random(7);
  for (let k = 0; k < 100; k++) property(next, randomExplanation(next));
}

describe("maps", () => {
  test("a phrase is the sum of its words, in any reading", () => {
    always((_, e) => {
      const words = e.header.words.map((_, k) => k);
      for (const reading of e.readings.keys()) {
        const parts = words.map((w) => phraseMap(e, reading, [w]));
        phraseMap(e, reading, words).forEach((value, i) => {
          expect(value).toBeCloseTo(sum(parts.map((p) => p[i])), 12);
        });
      }
    });
  });

  test("the error for an unknown reading names it and the known ones", () => {
    expect(() => phraseMap(explanation(), "upside down", [0])).toThrow(
      /"upside down".*in caption, alone, left out/,
    );
  });
});

describe("two prompts", () => {
  test("the difference of their maps sums what one region gives them, one minus the other", () => {
    always((next, e) => {
      const other = randomLike(next, e);
      const part = Float64Array.from({ length: e.rows * e.cols }, next);
      const inside = (map: ArrayLike<number>) => sum(Array.from(map, (value, i) => value * part[i]));
      const difference = mapDifference(e.captionMap, other.captionMap);
      expect(inside(difference)).toBeCloseTo(inside(e.captionMap) - inside(other.captionMap), 9);
    });
  });

  test("their words: shared ones with their difference, those of the other only with their negated value", () => {
    // "a red car" minus "a blue car"
    const own = [2, 5, 1].map((value, word) => ({ word, value }));
    const other = [3, 4, 0.5].map((value, word) => ({ word, value }));
    const [words, others] = rankDifference(own, other, [0, null, 2]);
    expect(words).toEqual([
      { word: 1, value: 5 },
      { word: 2, value: 0.5 },
      { word: 0, value: -1 },
    ]);
    expect(others).toEqual([{ word: 1, value: -4 }]);
  });

  test("share the match by softmax: a sum of one, independent of a constant in all logits", () => {
    const shares = softmax([1, 2, 3]);
    expect(sum(shares)).toBeCloseTo(1, 12);
    expect(shares[2] / shares[1]).toBeCloseTo(Math.E, 9);
    softmax([1001, 1002, 1003]).forEach((share, k) => {
      expect(share).toBeCloseTo(shares[k], 9);
    });
  });
});

describe("coverage of a box", () => {
  test("of the whole picture is one everywhere", () => {
    always((_, e) => {
      const { width, height } = e.header.image;
      for (const c of coverage(e, box(0, 0, width, height))) expect(c).toBeCloseTo(1, 12);
    });
  });

  test("sums to the box's area in patches, where the box lies within the cover", () => {
    always((next, e) => {
      const [x0, y0, x1, y1] = e.cover;
      const [a, b] = [next() * 0.5, 0.5 + next() * 0.5];
      const region = box(x0 + a * (x1 - x0), y0 + a * (y1 - y0), x0 + b * (x1 - x0), y0 + b * (y1 - y0));
      expect(sum(coverage(e, region))).toBeCloseTo((b - a) ** 2 * e.rows * e.cols, 9);
    });
  });

  test("of exactly one patch is one there and zero elsewhere", () => {
    always((next, e) => {
      const patch = Math.floor(next() * e.rows * e.cols);
      const part = coverage(e, { kind: "box", box: patchBox(e, patch) });
      expect(part[patch]).toBeCloseTo(1, 9);
      expect(sum(part)).toBeCloseTo(1, 9);
    });
  });

  test("counts the patch under a box without area", () => {
    expect([...coverage(explanation(), box(30, 10, 30, 10))]).toEqual([0, 1, 0, 0, 0, 0]);
  });

  test("is zero outside of what the model sees", () => {
    const e = explanation({ cover: [20, 0, 60, 40] });
    expect(sum(coverage(e, box(0, 0, 10, 10)))).toBe(0);
  });
});

describe("coverage of a polygon", () => {
  test("agrees with a box of the same shape within the sampling", () => {
    always((next, e) => {
      const { width, height } = e.header.image;
      const [x0, x1] = [0.4 * next() * width, (0.6 + 0.4 * next()) * width];
      const [y0, y1] = [0.4 * next() * height, (0.6 + 0.4 * next()) * height];
      const asBox = coverage(e, box(x0, y0, x1, y1));
      coverage(e, polygon([x0, y0], [x1, y0], [x1, y1], [x0, y1])).forEach((c, i) => {
        expect(Math.abs(c - asBox[i])).toBeLessThanOrEqual(0.27); // two edges, half a sample row each, twice
      });
    });
  });

  test("follows the even-odd rule: a hole is not covered", () => {
    const e = explanation({ grid: [1, 1], size: [8, 8], words: ["a"], rows: [[1]] });
    const ring = polygon([0, 0], [8, 0], [8, 8], [0, 8], [0, 0], [2, 2], [6, 2], [6, 6], [2, 6], [2, 2]);
    expect(coverage(e, ring)[0]).toBe(48 / 64);
  });

  test("smaller than the sampling counts the patch under its center", () => {
    expect([...coverage(explanation(), polygon([50, 30.1], [50.1, 30.1], [50, 30.2]))]).toEqual([
      0, 0, 0, 0, 0, 1,
    ]);
  });
});

describe("the words of a region", () => {
  test("shares of a region and of the rest add up to all positive evidence", () => {
    always((next, e) => {
      const part = Float64Array.from({ length: e.rows * e.cols }, next);
      const rest = part.map((c) => 1 - c);
      const words = e.header.words.map((_, k) => k);
      const map = phraseMap(e, "alone", words);
      const total = positiveShare(map, part) + positiveShare(map, rest);
      const some = map.some((v) => v > 0);
      expect(total).toBeCloseTo(some ? 1 : 0, 9);
    });
  });

  test("a word without positive evidence has no share", () => {
    const e = explanation({ words: ["no"], rows: [[-1, -1, -1, -1, -1, -1]] });
    expect(positiveShare(phraseMap(e, "in caption", [0]), coverage(e, box(0, 0, 60, 40)))).toBe(0);
  });
});

describe("patches", () => {
  test("the patch under the middle of a patch's box is that patch", () => {
    always((next, e) => {
      const patch = Math.floor(next() * e.rows * e.cols);
      const [x0, y0, x1, y1] = patchBox(e, patch);
      expect(patchAt(e, (x0 + x1) / 2, (y0 + y1) / 2)).toBe(patch);
    });
  });

  test("there is no patch outside the cover", () => {
    expect(patchAt(explanation({ cover: [20, 0, 60, 40] }), 10, 10)).toBeNull();
  });
});
