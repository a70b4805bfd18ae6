import { describe, expect, test } from "vitest";
import { colorAt, cssGradient, lookupTable, SCALE_NAMES } from "../../src/core/color-scale";

/** CIE lightness of a color. */
function lightness(rgb: readonly number[]): number {
  const [r, g, b] = rgb.map((v) =>
    v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4,
  );
  const y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y;
}

describe("color scales", () => {
  test.each(SCALE_NAMES)("%s grows evenly in lightness", (name) => {
    const steps = Array.from({ length: 17 }, (_, k) => lightness(colorAt(name, "positive", k / 16)));
    const rises = steps.slice(1).map((l, k) => l - steps[k]);
    expect(Math.min(...rises)).toBeGreaterThan(0);
    expect(Math.max(...rises)).toBeLessThan((3 * (steps[16] - steps[0])) / 16);
  });

  test("a signed map has two hues around a light middle with every scale", () => {
    const [against, middle, forIt] = [0, 0.5, 1].map((t) => colorAt("viridis", "both", t));
    expect(against[2]).toBeGreaterThan(against[0]); // purple
    expect(forIt[0]).toBeGreaterThan(forIt[2]); // orange
    expect(Math.min(...middle)).toBeGreaterThan(240);
  });

  test("evidence against the match alone is purple from the start", () => {
    for (const [r, g, b] of [0, 0.5, 1].map((t) => colorAt("viridis", "negative", t))) {
      expect(b).toBeGreaterThan(r);
      expect(r).toBeGreaterThan(g);
    }
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
