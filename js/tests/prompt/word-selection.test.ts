import { expect, test } from "vitest";
import { toggleWord } from "../../src/prompt/word-selection";

test("clicks pin alone, shift-clicks make a phrase in the caption's order", () => {
  expect(toggleWord([], 2, false)).toEqual([2]);
  expect(toggleWord([2], 2, false)).toEqual([]);
  expect(toggleWord([2, 3], 2, false)).toEqual([2]);
  expect(toggleWord([2], 0, true)).toEqual([0, 2]);
  expect(toggleWord([0, 2], 2, true)).toEqual([0]);
});
