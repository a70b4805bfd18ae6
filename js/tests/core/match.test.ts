import { expect, test } from "vitest";
import { formatStanding, standing } from "../../src/core/match";

const unrelated = Array.from({ length: 200 }, (_, k) => k / 1000); // 0 to 0.199

test("a score matches if it is above 98 % of the unrelated sentences", () => {
  const said = [0.5, 0.1985, 0.1955, 0.1949, 0.1795, 0.1789, -1].map((score) =>
    formatStanding(standing(score, unrelated)),
  );
  expect(said).toEqual([
    "higher than all 200 unrelated sentences",
    "higher than 99 % of 200 unrelated sentences",
    "higher than 98 % of 200 unrelated sentences",
    "little better than an unrelated sentence (higher than 97 % of 200)",
    "little better than an unrelated sentence (higher than 90 % of 200)",
    "no better than an unrelated sentence (higher than 89 % of 200)",
    "no better than an unrelated sentence (higher than 0 % of 200)",
  ]);
  const matches = [0.1955, 0.1949, 0.1789].map((score) => standing(score, unrelated).match);
  expect(matches).toEqual(["clear", "little", "none"]);
});

test("the span of the unrelated sentences covers nine in ten", () => {
  const { low, high, most, count } = standing(0.3, unrelated);
  expect([low, high, most, count]).toEqual([0.01, 0.189, 0.199, 200]);
});
