import { expect, test } from "vitest";
import { foldWords } from "../../src/panel/bar-entries";
import { random } from "../fixtures";

const row = (value: number, small = false, marked = false) => ({ value, small, marked });
const values = (rows: readonly { value: number }[]) => rows.map(({ value }) => value);

test("small words, and words below 0.15 of the largest, are folded", () => {
  const { shown, folded } = foldWords([row(1), row(0.5), row(0.15), row(0.08, true), row(0.05), row(-0.01)]);
  expect(values(shown)).toEqual([1, 0.5, 0.15]);
  expect(values(folded)).toEqual([0.08, 0.05, -0.01]);
});

test("a word that is marked as lowering the score has a bar, however short", () => {
  const { shown } = foldWords([row(1), row(-0.06, false, true), row(0.01), row(0.01, true)]);
  expect(values(shown)).toEqual([1, -0.06]);
});

test("words that together exceed the smallest bar get bars until they do not", () => {
  const { shown, folded } = foldWords([row(1), row(0.2), row(0.12), row(0.11), row(0.05), row(0.03)]);
  expect(values(shown)).toEqual([1, 0.2, 0.12, 0.11]);
  expect(values(folded)).toEqual([0.05, 0.03]);
});

test("small words share a row, whatever their sum", () => {
  const { shown, folded } = foldWords([row(1), row(0.2), row(0.15, true), row(0.15, true)]);
  expect(values(shown)).toEqual([1, 0.2]);
  expect(values(folded)).toEqual([0.15, 0.15]);
  const small = [row(0.2, true), row(0.1, true)];
  expect(foldWords(small)).toEqual({ shown: small, folded: [] });
});

test("the other folded words never exceed the smallest bar, and none is lost", () => {
  const next = random(5);
  for (let k = 0; k < 200; k++) {
    const rows = Array.from({ length: 2 + Math.floor(30 * next()) }, () =>
      row(next() ** 3 - 0.2, next() < 0.4),
    );
    const { shown, folded } = foldWords(rows);
    const least = Math.min(...shown.map(({ value }) => Math.abs(value)));
    const hidden = folded.filter(({ small }) => !small).map(({ value }) => Math.abs(value));
    expect(hidden.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(least + 1e-12);
    expect(values([...shown, ...folded]).sort()).toEqual(values(rows).sort());
  }
});

test("a single word is not folded, since its row would take as much room", () => {
  const rows = [row(1), row(0.5), row(0.01)];
  expect(foldWords(rows)).toEqual({ shown: rows, folded: [] });
});

test("nothing is folded if all words are at zero", () => {
  expect(foldWords([row(0), row(0), row(0)]).folded).toEqual([]);
});
