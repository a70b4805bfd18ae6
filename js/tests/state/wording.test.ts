import { expect, test } from "vitest";
import { importanceOf } from "../../src/core/evidence";
import {
  formatImportance,
  formatLocation,
  formatMeasure,
  formatRegionPart,
  phraseLabel,
} from "../../src/state/wording";
import { explanation, SHARE } from "../fixtures";

const e = explanation({ importance: [-0.007, 0.099, 0.01, 0.02], shares: [0.2, 0.1, 0, 0.04] });

test("a bar's help names the whole that it is a part of", () => {
  expect(formatImportance(e, "", 1, 3)).toBe("0.099 of the score 0.342: what the score loses without “dog”.");
  expect(formatImportance(e, "", 0, 3)).toBe(
    "0.007 beside the score 0.342: what the score gains without “a”.",
  );
  expect(formatImportance(e, SHARE.name, 1, 3)).toBe(
    "0.100 of the score 0.342: what Grad-ECLIP gives to “dog”.",
  );
});

test("the help of a region's bar names the whole that it is a part of", () => {
  expect(formatRegionPart(e, "", 1, 0.081, 3)).toBe(
    "0.081 of the 0.099 that the score loses without “dog” lies in this region.",
  );
  expect(formatRegionPart(e, "", 0, -0.005, 3)).toBe(
    "0.005 of the 0.007 that the score gains without “a” lies in this region.",
  );
});

test("a measure without a description has its label", () => {
  const measure = { name: "banzhaf", label: "Banzhaf value", values: [0.1, 0.2, 0, 0], base: null };
  const other = { ...e, header: { ...e.header, importance: [measure] } };
  expect(formatMeasure(importanceOf(other))).toBe("Banzhaf value");
  expect(formatImportance(other, "", 1, 3)).toBe(
    "0.200 of the score 0.342: what “dog” has by “Banzhaf value”.",
  );
});

test("a phrase keeps the caption's own punctuation between neighbors", () => {
  const cats = explanation({ words: ["dog", "cat"], gaps: ["", ", ", ""] });
  expect(phraseLabel(cats, [0, 1])).toBe("dog, cat");
});

test("a map's strongest place has a name", () => {
  const square = explanation({ grid: [3, 3], words: ["a"], rows: [[0, 0, 0, 0, 0, 0, 0, 0, 0]] });
  const at = (k: number) =>
    formatLocation(
      square,
      Array.from({ length: 9 }, (_, i) => (i === k ? 1 : 0)),
    );
  expect([0, 4, 5, 7].map(at)).toEqual(["upper left", "in the center", "middle right", "lower center"]);
});
