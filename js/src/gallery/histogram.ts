// The range of scores: a histogram with a handle at either end.

import { formatCosine } from "../core/format";
import { h, s, setText } from "../ui/dom";
import { setHelp } from "../ui/help";
import type { GallerySynced } from "./synced";

const STEPS = 200;
const PAUSE = 120; // ms between two changes while a handle is dragged
const [WIDTH, HEIGHT] = [160, 22];

export interface ScoreSlider {
  readonly element: HTMLElement;
  update(histogram: GallerySynced["histogram"], range: [number, number] | null): void;
}

export function createScoreSlider(
  pick: (range: [number, number] | null) => void,
  signal: AbortSignal,
): ScoreSlider {
  const bars = s("path", { class: "gallery-bars" });
  const chosen = s("path", { class: "gallery-bars is-chosen" });
  const picture = s(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    bars,
    chosen,
  );
  const handle = (label: string, value: number) =>
    h("input", { type: "range", min: 0, max: STEPS, value, "aria-label": label });
  const low = handle("Lowest score", 0);
  const high = handle("Highest score", STEPS);
  const text = h("output", { class: "gallery-range" });
  const element = h(
    "div",
    { class: "gallery-scores", role: "group", "aria-label": "Scores" },
    h("span", {}, "Score"),
    h("div", { class: "gallery-histogram" }, picture, low, high),
    text,
  );
  setHelp(element, "Show pairs with scores in this range");
  let ends: readonly [number, number] = [0, 1];
  let timer = 0;
  signal.addEventListener("abort", () => clearTimeout(timer));

  const scoreAt = (step: number) =>
    step === STEPS ? ends[1] : ends[0] + ((ends[1] - ends[0]) * step) / STEPS;
  const steps = (): [number, number] => [Number(low.value), Number(high.value)];
  const draw = () => {
    const [from, to] = steps();
    const clip = `inset(0 ${100 - (100 * to) / STEPS}% 0 ${(100 * from) / STEPS}%)`;
    chosen.style.clipPath = clip;
    setText(text, `${formatCosine(scoreAt(from))} – ${formatCosine(scoreAt(to))}`);
    // If both handles are at the upper end, only the lower one can be moved.
    low.style.zIndex = from > STEPS / 2 ? "2" : "1";
  };
  const send = () => {
    clearTimeout(timer);
    timer = 0;
    const [from, to] = steps();
    pick(from === 0 && to === STEPS ? null : [scoreAt(from), scoreAt(to)]);
  };
  for (const [input, other] of [
    [low, high],
    [high, low],
  ]) {
    input.addEventListener(
      "input",
      () => {
        const crossed = Number(low.value) > Number(high.value);
        if (crossed) input.value = other.value;
        draw();
        if (!timer) timer = window.setTimeout(send, PAUSE);
      },
      { signal },
    );
    input.addEventListener("change", send, { signal });
  }

  return {
    element,
    update(histogram, range) {
      element.hidden = histogram.low === null || histogram.low === histogram.high;
      if (element.hidden) return;
      ends = [histogram.low!, histogram.high!];
      const path = barsPath(histogram.counts);
      bars.setAttribute("d", path);
      chosen.setAttribute("d", path);
      if (!timer && !element.matches(":active")) {
        const step = (score: number) => Math.round(((score - ends[0]) / (ends[1] - ends[0])) * STEPS);
        const clamp = (value: number) => Math.min(STEPS, Math.max(0, value));
        low.value = String(range ? clamp(step(range[0])) : 0);
        high.value = String(range ? clamp(step(range[1])) : STEPS);
      }
      draw();
    },
  };
}

/** Bars as one path; their heights are square roots, so that rare scores show. */
export function barsPath(counts: readonly number[]): string {
  const top = Math.sqrt(Math.max(...counts, 1));
  const width = WIDTH / counts.length;
  return counts
    .map((count, k) => {
      const height = count > 0 ? Math.max(1.5, (HEIGHT * Math.sqrt(count)) / top) : 0;
      return height
        ? `M${(k * width).toFixed(2)} ${HEIGHT}v${(-height).toFixed(2)}h${(width - 0.6).toFixed(2)}V${HEIGHT}z`
        : "";
    })
    .join("");
}
