import { describe, expect, test } from "vitest";
import { contourLines, enclosedArea, isClosed, smoothPath } from "../../src/core/contour";
import { random } from "../fixtures";

const bump = (rows: number, cols: number, cy: number, cx: number, size: number) =>
  Array.from({ length: rows * cols }, (_, i) =>
    Math.exp(-((Math.floor(i / cols) + 0.5 - cy) ** 2 + ((i % cols) + 0.5 - cx) ** 2) / (2 * size * size)),
  );

describe("contours", () => {
  test("one bump has one closed line around it, at half its height", () => {
    const lines = contourLines(bump(14, 20, 7, 10, 2), 14, 20, 0.5);
    expect(lines).toHaveLength(1);
    expect(isClosed(lines[0])).toBe(true);
    const radius = 2 * Math.sqrt(2 * Math.log(2));
    for (const [x, y] of lines[0]) expect(Math.hypot(x - 10, y - 7)).toBeCloseTo(radius, 0);
    expect(enclosedArea(lines[0])).toBeCloseTo(Math.PI * radius ** 2, -0.7);
  });

  test("a bump on the border has an open line that ends there", () => {
    const [line] = contourLines(bump(8, 8, 0, 4, 1.5), 8, 8, 0.5);
    expect(isClosed(line)).toBe(false);
    expect([line[0][1], line[line.length - 1][1]]).toEqual([0, 0]);
  });

  test("two bumps have two lines, a flat map none", () => {
    const two = bump(10, 20, 5, 4, 1.2).map((v, i) => v + bump(10, 20, 5, 15, 1.2)[i]);
    expect(contourLines(two, 10, 20, 0.5)).toHaveLength(2);
    expect(contourLines(new Float64Array(200), 10, 20, 0.5)).toHaveLength(0);
  });

  test("every line of any map is closed or ends at the border", () => {
    const next = random(11);
    for (let k = 0; k < 40; k++) {
      const map = Array.from({ length: 35 }, next);
      for (const line of contourLines(map, 5, 7, 0.6)) {
        if (isClosed(line)) continue;
        for (const [x, y] of [line[0], line[line.length - 1]]) {
          expect([0, 7].includes(x) || [0, 5].includes(y)).toBe(true);
        }
      }
    }
  });

  test("the path of a closed line is closed", () => {
    expect(smoothPath(contourLines(bump(14, 20, 7, 10, 2), 14, 20, 0.5))).toMatch(/^M[\d. ]+(Q[\d. ]+)+Z$/);
  });
});
