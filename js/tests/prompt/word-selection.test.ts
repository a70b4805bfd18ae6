import { expect, test } from "vitest";
import { toggleWords } from "../../src/prompt/word-selection";

test("clicks pin alone, shift-clicks make a phrase in the caption's order", () => {
  expect(toggleWords([], [2], false)).toEqual([2]);
  expect(toggleWords([2], [2], false)).toEqual([]);
  expect(toggleWords([2, 3], [2], false)).toEqual([2]);
  expect(toggleWords([2], [0], true)).toEqual([0, 2]);
  expect(toggleWords([0, 2], [2], true)).toEqual([0]);
});
