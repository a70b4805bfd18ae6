import { describe, expect, test } from "vitest";
import { coverage, phraseMap } from "../../src/core/arithmetic";
import {
  evidenceMap,
  HUE_COUNT,
  highlights,
  importanceOf,
  lowering,
  patchWords,
  places,
  regionWords,
  scaleToTotal,
  scoreWithout,
  shownTogether,
  strengths,
  unknownPart,
  wordEvidence,
} from "../../src/core/evidence";
import type { Explanation } from "../../src/core/types";
import { explanation, random, randomExplanation, SHARE } from "../fixtures";

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);
const whole = (e: Explanation) => new Float64Array(e.rows * e.cols).fill(1);

/** Run a property on a hundred random explanations whose words help and hurt. */
function always(property: (e: Explanation, next: () => number) => void): void {
  const next = random(11);
  for (let k = 0; k < 100; k++) {
    const e = randomExplanation(next);
    const values = e.header.words.map(() => next() - 0.3);
    const measures = [{ ...e.header.importance[0], values }];
    property({ ...e, header: { ...e.header, importance: measures } }, next);
  }
}

/** Six words on a row of six patches, each pointing at the patches that are named. */
const pointing = (places: number[][], importance: number[], words = places.map((_, k) => `w${k}`)) =>
  explanation({
    words,
    grid: [1, 6],
    importance,
    rows: places.map((at) => Array.from({ length: 6 }, (_, i) => (at.includes(i) ? 1 : 0))),
  });

describe("a word's evidence", () => {
  test("sums to the word's importance and has its sign, in every reading", () => {
    always((e) => {
      for (const reading of e.readings.keys()) {
        wordEvidence(e, reading).forEach((map, word) => {
          const importance = importanceOf(e).values[word];
          const sign = Math.sign(importance);
          const some = phraseMap(e, reading, [word]).some((value) => sign * value > 0);
          expect(sum(map)).toBeCloseTo(some ? importance : 0, 12);
          expect(map.every((value) => sign * value >= 0)).toBe(true);
        });
      }
    });
  });

  test("is where the map has the importance's sign, in proportion to it", () => {
    const e = explanation({
      words: ["a", "no"],
      rows: [
        [3, 1, -4, 0, 0, 0],
        [3, 1, -4, 0, 0, -4],
      ],
      importance: [0.8, -0.2],
    });
    const [helps, hurts] = wordEvidence(e, "in caption");
    [0.6, 0.2, 0, 0, 0, 0].forEach((value, i) => {
      expect(helps[i]).toBeCloseTo(value, 12);
    });
    [0, 0, -0.1, 0, 0, -0.1].forEach((value, i) => {
      expect(hurts[i]).toBeCloseTo(value, 12);
    });
  });

  test("uses the reading of what is lost without the word if that was computed", () => {
    const e = explanation();
    expect(wordEvidence(e)).toBe(wordEvidence(e, "left out"));
    const bare = { ...e, readings: new Map([["in caption", e.readings.get("in caption")!]]) };
    expect(wordEvidence(bare)).toBe(wordEvidence(bare, "in caption"));
  });

  test("uses the requested measure, or the default one if that was not computed", () => {
    const e = explanation({ importance: [1, 1, 1, 1], shares: [0.1, 0.2, 0.3, 0.4] });
    expect(sum(wordEvidence(e, "in caption", SHARE.name)[3])).toBeCloseTo(0.4, 12);
    expect(wordEvidence(e, "in caption", "integrated-gradients")).toBe(wordEvidence(e, "in caption"));
  });

  test("of all words is the sum of the positive evidence", () => {
    const e = explanation({
      words: ["a", "b", "no"],
      rows: [
        [1, 1, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, -1],
      ],
      importance: [0.2, 0.3, -1],
    });
    [0.1, 0.4, 0, 0, 0, 0].forEach((value, i) => {
      expect(evidenceMap(e)[i]).toBeCloseTo(value, 12);
    });
  });
});

describe("highlights", () => {
  test("are the words with at least 0.15 of the largest importance, in the caption's order", () => {
    const e = pointing([[0], [1], [2], [3]], [0.04, 1, 0.15, 0.1499]);
    expect(highlights(e).map(({ words }) => words)).toEqual([[1], [2]]);
  });

  test("join neighbors whose evidence is in the same place, and only neighbors", () => {
    const e = pointing([[0], [0, 1], [2], [4], [2]], [1, 1, 1, 0, 1]);
    // Cosine similarity of [0] and [0, 1]: 0.71.
    expect(highlights(e).map(({ words }) => words)).toEqual([[0], [1], [2], [4]]);
    const joined = highlights(pointing([[0, 1], [0, 1], [0, 1], [5]], [0.5, 1, 0.25, 1]));
    expect(joined.map(({ words }) => words)).toEqual([[0, 1, 2], [3]]);
    expect(joined[0].importance).toBeCloseTo(1.75, 12);
  });

  test("join an attribute to its noun, wherever their evidence is", () => {
    const e = pointing([[0], [3], [5]], [0.5, 1, 1]);
    expect(highlights(e).map(({ words }) => words)).toEqual([[0], [1], [2]]);
    const described = pointing([[0], [3], [5]], [0.5, 1, 1]);
    described.header.words[0].attribute = true;
    expect(highlights(described).map(({ words }) => words)).toEqual([[0, 1], [2]]);
    const apart = pointing([[0], [3], [5]], [0.5, 1, 1]);
    apart.header.words[0].attribute = true;
    apart.header.gaps[1] = ", ";
    expect(highlights(apart).map(({ words }) => words)).toEqual([[0], [1], [2]]);
  });

  test("are not joined across a word that does not count", () => {
    expect(highlights(pointing([[0], [0], [0]], [1, 0.01, 1])).map(({ words }) => words)).toEqual([[0], [2]]);
  });

  test("give the six most important a hue, in the caption's order, and the others the neutral color", () => {
    const importance = [0.3, 0.9, 0.25, 0.8, 0.7, 0.6, 0.5, 0.4];
    const found = highlights(pointing([[0], [1], [2], [3], [4], [5], [0], [1]], importance));
    expect(found.map(({ hue }) => hue)).toEqual([null, 0, null, 1, 2, 3, 4, 5]);
    expect(HUE_COUNT).toBe(6);
  });

  test("have their strongest patch, the first if several are equal", () => {
    const e = explanation({ words: ["a"], rows: [[0, 1, 2, 0, 2, 0]], importance: [1] });
    expect(highlights(e)[0].peak).toEqual([0, 2]);
  });

  test("are never words that the model was not trained on", () => {
    const e = pointing([[0], [1], [2]], [1, 0.5, -0.5]);
    e.header.words[0].known = e.header.words[2].known = false;
    expect(highlights(e).map(({ words }) => words)).toEqual([[1]]);
    expect([...lowering(e)]).toEqual([]);
  });

  test("are shown for each of their words but the last, which is shown alone", () => {
    const e = pointing([[0, 1], [0, 1], [0, 1], [5]], [0.5, 1, 0.25, 1]);
    expect([0, 1, 2, 3].map((word) => shownTogether(e, "", word))).toEqual([[0, 1, 2], [0, 1, 2], [2], [3]]);
  });

  test("are empty if no word has positive importance", () => {
    expect(highlights(pointing([[0], [1]], [0, -1]))).toEqual([]);
    expect(highlights(pointing([[], [1]], [1, 0]))).toEqual([]);
  });

  test("have the square root of their importance as strength at their maximum", () => {
    const e = pointing([[0], [3]], [1, 0.25]);
    const [most, less] = strengths(e);
    expect([most[0], less[3], most[3]]).toEqual([1, 0.5, 0]);
  });
});

describe("the words that lower the score", () => {
  test("do so by at least 0.1 of the largest importance in size; small words are not included", () => {
    const e = pointing([[0], [1], [2], [3]], [1, -0.1, -0.0999, -0.5]);
    e.header.words[3].small = true;
    expect([...lowering(e)]).toEqual([1]);
  });

  test("have a score without them", () => {
    const e = explanation({ importance: [0.1, -0.2, 0, 0], adding: { base: 0.1, values: [0, -0.1, 0, 0] } });
    expect(scoreWithout(e, 1)).toBeCloseTo(0.3421 + 0.2, 12);
  });
});

test("the part of unknown words is the difference of base and values to the score", () => {
  const adding = { base: 0.1, values: [0.1, 0.05, 0, 0] };
  const e = explanation({ adding });
  expect(unknownPart(e, importanceOf(e))).toBe(0);
  const some = explanation({ adding, flags: [{}, {}, { known: false }] });
  expect(unknownPart(some, importanceOf(some))).toBeCloseTo(0.3421 - 0.25, 12);
  expect(unknownPart(some, importanceOf(some, "leave-one-out"))).toBe(0); // does not add up
});

describe("the words of a region", () => {
  test("tiles of the picture sum to each word's importance", () => {
    always((e, next) => {
      const part = Float64Array.from({ length: e.rows * e.cols }, next);
      const rest = part.map((c) => 1 - c);
      const value = (of: Float64Array, word: number) =>
        regionWords(e, "alone", "", of).find((row) => row.word === word)!.value;
      e.header.words.forEach((_, word) => {
        const all = value(whole(e), word);
        expect(value(part, word) + value(rest, word)).toBeCloseTo(all, 12);
        expect([0, importanceOf(e).values[word]].some((v) => Math.abs(v - all) < 1e-9)).toBe(true);
      });
    });
  });

  test("ranks every word once, most first; ties stay in the caption's order", () => {
    always((e) => {
      const ranked = regionWords(e, "in caption", "", coverage(e, { kind: "box", box: [0, 0, 30, 30] }));
      expect(ranked.map(({ word }) => word).sort()).toEqual(e.header.words.map((_, k) => k).sort());
      ranked.slice(1).forEach(({ value }, k) => {
        expect(ranked[k].value).toBeGreaterThanOrEqual(value);
      });
    });
    const e = pointing([[0], [0], [0], [0]], [0.1, 0.2, 0.1, 0.2]);
    expect(regionWords(e, "in caption", "", whole(e)).map(({ word }) => word)).toEqual([1, 3, 0, 2]);
  });

  test("of one patch has the values of that patch", () => {
    const e = explanation();
    const patch = new Float64Array(6);
    patch[2] = 1;
    expect(patchWords(e, "in caption", "", 2)).toEqual(regionWords(e, "in caption", "", patch));
    expect(patchWords(e, "in caption", "", 2)[0]).toEqual({ word: 2, value: importanceOf(e).values[2] });
  });
});

describe("the place of a word", () => {
  test("is where it has the most evidence, and enough of its own", () => {
    const e = pointing([[0, 1], [], [1, 5], []], [0.4, 0, 0.2, 0]);
    expect(places(e)).toEqual([0, 0, 0, -1, 1, 1]);
  });

  test("is the same for words with evidence in the same place", () => {
    const e = pointing([[0, 1], [5], [0, 1, 2], []], [0.2, 0.2, 0.2, 0]);
    expect(places(e)).toEqual([0, 0, 0, -1, 1, 1]);
  });
});

describe("a map in units of the score", () => {
  test("sums to its total over the values of the same sign", () => {
    const map = [1, 3, -2];
    expect(scaleToTotal(0.8, map) * (1 + 3)).toBeCloseTo(0.8, 12);
    expect(scaleToTotal(-0.8, map) * -2).toBeCloseTo(-0.8, 12);
  });

  test("is zero if no value has that sign", () => {
    expect(scaleToTotal(0.8, [-1, 0])).toBe(0);
  });
});
