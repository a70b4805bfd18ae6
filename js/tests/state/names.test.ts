import { expect, test } from "vitest";
import { disambiguate, nameOf } from "../../src/state/wording";
import { explanation } from "../fixtures";

const said = (caption: string) =>
  disambiguate(caption.split(" ")).map(({ text, beside }) => (beside ? `${text} (${beside})` : text));

test("a word that occurs once needs no addition", () => {
  expect(said("two dogs play")).toEqual(["two", "dogs", "play"]);
});

test("equal words are distinguished by the next word that occurs once", () => {
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

test("ignoring case, and by the word before if none comes after", () => {
  expect(said("The dog sees the")).toEqual(["The (dog)", "dog", "sees", "the (sees)"]);
});

test("by their number if no neighbor distinguishes them", () => {
  expect(said("dog and dog")).toEqual(["dog (no. 1)", "and", "dog (no. 2)"]);
  expect(said("so so")).toEqual(["so (no. 1)", "so (no. 2)"]);
});

test("no two words of a caption have the same name", () => {
  for (const caption of ["a a b a a", "red and red or blue and blue", "x y x y x y", "a b a c a b"]) {
    expect(new Set(said(caption)).size).toBe(caption.split(" ").length);
  }
});

test("a word of an explanation has its name", () => {
  const e = explanation({ words: ["a", "dog", "a", "cat"] });
  expect([0, 1, 2].map((word) => nameOf(e, word))).toEqual(["a (dog)", "dog", "a (cat)"]);
});
