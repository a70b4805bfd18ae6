import { expect, test } from "vitest";
import { foldRanking, MAX_BARS, topRanked } from "../../src/panel/bars/fold";

const rows = (...values: number[]) => values.map((value, word) => ({ word, value }));
const words = (ranking: readonly { word: number }[]) => ranking.map(({ word }) => word);

test("words below a quarter of the largest, for or against, are folded", () => {
  const { shown, folded } = foldRanking(rows(1, 0.5, 0.25, 0.24, -0.02, -0.3));
  expect(words(shown)).toEqual([0, 1, 2, 5]);
  expect(words(folded)).toEqual([3, 4]);
});

test("a single word is not folded, since the line would take its room", () => {
  expect(foldRanking(rows(1, 0.5, 0.01))).toEqual({ shown: rows(1, 0.5, 0.01), folded: [] });
});

test("in a long caption the weakest of many that count are folded too, and none is lost", () => {
  const many = rows(...Array.from({ length: 20 }, (_, k) => 1 - k / 40));
  const { shown, folded } = foldRanking(many);
  expect(shown).toHaveLength(MAX_BARS);
  expect(words([...shown, ...folded])).toEqual(words(many));
});

test("nothing is folded where all words are at zero", () => {
  expect(foldRanking(rows(0, 0, 0)).folded).toEqual([]);
});

test("few bars keep the leader and those that say most for or against", () => {
  const ranking = rows(5, 4, 1, 0.5, -0.1, -9);
  expect(topRanked(ranking, 3).map(({ value }) => value)).toEqual([5, 4, -9]);
  expect(topRanked(ranking, 9)).toBe(ranking);
});
