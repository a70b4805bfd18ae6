import { describe, expect, test } from "vitest";
import {
  alignWords,
  createDraft,
  joinCaption,
  negateWord,
  removeWord,
  replaceWord,
  splitCaption,
  wordSpan,
} from "../../src/core/caption";
import { random } from "../fixtures";

/** The word that is changed is between slashes. */
const at = (marked: string): [ReturnType<typeof splitCaption>, number] => {
  const [before, , after] = marked.split("|");
  const caption = splitCaption(marked.replaceAll("|", ""));
  expect(after).toBeDefined();
  return [caption, splitCaption(before).words.length];
};

describe("a caption's words", () => {
  test.each([
    ["a well-fed dog, isn't it?", ["a", "well-fed", "dog", "isn't", "it"]],
    ["3.5 apples, 2", ["3.5", "apples", "2"]],
    ["猫と犬 カレー", ["猫", "と", "犬", "カレー"]],
    ["a 👩🏽‍🚀 and 🇫🇷", ["a", "👩🏽‍🚀", "and", "🇫🇷"]],
    ["  … ", []],
  ])("are split as Python does: %s", (text, words) => {
    expect(splitCaption(text).words).toEqual(words);
  });

  test("and the gaps between them join to the caption", () => {
    for (const text of ["", " a  dog.", "(no) “cat”", "…"])
      expect(joinCaption(splitCaption(text))).toBe(text);
  });

  test("have a position in the text", () => {
    const text = "a red car, a blue car";
    const caption = splitCaption(text);
    expect(text.slice(...wordSpan(caption, 5))).toBe("car");
    expect(wordSpan(caption, 5)).toEqual([18, 21]);
  });
});

describe("aligning two captions", () => {
  test.each([
    ["a red car", "a blue car", [0, null, 2]],
    ["a red car", "a very red car", [0, null, 1, 2]],
    ["a red car", "a car", [0, 2]],
    ["a dog", "a dog and a cat", [0, 1, null, null, null]],
    ["a dog and a cat", "a cat", [0, 4]],
    ["", "a", [null]],
  ])("%s → %s", (before, after, expected) => {
    expect(alignWords(splitCaption(before).words, splitCaption(after).words)).toEqual(expected);
  });

  test("pairs equal words only, in order and each once", () => {
    const next = random(7);
    const words = () => Array.from({ length: Math.floor(9 * next()) }, () => "abc"[Math.floor(3 * next())]);
    for (let k = 0; k < 200; k++) {
      const [before, after] = [words(), words()];
      const pairs = alignWords(before, after).flatMap((i, j) => (i === null ? [] : [[i, j]]));
      for (const [i, j] of pairs) expect(before[i]).toBe(after[j]);
      const sources = pairs.map(([i]) => i);
      expect(sources).toEqual([...new Set(sources)].sort((a, b) => a - b));
    }
  });

  test("a draft equal to the explained caption has the same words, however Python split it", () => {
    const explained = { words: ["New York"], gaps: ["", "!"] };
    expect(createDraft(explained, "New York!")).toEqual({ ...explained, sources: [0] });
    expect(createDraft(explained, "New York").sources).toEqual([null, null]);
  });
});

describe("removing a word", () => {
  test.each([
    ["a |red| car", "a car"],
    ["|a| red car.", "red car."],
    ["a red |car|.", "a red."],
    ["a dog, |running|", "a dog"],
    ["a dog, |running|.", "a dog."],
    ["|Look|, a dog", "a dog"],
    ["a cat, |dog|, bird", "a cat, bird"],
    ["a bicycle, |a| tree", "a bicycle, tree"],
    ["a |dog|, running", "a, running"],
    ["a (|big|) dog", "a dog"],
    ["the “|big|” dog", "the dog"],
    ["a dog / |cat|", "a dog"],
    ["|猫|と犬", "と犬"],
    ["|dog|", ""],
  ])("%s → %s", (marked, expected) => {
    expect(removeWord(...at(marked))).toBe(expected);
  });
});

describe("negating a word", () => {
  test.each([
    ["a |dog| in snow", "no dog in snow"],
    ["An |elephant|.", "No elephant."],
    ["the |dog|", "no dog"],
    ["|a| dog", "no dog"],
    ["a red |car|", "a red no car"],
    ["|dogs| in snow", "no dogs in snow"],
    ["a, |dog|", "a, no dog"],
    ["no |dog| in snow", "dog in snow"],
  ])("%s → %s", (marked, expected) => {
    expect(negateWord(...at(marked))).toBe(expected);
  });
});

test("replacing a word changes nothing else", () => {
  expect(replaceWord(...at("a  |red| car!"), "blue")).toBe("a  blue car!");
});
