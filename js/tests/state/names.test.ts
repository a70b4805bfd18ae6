import { expect, test } from "vitest";
import { disambiguate, nameOf } from "../../src/state/wording";
import { explanation } from "../fixtures";

const said = (caption: string) =>
  disambiguate(caption.split(" ")).map(({ text, beside }) => (beside ? `${text} (${beside})` : text));

test("a word that stands once needs nothing beside it", () => {
  expect(said("two dogs play")).toEqual(["two", "dogs", "play"]);
});

test("equal words are told apart by the next word that stands once", () => {
  expect(said("a bicycle and a tree and a blue sun")).toEqual([
    "a (bicycle)",
    "bicycle",
    "and (tree)",
    "a (tree)",
    "tree",
    "and (blue)",
    "a (blue)",
    "blue",
    "sun",
  ]);
});

test("case aside, and by the word before where none comes after", () => {
  expect(said("The dog sees the")).toEqual(["The (dog)", "dog", "sees", "the (sees)"]);
});

test("by their number where no neighbor tells them apart", () => {
  expect(said("dog and dog")).toEqual(["dog (no. 1)", "and", "dog (no. 2)"]);
  expect(said("so so")).toEqual(["so (no. 1)", "so (no. 2)"]);
});

test("no two words of a caption have the same name", () => {
  for (const caption of ["a a b a a", "red and red or blue and blue", "x y x y x y", "a b a c a b"]) {
    expect(new Set(said(caption)).size).toBe(caption.split(" ").length);
  }
});

test("an explanation's word is called by its name", () => {
  const e = explanation({ words: ["a", "dog", "a", "cat"] });
  expect([0, 1, 2].map((word) => nameOf(e, word))).toEqual(["a (dog)", "dog", "a (cat)"]);
});
