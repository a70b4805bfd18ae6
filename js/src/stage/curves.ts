// A method's deletion and insertion curve, drawn while they are measured.

import { formatValue } from "../core/format";
import type { CurvePoint, Curves } from "../state/entries";
import { h, s, setAttribute, setText } from "../ui/dom";

const END = 0.5; // of the pixels: where the curves end, as in the paper
const KINDS = ["deletion", "insertion"] as const;
type Kind = (typeof KINDS)[number];

const NAMES: Readonly<Record<Kind, string>> = { deletion: "Deletion", insertion: "Insertion" };
const SIZE = { width: 100, height: 50 }; // of the plot; it is stretched to its place

/** The scores that the axis spans, the same for all methods. */
export type Range = readonly [low: number, high: number];

export interface CurvesChart {
  readonly element: HTMLElement;
  update(curves: Curves, range: Range): void;
}

/** The area under a curve, as its mean height; null until it is measured to its end. */
export function areaUnder(points: readonly CurvePoint[]): number | null {
  const last = points.at(-1);
  if (!last || last[0] < END - 1e-6) return null;
  let area = 0;
  for (let k = 1; k < points.length; k++) {
    const [[x0, y0], [x1, y1]] = [points[k - 1], points[k]];
    area += ((y0 + y1) / 2) * (x1 - x0);
  }
  return area / (last[0] - points[0][0]);
}

/** The range of all scores, with 0 and the whole picture's 1. */
export function scoreRange(all: readonly (Curves | null)[]): Range {
  const scores = all.flatMap((curves) =>
    curves ? KINDS.flatMap((kind) => curves[kind].map(([, score]) => score)) : [],
  );
  return [Math.min(0, ...scores), Math.max(1, ...scores)];
}

/** With one decimal at most: "1", "−0.2". */
function formatTick(score: number): string {
  const rounded = Number(score.toFixed(1));
  return Number.isInteger(rounded) ? String(rounded) : formatValue(rounded, 10);
}

export function createCurves(): CurvesChart {
  const lines = KINDS.map((kind) => s("polyline", { class: `gradeclip-curve is-${kind}` }));
  const whole = s("line", { class: "gradeclip-whole", x1: 0, x2: SIZE.width });
  const plot = s(
    "svg",
    { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, preserveAspectRatio: "none", role: "img" },
    whole,
    ...lines,
  );
  const high = h("span");
  const low = h("span");
  const values = KINDS.map(() => h("b"));
  const keys = KINDS.map((kind, k) =>
    h("span", {}, h("i", { class: `is-${kind}` }), `${NAMES[kind]} `, values[k]),
  );
  const element = h(
    "div",
    { class: "gradeclip-curves" },
    h("span", { class: "gradeclip-curves-title", "aria-hidden": "true" }, "relative score"),
    h("span", { class: "gradeclip-curves-y", "aria-hidden": "true" }, high, low),
    plot,
    h(
      "span",
      { class: "gradeclip-curves-x", "aria-hidden": "true" },
      h("span", {}, "0"),
      h("span", {}, "pixels altered"),
      h("span", {}, "50 %"),
    ),
    h("p", { class: "gradeclip-curves-key" }, ...keys),
  );
  return {
    element,
    update(curves, range) {
      const [bottom, top] = range;
      const y = (score: number) => SIZE.height * (1 - (score - bottom) / (top - bottom));
      setText(high, formatTick(top));
      setText(low, formatTick(bottom));
      setAttribute(whole, "y1", y(1).toFixed(2));
      setAttribute(whole, "y2", y(1).toFixed(2));
      const areas = KINDS.map((kind, k) => {
        const at = ([altered, score]: CurvePoint) =>
          `${((SIZE.width * altered) / END).toFixed(2)},${y(score).toFixed(2)}`;
        setAttribute(lines[k], "points", curves[kind].map(at).join(" "));
        const area = areaUnder(curves[kind]);
        setText(values[k], area === null ? "…" : formatValue(area, 1));
        return `${NAMES[kind]} ${area === null ? "under way" : formatValue(area, 1)}`;
      });
      setAttribute(plot, "aria-label", `Score relative to the whole picture’s. ${areas.join(", ")}.`);
    },
  };
}
