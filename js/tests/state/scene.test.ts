// @vitest-environment happy-dom
import { describe, expect, test } from "vitest";
import { evidenceMap } from "../../src/core/evidence";
import type { Explanation } from "../../src/core/types";
import { MemoryModel } from "../../src/state/model";
import { deriveScene, subtractedExplanation } from "../../src/state/scene";
import { Store } from "../../src/state/store";
import type { Synced } from "../../src/state/synced";
import { explanation } from "../fixtures";

const scene = (state: Partial<Synced>, e = explanation(), versus?: Explanation) => {
  const rows = [e, ...(versus ? [versus] : [])].map((explanation) => ({ text: "", explanation }));
  const store = new Store(new MemoryModel({ versus: versus ? 1 : null, ...state }));
  return deriveScene(store, { rows, explanation: e, failure: "" });
};

const spread = (value: number) => Array.from({ length: 6 }, () => value);

describe("which map is shown", () => {
  test("the words' evidence together, if nothing is pinned or hovered", () => {
    const shown = scene({});
    expect([shown.words, shown.together]).toEqual([[], true]);
    expect([...shown.map]).toEqual([...evidenceMap(explanation())]);
    expect(shown.highlights.map(({ words }) => words)).toEqual([[0], [1], [2], [3]]);
  });

  test("the whole caption's, if that is chosen", () => {
    const shown = scene({ overview: "caption" });
    expect([...shown.map]).toEqual([...explanation().captionMap]);
    expect(shown.together).toBe(false);
    expect(shown.highlights).toEqual(scene({}).highlights); // the words keep their colors
  });

  test("the whole caption's, if the words cannot be shown together", () => {
    expect(scene({ sign: "both" }).overview).toBe("caption");
    expect(scene({}, explanation({ header: { reference: true } })).overview).toBe("caption");
  });

  test("one word's while it is hovered; the others keep their colors in the caption", () => {
    const shown = scene({ hovered_word: 1 });
    expect(shown.together).toBe(false);
    expect(shown.highlights).toHaveLength(4);
  });

  test("has a unit in which it sums to its part of the score", () => {
    const positive = ({ map, unit }: ReturnType<typeof scene>) =>
      unit * map.reduce((sum, value) => sum + Math.max(value, 0), 0);
    expect(positive(scene({ hovered_word: 1 }))).toBeCloseTo(0.2, 12);
    expect(positive(scene({ selected_words: [1, 3] }))).toBeCloseTo(0.6, 12);
    expect(positive(scene({ overview: "caption" }))).toBeCloseTo(0.3421, 12);
    expect(positive(scene({}))).toBeCloseTo(1, 12); // 0.1 + 0.2 + 0.3 + 0.4
  });

  test("a word's in proportion to its importance: all words have one scale", () => {
    const e = explanation({ importance: [0.01, 0.4, 0.2, 0.1] });
    const of = (word: number) => scene({ hovered_word: word }, e);
    expect([0, 1, 2, 3].map((word) => of(word).top)).toEqual(Array(4).fill(of(1).peak));
    expect(of(0).peak / of(0).top).toBeCloseTo(0.01 / 0.4, 12);
    expect(of(1).peak / of(1).top).toBe(1);
  });

  test("the evidence against a word that lowers the score", () => {
    const e = explanation({ importance: [0.1, -0.2, 0.3, 0.4] });
    const { sign, map, peak } = scene({ hovered_word: 1 }, e);
    expect(sign).toBe("negative");
    expect(map.reduce((sum, value) => sum + Math.min(value, 0), 0)).toBeCloseTo(-0.2, 12);
    expect(peak).toBeCloseTo(0.2 / 5, 12); // five equal patches are against it
  });

  test("no map of a word that the model was never trained on", () => {
    const e = explanation({ flags: [{}, { known: false }], importance: [0.1, 0, 0.3, 0.4] });
    expect(scene({ hovered_word: 1 }, e).peak).toBe(0);
    const both = scene({ selected_words: [1, 3] }, e);
    expect([...both.map]).toEqual([...scene({ selected_words: [3] }, e).map]);
  });

  test("an attribute's together with its noun's", () => {
    const rows = [spread(-1), [0, 2, 0, 0, 0, 0], [0, 3, 0, 0, 0, 0], spread(-1)];
    const e = explanation({ words: ["a", "red", "circle", "here"], rows, importance: [0, 0.2, 0.3, 0] });
    expect([1, 2].map((word) => scene({ hovered_word: word }, e).label)).toEqual(["red circle", "circle"]);
  });

  test("the hovered word's, not the pinned words'", () => {
    expect(scene({ selected_words: [0, 1], hovered_word: 3 }).words).toEqual([3]);
  });

  test("the pinned phrase's, as one label", () => {
    expect(scene({ selected_words: [1, 3] }).label).toBe("dog + snow");
    expect(scene({ selected_words: [2, 3] }).label).toBe("in snow");
  });

  test("words that this caption does not have are ignored", () => {
    expect(scene({ selected_words: [9], hovered_word: 77 }).words).toEqual([]);
  });

  test("a reading that the payload lacks falls back to its first", () => {
    expect(scene({ reading: "upside down" }).reading).toBe("in caption");
  });
});

describe("what is ranked", () => {
  test("words by importance, until there is a region", () => {
    expect(scene({}).ranking.map(({ word }) => word)).toEqual([3, 2, 1, 0]);
    const region = { kind: "box", box: [20, 0, 40, 20] } as const; // the patch of "dog"
    const [leading] = scene({ region }).ranking;
    expect(leading.word).toBe(1);
    expect(leading.value).toBeCloseTo(0.2, 12); // all that "dog" brings lies there
  });

  test("by the requested measure, in decimals that show its largest value", () => {
    const e = explanation({ importance: [0.4, 0.3, 0.2, 0.1], shares: [0, 0.001, 0.002, 0.003] });
    expect(scene({}, e).ranking[0].word).toBe(0);
    expect(scene({ importance: "grad-eclip" }, e).ranking[0].word).toBe(3);
    expect([scene({}, e).decimals, scene({ importance: "grad-eclip" }, e).decimals]).toEqual([3, 4]);
    expect(scene({ importance: "unheard of" }, e).measure).toBe("leave-one-out");
  });

  test("a region and a word together have a share", () => {
    const region = { kind: "box", box: [20, 0, 40, 20] } as const;
    expect(scene({ region, selected_words: [1] }).share).toBe(1);
    expect(scene({ region }).share).toBeNull();
  });
});

describe("the difference of two prompts", () => {
  const red = explanation({ words: ["a", "red", "car"], rows: [spread(1), spread(2), spread(3)] });
  const blue = explanation({
    words: ["a", "blue", "car"],
    rows: [spread(1), spread(7), spread(3)],
    importance: [0.1, 0.7, 0.3],
  });
  const between = (state: Partial<Synced>) => scene(state, red, blue);

  test("is shown while no word is chosen, with both signs", () => {
    expect(between({}).sign).toBe("both");
    expect([between({ hovered_word: 2 }).label, between({ hovered_word: 2 }).sign]).toEqual([
      "car",
      "positive",
    ]);
  });

  test("is one quantity: map and bars add up to the difference of the scores", () => {
    const sums = (base: number, cosine: number, values: number[], words: string[]) =>
      explanation({
        words,
        rows: [spread(1), [3, -1, 0, 0, 2, 0], [0, 0, -2, 1, 0, 1]],
        adding: { base, values },
        header: { score: { cosine, logit: null, scale: null, bias: null, probability: null } },
      });
    const own = sums(0.3, 0.55, [0.02, 0.18, 0.05], ["a", "red", "car"]);
    const other = sums(0.3, 0.38, [0.01, -0.06, 0.13], ["a", "blue", "car"]);
    for (const importance of ["", "leave-one-out"]) {
      const { map, ranking, others, measure } = scene({ importance }, own, other);
      const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
      expect(measure).toBe("shapley"); // leaving words out does not add up
      expect(sum([...map])).toBeCloseTo(0.55 - 0.38, 9);
      expect(sum([...ranking, ...others].map(({ value }) => value))).toBeCloseTo(0.55 - 0.38, 9);
    }
  });

  test("ranks the words of both by the difference of their values in a region", () => {
    const { ranking, others } = between({ region: { kind: "box", box: [0, 0, 60, 40] } });
    expect(ranking.map(({ word }) => word)).toEqual([1, 0, 2]);
    expect(ranking.map(({ value }) => value)).toEqual([expect.closeTo(0.2), 0, 0]);
    expect(others).toEqual([{ word: 1, value: expect.closeTo(-0.7) }]);
  });

  test("exists only for another prompt on the same grid", () => {
    const rows = (e: typeof red) => [
      { text: "", explanation: red },
      { text: "", explanation: e },
    ];
    const store = (versus: number | null) => new Store(new MemoryModel({ versus }));
    expect(subtractedExplanation(rows(blue), store(1), red)).toBe(blue);
    expect(subtractedExplanation(rows(blue), store(0), red)).toBeNull();
    expect(subtractedExplanation(rows(blue), store(7), red)).toBeNull();
    expect(subtractedExplanation(rows(explanation({ grid: [3, 3] })), store(1), red)).toBeNull();
  });
});

describe("a requested caption", () => {
  const asking = (state: Partial<Synced>) => scene({ live: true, prompt: "a cat in snow.", ...state }).draft;

  test("keeps the words that it shares with the explained one", () => {
    expect(asking({}).words).toEqual(["a", "cat", "in", "snow"]);
    expect(asking({}).sources).toEqual([0, null, 2, 3]);
  });

  test("is not shown after an error, or without a kernel", () => {
    expect(asking({ status: "error" }).words).toEqual(["a", "dog", "in", "snow"]);
    expect(asking({ live: false }).words).toEqual(["a", "dog", "in", "snow"]);
  });
});
