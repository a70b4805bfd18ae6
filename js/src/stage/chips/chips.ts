// The highlights' names on the picture, each in its color next to the peak of its evidence.

import { patchBox } from "../../core/arithmetic";
import type { Highlight } from "../../core/evidence";
import { hueColor } from "../../core/hues";
import type { Explanation, Point } from "../../core/types";
import type { Frame } from "../../state/scene";
import { phraseLabel } from "../../state/words/wording";
import { type Component, h } from "../../ui/dom";
import { placeChips } from "./chip-layout";

interface Chip {
  element: HTMLElement;
  dot: HTMLElement;
  peak: Point; // as fractions of the picture's width and height
}

/** @param stage returns the element over which the chips lie; they are placed again when its size changes. */
export function createChips(stage: () => HTMLElement, signal: AbortSignal): Component<Frame> {
  const element = h("div", { class: "gradeclip-chips", "aria-hidden": "true", hidden: true });
  let shown: readonly Highlight[] = [];
  let chips: Chip[] = []; // most important first, since the first is placed first
  let placed = false; // whether they are placed for the current size and names
  const place = () => {
    if (element.hidden || placed) return;
    placed = true;
    const { width, height } = stage().getBoundingClientRect();
    const sizes = chips.map(({ element: chip }) => ({ width: chip.offsetWidth, height: chip.offsetHeight }));
    const peaks = chips.map(({ peak: [u, v] }): Point => [u * width, v * height]);
    placeChips(peaks, sizes, { width, height }).forEach((corner, k) => {
      const { element: chip, dot } = chips[k];
      chip.style.visibility = dot.style.visibility = corner ? "" : "hidden"; // keeps its size
      if (corner) chip.style.transform = `translate(${corner[0].toFixed(1)}px, ${corner[1].toFixed(1)}px)`;
    });
  };
  const observer = new ResizeObserver(() => {
    placed = false;
    place();
  });
  signal.addEventListener("abort", () => observer.disconnect());
  let observed = false;

  return {
    element,
    update({ scene, repaint }) {
      if (!observed) observer.observe(stage());
      observed = true;
      if (!repaint) return;
      element.hidden = !scene.together || scene.erased !== null;
      if (!element.hidden && scene.highlights !== shown) {
        shown = scene.highlights;
        placed = false;
        chips = [...shown]
          .sort((a, b) => b.importance - a.importance)
          .map((highlight) => createChip(scene.explanation, highlight));
        element.replaceChildren(...chips.flatMap((chip) => [chip.dot, chip.element]));
      }
      place();
    },
  };
}

function createChip(e: Explanation, { words, hue, peak: [row, col] }: Highlight): Chip {
  const [x0, y0, x1, y1] = patchBox(e, row * e.cols + col);
  const { width, height } = e.header.image;
  const peak: Point = [(x0 + x1) / 2 / width, (y0 + y1) / 2 / height];
  const element = h("span", { class: "gradeclip-chip", dir: "auto" }, phraseLabel(e, words));
  const dot = h("i");
  for (const part of [element, dot]) part.style.setProperty("--hue", hueColor(hue));
  dot.style.left = `${100 * peak[0]}%`;
  dot.style.top = `${100 * peak[1]}%`;
  return { element, dot, peak };
}
