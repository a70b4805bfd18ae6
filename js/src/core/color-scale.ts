// Color scales as tables of 256 entries: perceptually uniform ones for maps of one sign, a diverging one for both. And
// the colors of highlighted words.

import {
  interpolateCividis,
  interpolateInferno,
  interpolateMagma,
  interpolatePlasma,
  interpolateViridis,
  schemePuOr,
} from "d3-scale-chromatic";
import type { Highlight } from "./evidence";
import { getOrCompute } from "./memo";
import type { Sign } from "./types";

export type Lut = Uint32Array; // 256 pixels as ImageData stores them: R, G, B, A bytes
export type Rgb = readonly [number, number, number];

const SEQUENTIAL: Readonly<Record<string, (t: number) => string>> = {
  inferno: interpolateInferno,
  magma: interpolateMagma,
  plasma: interpolatePlasma,
  viridis: interpolateViridis,
  cividis: interpolateCividis,
};

const MIN_ALPHA = 0.14; // dims the picture where there is no evidence, so that evidence is easy to see
const PALEST = 0.6; // of the way to the darkest purple: the first color of evidence against the match alone, so that it is visible
const DIVERGING = schemePuOr[11].map(parseRgb); // from purple to orange

export const SCALE_NAMES: readonly string[] = Object.keys(SEQUENTIAL);

/** The color at 0..1 of a scale. With sign `both`, 0 is the strongest evidence against the match, 1 that for it. */
export function colorAt(name: string, sign: Sign, t: number): Rgb {
  if (sign === "positive") return parseRgb((SEQUENTIAL[name] ?? interpolateInferno)(t));
  // Purple is against and orange for, as in the bars. The ends of PuOr are left out: too dark over a picture.
  const signed = sign === "both" ? 2 * t - 1 : -(PALEST + (1 - PALEST) * t);
  return interpolate(DIVERGING, 0.5 + 0.38 * signed);
}

/** Interpolate linearly in RGB. Written out, because d3-interpolate adds 15 kB for color spaces that are not needed. */
function interpolate(stops: readonly Rgb[], t: number): Rgb {
  const at = t * (stops.length - 1);
  const k = Math.min(stops.length - 2, Math.floor(at));
  const mix = (c: 0 | 1 | 2) => stops[k][c] + (stops[k + 1][c] - stops[k][c]) * (at - k);
  return [mix(0), mix(1), mix(2)];
}

const tables = new Map<string, Lut>();

/** The table that a map is painted with. Alpha grows with the evidence, so that the picture shows through elsewhere. */
export function lookupTable(name: string, sign: Sign): Lut {
  return getOrCompute(tables, `${sign}/${sign === "positive" ? name : ""}`, () => {
    const bytes = new Uint8ClampedArray(4 * 256);
    for (let k = 0; k < 256; k++) {
      const t = k / 255;
      bytes.set(colorAt(name, sign, t), 4 * k);
      bytes[4 * k + 3] =
        255 * alphaAt(sign === "both" ? Math.abs(2 * t - 1) : t, sign === "positive" ? MIN_ALPHA : 0);
    }
    return new Uint32Array(bytes.buffer);
  });
}

/** The scale as a CSS gradient, for the legend. */
export function cssGradient(name: string, sign: Sign): string {
  const stops = Array.from(
    { length: 17 },
    (_, k) =>
      `rgb(${colorAt(name, sign, k / 16)
        .map(Math.round)
        .join(" ")})`,
  );
  return `linear-gradient(90deg,${stops.join(",")})`;
}

/** The opacity at 0..1 of a scale: rises smoothly from `floor` and is full from 70 % on. */
export function alphaAt(t: number, floor: number): number {
  const x = Math.min(1, t / 0.7);
  return floor + (1 - floor) * x * x * (3 - 2 * x);
}

export function parseRgb(css: string): Rgb {
  if (css.startsWith("#")) {
    const n = Number.parseInt(css.slice(1), 16);
    return [(n >> 16) & 255, (n >> 8) & 255, n & 255];
  }
  const [r, g, b] = css.match(/[\d.]+/g)!.map(Number);
  return [r, g, b];
}

// Color-blind readers can tell these apart (Okabe & Ito 2008). Black text on each has the contrast that WCAG AA requires.
const PALETTE = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#f0e442", "#d55e00"] as const;
const NEUTRAL = "#bfc4cc";

/** A highlight's color as CSS; the neutral color for null. */
export function hueColor(hue: number | null): string {
  return hue === null ? NEUTRAL : PALETTE[hue];
}

export function hueRgb(hue: number | null): Rgb {
  return parseRgb(hueColor(hue));
}

/** The color of a word as CSS; null if it is not highlighted. */
export function wordColor(highlights: readonly Highlight[], word: number): string | null {
  const highlight = highlights.find(({ words }) => words.includes(word));
  return highlight ? hueColor(highlight.hue) : null;
}
