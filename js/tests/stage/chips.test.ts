import { expect, test } from "vitest";
import type { Point } from "../../src/core/types";
import { placeChips, type Size } from "../../src/stage/chips";
import { random } from "../fixtures";

const picture: Size = { width: 400, height: 300 };
const chip: Size = { width: 60, height: 20 };

test("a chip is above its peak", () => {
  expect(placeChips([[200, 150]], [chip], picture)).toEqual([[170, 121]]);
});

test("and is moved inwards, or below, at the picture's border", () => {
  const [corner, top] = placeChips(
    [
      [2, 298],
      [200, 4],
    ],
    [chip, chip],
    picture,
  );
  expect(corner).toEqual([6, 269]);
  expect(top![1]).toBeGreaterThan(4);
});

test("chips stay inside the picture and cover neither each other nor other peaks", () => {
  const next = random(5);
  for (let run = 0; run < 200; run++) {
    const peaks = Array.from({ length: 6 }, (): Point => [400 * next(), 300 * next()]);
    const sizes = peaks.map((): Size => ({ width: 30 + 100 * next(), height: 21 }));
    const placed = placeChips(peaks, sizes, picture);
    const rects = placed.flatMap((at, k) =>
      at ? [{ k, x0: at[0], y0: at[1], x1: at[0] + sizes[k].width, y1: at[1] + sizes[k].height }] : [],
    );
    expect(rects.length).toBeGreaterThan(0);
    for (const a of rects) {
      expect(Math.min(a.x0, a.y0, picture.width - a.x1, picture.height - a.y1)).toBeGreaterThanOrEqual(0);
      for (const b of rects) {
        if (a.k !== b.k) expect(a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1).toBe(false);
      }
      peaks.forEach(([x, y], k) => {
        if (k !== a.k) expect(x > a.x0 && x < a.x1 && y > a.y0 && y < a.y1).toBe(false);
      });
    }
  }
});

test("the first of the list is placed if several need one place", () => {
  const crowd = Array.from({ length: 12 }, (): Point => [200, 150]);
  const placed = placeChips(
    crowd,
    crowd.map(() => ({ width: 380, height: 40 })),
    picture,
  );
  expect(placed[0]).not.toBeNull();
  expect(placed).toContain(null);
});

test("a small picture has no room for names", () => {
  expect(placeChips([[80, 80]], [chip], { width: 160, height: 160 })).toEqual([null]);
  expect(placeChips([[200, 100]], [{ width: 500, height: 20 }], picture)).toEqual([null]);
});
