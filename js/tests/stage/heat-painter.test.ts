import { describe, expect, test } from "vitest";
import { peakValue } from "../../src/core/arithmetic";
import type { Rgb } from "../../src/core/color-scale";
import { heatSize, type Layer, paintLayers, paintMap } from "../../src/stage/heat-painter";
import { random } from "../fixtures";

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

  test("never leaves the range of the map's values", () => {
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

const RED: Rgb = [255, 0, 0];
const BLUE: Rgb = [0, 0, 255];

/** Paint a row of patches; the pixels in the middles of patches and between them, as [red, green, blue, alpha]. */
function paintTogether(...layers: Layer[]): number[][] {
  const cols = layers[0].strength.length;
  const pixels = new Uint32Array(cols * 64);
  paintLayers(pixels, 8 * cols, 8, layers, 1, cols);
  const row = new Uint8Array(pixels.buffer).slice(0, 4 * 8 * cols);
  return Array.from({ length: 8 * cols }, (_, k) => [...row.slice(4 * k, 4 * k + 4)]);
}

test("each patch has its layer's color, and where layers meet they mix by their strengths", () => {
  const pixels = paintTogether({ strength: [1, 0, 0.5], color: RED }, { strength: [0, 1, 0.5], color: BLUE });
  expect(pixels[0][0]).toBeGreaterThan(200);
  expect(pixels[0][2]).toBe(0);
  expect(pixels[12][2]).toBeGreaterThan(200);
  const [red, , blue] = pixels[23]; // half and half
  expect(red).toBe(blue);
  const [more, , less] = pixels[6]; // nearer to the first patch
  expect(more).toBeGreaterThan(less);
});

test("the strongest layer sets the opacity, and the picture stays visible at full strength", () => {
  const alphas = [0, 0.2, 0.4, 0.6, 1].map(
    (strength) => paintTogether({ strength: [strength], color: RED })[0][3],
  );
  expect(alphas).toEqual([...alphas].sort((a, b) => a - b));
  expect(alphas.at(-1)).toBeLessThan(240);
  const joined = paintTogether({ strength: [0.4], color: RED }, { strength: [0.3], color: BLUE })[0];
  expect(joined[3]).toBe(alphas[2]);
});

test("patches without evidence are dimmed, without a color", () => {
  const [red, green, blue, alpha] = paintTogether({ strength: [0], color: RED })[0];
  expect([red, green, blue]).toEqual([0, 0, 0]);
  expect(alpha).toBe(Math.round(255 * 0.18));
  expect(paintTogether({ strength: [0], color: RED })).toEqual(paintTogether({ strength: [0], color: BLUE }));
});
