import { describe, expect, test } from "vitest";
import { peak } from "../../src/core/arithmetic";
import { colourAt, cssGradient, lookupTable, SCALE_NAMES } from "../../src/core/color-scale";
import { heatSize, paintMap } from "../../src/stage/heat-painter";
import { random } from "../fixtures";

const grey = Uint32Array.from({ length: 256 }, (_, k) => k);

/** CIE lightness of a colour. */
function lightness(rgb: readonly number[]): number {
  const [r, g, b] = rgb.map((v) =>
    v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4,
  );
  const y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y;
}

function paint(
  map: number[],
  rows: number,
  cols: number,
  sign: "positive" | "negative" | "both",
): Uint32Array {
  const pixels = new Uint32Array(rows * cols * 64);
  paintMap(pixels, 8 * cols, 8 * rows, map, rows, cols, sign, peak(map, sign), grey);
  return pixels;
}

describe("colour scales", () => {
  test.each(SCALE_NAMES)("%s grows evenly in lightness", (name) => {
    const steps = Array.from({ length: 17 }, (_, k) => lightness(colourAt(name, "positive", k / 16)));
    const rises = steps.slice(1).map((l, k) => l - steps[k]);
    expect(Math.min(...rises)).toBeGreaterThan(0);
    expect(Math.max(...rises)).toBeLessThan((3 * (steps[16] - steps[0])) / 16);
  });

  test("a signed map gets two hues around a light middle, whatever scale is chosen", () => {
    const [against, middle, forIt] = [0, 0.5, 1].map((t) => colourAt("viridis", "both", t));
    expect(against[2]).toBeGreaterThan(against[0]); // purple
    expect(forIt[0]).toBeGreaterThan(forIt[2]); // orange
    expect(Math.min(...middle)).toBeGreaterThan(240);
  });

  test("opacity grows with evidence", () => {
    const alphas = [...lookupTable("inferno", "positive")].map((pixel) => pixel >>> 24);
    expect(alphas).toEqual([...alphas].sort((a, b) => a - b));
    expect(alphas[255]).toBe(255);
  });

  test("an unknown scale falls back to inferno", () => {
    expect(cssGradient("jet", "positive")).toBe(cssGradient("inferno", "positive"));
  });
});

describe("painting", () => {
  test("a patch's centre has its value, the border repeats, and between is linear", () => {
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
