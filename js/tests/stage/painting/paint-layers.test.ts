import { expect, test } from "vitest";
import type { Rgb } from "../../../src/core/color-scale";
import { type Layer, paintLayers } from "../../../src/stage/painting/paint-layers";

const RED: Rgb = [255, 0, 0];
const BLUE: Rgb = [0, 0, 255];

/** Paint a row of patches; the pixels in the middles of patches and between them, as [red, green, blue, alpha]. */
function paint(...layers: Layer[]): number[][] {
  const cols = layers[0].strength.length;
  const pixels = new Uint32Array(cols * 64);
  paintLayers(pixels, 8 * cols, 8, layers, 1, cols);
  const row = new Uint8Array(pixels.buffer).slice(0, 4 * 8 * cols);
  return Array.from({ length: 8 * cols }, (_, k) => [...row.slice(4 * k, 4 * k + 4)]);
}

test("each patch has its layer's color, and where layers meet they mix by their strengths", () => {
  const pixels = paint({ strength: [1, 0, 0.5], color: RED }, { strength: [0, 1, 0.5], color: BLUE });
  expect(pixels[0][0]).toBeGreaterThan(200);
  expect(pixels[0][2]).toBe(0);
  expect(pixels[12][2]).toBeGreaterThan(200);
  const [red, , blue] = pixels[23]; // half and half
  expect(red).toBe(blue);
  const [more, , less] = pixels[6]; // nearer to the first patch
  expect(more).toBeGreaterThan(less);
});

test("the strongest layer sets the opacity, and full strength leaves the picture to be seen", () => {
  const alphas = [0, 0.2, 0.4, 0.6, 1].map((strength) => paint({ strength: [strength], color: RED })[0][3]);
  expect(alphas).toEqual([...alphas].sort((a, b) => a - b));
  expect(alphas.at(-1)).toBeLessThan(240);
  const joined = paint({ strength: [0.4], color: RED }, { strength: [0.3], color: BLUE })[0];
  expect(joined[3]).toBe(alphas[2]);
});

test("where nothing speaks the picture is dimmed, without a color", () => {
  const [red, green, blue, alpha] = paint({ strength: [0], color: RED })[0];
  expect([red, green, blue]).toEqual([0, 0, 0]);
  expect(alpha).toBe(Math.round(255 * 0.18));
  expect(paint({ strength: [0], color: RED })).toEqual(paint({ strength: [0], color: BLUE }));
});
