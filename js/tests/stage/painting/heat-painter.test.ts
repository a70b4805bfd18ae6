import { describe, expect, test } from "vitest";
import { peakValue } from "../../../src/core/arithmetic";
import { heatSize, paintMap } from "../../../src/stage/painting/heat-painter";
import { random } from "../../fixtures";

const gray = Uint32Array.from({ length: 256 }, (_, k) => k);

function paint(
  map: number[],
  rows: number,
  cols: number,
  sign: "positive" | "negative" | "both",
): Uint32Array {
  const pixels = new Uint32Array(rows * cols * 64);
  paintMap(pixels, 8 * cols, 8 * rows, map, rows, cols, sign, peakValue(map, sign), gray);
  return pixels;
}

describe("painting", () => {
  test("a patch's center has its value, the border repeats, and between is linear", () => {
    const pixels = paint([0, 1], 1, 2, "positive");
    expect(pixels[0]).toBe(0);
    expect(pixels[15]).toBe(255);
    const row = [...pixels.slice(4, 12)];
    row.forEach((v, k) => {
      expect(Math.abs(v - 255 * ((k + 0.5) / 8))).toBeLessThan(1);
    });
  });

  test("never leaves the range of the map's own values", () => {
    const next = random(3);
    for (let k = 0; k < 30; k++) {
      const map = Array.from({ length: 12 }, () => 2 * next() - 1);
      for (const sign of ["positive", "negative", "both"] as const) {
        expect(paint(map, 3, 4, sign).every((v) => v >= 0 && v <= 255)).toBe(true);
      }
    }
  });

  test("negative shows what speaks against, and both puts zero in the middle", () => {
    expect(paint([-2, 1], 1, 2, "negative")[0]).toBe(255);
    expect(paint([-2, 1], 1, 2, "negative")[15]).toBe(0);
    expect(paint([0, 0.0, 1, -1], 1, 4, "both")[4]).toBe(128);
  });

  test("a map without evidence of the shown sign is painted empty", () => {
    expect(new Set(paint([-1, -2], 1, 2, "positive"))).toEqual(new Set([0]));
  });

  test("the canvas stays modest for fine and coarse grids", () => {
    expect(heatSize(14, 20)).toEqual([260, 182]);
    expect(heatSize(1, 1)).toEqual([256, 256]);
    expect(Math.max(...heatSize(60, 80))).toBeLessThanOrEqual(400);
  });
});
