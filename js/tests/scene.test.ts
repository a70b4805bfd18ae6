// @vitest-environment happy-dom
import { describe, expect, test } from "vitest";
import { MemoryModel } from "../src/memory";
import { deriveScene, phraseLabel, subtracted, topRanked, whereabouts } from "../src/scene";
import { EVERYTHING, Store, type Synced, toggleWord } from "../src/state";
import { explanation } from "./fixtures";

const scene = (state: Partial<Synced>, e = explanation()) =>
  deriveScene(e, new Store(new MemoryModel(state)), null, EVERYTHING);

const spread = (value: number) => Array.from({ length: 6 }, () => value);

describe("which map is shown", () => {
  test("the whole caption's, where nothing is pinned or hovered", () => {
    expect(scene({}).words).toEqual([]);
    expect([...scene({}).map]).toEqual([...explanation().captionMap]);
  });

  test("the hovered word's, over what is pinned", () => {
    expect(scene({ selected_words: [0, 1], hovered_word: 3 }).words).toEqual([3]);
  });

  test("the pinned phrase's, as one label", () => {
    expect(scene({ selected_words: [1, 3] }).label).toBe("dog + snow");
    expect(scene({ selected_words: [2, 3] }).label).toBe("in snow");
  });

  test("words that this caption does not have are passed over", () => {
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
    expect(scene({ region }).ranking[0]).toEqual({ word: 1, value: 2 });
  });

  test("a region and a word together have a share", () => {
    const region = { kind: "box", box: [20, 0, 40, 20] } as const;
    expect(scene({ region, selected_words: [1] }).share).toBe(1);
    expect(scene({ region }).share).toBeNull();
  });

  test("a weak word knows its strength beside the strongest", () => {
    expect(scene({ hovered_word: 0 }).strength).toBeCloseTo(0.25);
    expect(scene({ hovered_word: 3 }).strength).toBe(1);
  });

  test("few bars keep the leader and those that say most for or against", () => {
    const ranking = [5, 4, 1, 0.5, -0.1, -9].map((value, word) => ({ word, value }));
    expect(topRanked(ranking, 3).map(({ value }) => value)).toEqual([5, 4, -9]);
    expect(topRanked(ranking, 9)).toBe(ranking);
  });
});

describe("the difference of two prompts", () => {
  const red = explanation({ words: ["a", "red", "car"], rows: [spread(1), spread(2), spread(3)] });
  const blue = explanation({ words: ["a", "blue", "car"], rows: [spread(1), spread(7), spread(3)] });
  const between = (state: Partial<Synced>) =>
    deriveScene(red, new Store(new MemoryModel(state)), null, EVERYTHING, blue);

  test("is shown while no word is chosen, and named by what they do not share", () => {
    expect([...between({}).map]).toEqual(spread(2 - 7));
    expect(between({}).label).toBe("red − blue");
    expect([...between({ hovered_word: 1 }).map]).toEqual(spread(2));
    expect(between({ hovered_word: 1 }).label).toBe("red");
  });

  test("ranks the words of both by what a region gives the one more than the other", () => {
    const { ranking, others } = between({ region: { kind: "box", box: [0, 0, 60, 40] } });
    expect(ranking.map(({ word, value }) => [word, value])).toEqual([
      [1, 12],
      [0, 0],
      [2, 0],
    ]);
    expect(others).toEqual([{ word: 1, value: -42 }]);
  });

  test("is of another prompt on the same grid only", () => {
    const rows = (e: typeof red) => [
      { text: "", explanation: red },
      { text: "", explanation: e },
    ];
    const store = (versus: number | null) => new Store(new MemoryModel({ versus }));
    expect(subtracted(rows(blue), store(1), red)).toBe(blue);
    expect(subtracted(rows(blue), store(0), red)).toBeNull();
    expect(subtracted(rows(blue), store(7), red)).toBeNull();
    expect(subtracted(rows(explanation({ grid: [3, 3] })), store(1), red)).toBeNull();
  });
});

describe("a caption that is asked for", () => {
  const asking = (state: Partial<Synced>) => scene({ live: true, prompt: "a cat in snow.", ...state }).draft;

  test("keeps the words that it shares with the one on show", () => {
    expect(asking({}).words).toEqual(["a", "cat", "in", "snow"]);
    expect(asking({}).sources).toEqual([0, null, 2, 3]);
  });

  test("is no more shown once it was refused, or where there is no model", () => {
    expect(asking({ status: "error" }).words).toEqual(["a", "dog", "in", "snow"]);
    expect(asking({ live: false }).words).toEqual(["a", "dog", "in", "snow"]);
  });
});

test("clicks pin alone, shift-clicks make a phrase in the caption's order", () => {
  expect(toggleWord([], 2, false)).toEqual([2]);
  expect(toggleWord([2], 2, false)).toEqual([]);
  expect(toggleWord([2, 3], 2, false)).toEqual([2]);
  expect(toggleWord([2], 0, true)).toEqual([0, 2]);
  expect(toggleWord([0, 2], 2, true)).toEqual([0]);
});

test("a map's strongest place has a name", () => {
  const e = explanation({ grid: [3, 3], words: ["a"], rows: [[0, 0, 0, 0, 0, 0, 0, 0, 0]] });
  const at = (k: number) =>
    whereabouts(
      e,
      Array.from({ length: 9 }, (_, i) => (i === k ? 1 : 0)),
    );
  expect([0, 4, 5, 7].map(at)).toEqual(["upper left", "in the centre", "middle right", "lower centre"]);
});

test("a phrase keeps the caption's own punctuation between neighbours", () => {
  const e = explanation({ words: ["dog", "cat"], gaps: ["", ", ", ""] });
  expect(phraseLabel(e, [0, 1])).toBe("dog, cat");
});
