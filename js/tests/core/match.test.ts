import { expect, test } from "vitest";
import { formatStanding, standing } from "../../src/core/match";

const unrelated = Array.from({ length: 200 }, (_, k) => k / 1000); // 0 to 0.199

test("a score is said to match where it is above 95 % of the unrelated sentences", () => {
  const said = [0.5, 0.1985, 0.195, 0.1899, 0.1, -1].map((score) =>
    formatStanding(standing(score, unrelated)),
  );
  expect(said).toEqual([
    "higher than all 200 unrelated sentences",
    "higher than 99 % of 200 unrelated sentences",
    "higher than 97 % of 200 unrelated sentences",
    "higher than 95 % of 200 unrelated sentences",
    "no better than an unrelated sentence",
    "no better than an unrelated sentence",
  ]);
  expect(standing(0.1899, unrelated).weak).toBe(false);
  expect(standing(0.1889, unrelated).weak).toBe(true);
});

test("the span of the unrelated sentences is that of nine in ten", () => {
  const { low, high, most, count } = standing(0.3, unrelated);
  expect([low, high, most, count]).toEqual([0.01, 0.189, 0.199, 200]);
});
