// The highlights' names on the picture, each in its color next to the peak of its evidence.

import { patchBox } from "../core/arithmetic";
import { hueColor } from "../core/color-scale";
import type { Highlight } from "../core/evidence";
import type { Explanation, Point } from "../core/types";
import type { PictureScene, View } from "../state/scene";
import { phraseLabel } from "../state/wording";
import { h } from "../ui/dom";

const GAP = 9; // pixels from a peak to its chip
const EDGE = 6; // minimum distance from the picture's border, in pixels
const APART = 3; // pixels between chips
const DOT = 6; // radius around a peak that other chips leave free, in pixels
const MIN_PICTURE: Size = { width: 200, height: 140 }; // smaller pictures have no room for names

interface Chip {
  element: HTMLElement;
  dot: HTMLElement;
  peak: Point; // as fractions of the picture's width and height
}

/**
 * Create the chips. Each is placed relative to its peak, whose place is a share of the picture, so that it is right at
 * any size of the picture; which side of the peak is free is found again when the size changes.
 *
 * @param stage the element over which the chips lie.
 */
export function createChips(
  { signal, draw }: Pick<View, "signal" | "draw">,
  scene: PictureScene,
  stage: HTMLElement,
): HTMLElement {
  const element = h("div", { class: "gradeclip-chips", "aria-hidden": "true", hidden: true });
  let chips: Chip[] = []; // most important first, since the first is placed first
  let placed = false; // for the current size and names
  const place = () => {
    // Sizes of the layout, which neither a scaled page nor a zoomed one changes.
    const { offsetWidth: width, offsetHeight: height } = stage;
    if (element.hidden || placed || width === 0) return; // the observer reports the first size
    placed = true;
    const sizes = chips.map(({ element: chip }) => ({ width: chip.offsetWidth, height: chip.offsetHeight }));
    const peaks = chips.map(({ peak: [u, v] }): Point => [u * width, v * height]);
    const font = Number.parseFloat(getComputedStyle(element).fontSize);
    element.style.setProperty("--ems", (width / font).toFixed(2));
    placeChips(peaks, sizes, { width, height }).forEach((corner, k) => {
      const { element: chip, dot, peak } = chips[k];
      chip.style.visibility = dot.style.visibility = corner ? "" : "hidden"; // keeps its size
      if (!corner) return;
      const em = (pixels: number) => `${(pixels / font).toFixed(2)}em`;
      const along = (axis: 0 | 1, size: number) =>
        `clamp(0px, ${percent(peak[axis])} + ${em(corner[axis] - peaks[k][axis])}, 100% - ${em(size)})`;
      chip.style.left = along(0, sizes[k].width);
      chip.style.top = along(1, sizes[k].height);
    });
  };
  const observer = new ResizeObserver(() => {
    placed = false;
    place();
  });
  observer.observe(stage);
  signal.addEventListener("abort", () => observer.disconnect());

  draw(() => {
    chips = [...scene.highlights]
      .sort((a, b) => b.importance - a.importance)
      .map((highlight) => createChip(scene.explanation, highlight));
    element.replaceChildren(...chips.flatMap((chip) => [chip.dot, chip.element]));
    placed = false;
    place();
  });
  draw(() => {
    element.hidden = !scene.together || scene.erased !== null;
    place();
  });
  return element;
}

function createChip(e: Explanation, { words, hue, peak: [row, col] }: Highlight): Chip {
  const [x0, y0, x1, y1] = patchBox(e, row * e.cols + col);
  const { width, height } = e.header.image;
  const peak: Point = [(x0 + x1) / 2 / width, (y0 + y1) / 2 / height];
  const element = h("span", { class: "gradeclip-chip", dir: "auto" }, phraseLabel(e, words));
  const dot = h("i");
  for (const part of [element, dot]) part.style.setProperty("--hue", hueColor(hue));
  dot.style.left = percent(peak[0]);
  dot.style.top = percent(peak[1]);
  return { element, dot, peak };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(3)}%`;
}

export interface Size {
  width: number;
  height: number;
}

type Rect = readonly [x0: number, y0: number, x1: number, y1: number];

/**
 * Place a chip at each peak, in the order of the list: above it, else below or beside it, moved inwards at the
 * border. Chips neither overlap nor cover another chip's peak.
 *
 * @param peaks in CSS pixels of the shown picture, as `sizes`.
 * @returns the upper left corner of each chip; null if there is no room for it.
 */
export function placeChips(peaks: readonly Point[], sizes: readonly Size[], picture: Size): (Point | null)[] {
  if (picture.width < MIN_PICTURE.width || picture.height < MIN_PICTURE.height) return peaks.map(() => null);
  const occupied: Rect[] = [];
  return peaks.map((peak, k) => {
    const dots = peaks.filter((_, n) => n !== k).map(([x, y]): Rect => [x - DOT, y - DOT, x + DOT, y + DOT]);
    for (const [x, y] of candidates(peak, sizes[k], picture)) {
      const rect: Rect = [x, y, x + sizes[k].width, y + sizes[k].height];
      if ([...occupied, ...dots].some((other) => overlap(rect, other))) continue;
      occupied.push([rect[0] - APART, rect[1] - APART, rect[2] + APART, rect[3] + APART]);
      return [x, y];
    }
    return null;
  });
}

/** Possible corners of a chip around its peak, best first, moved inside the picture. */
function candidates([x, y]: Point, { width, height }: Size, picture: Size): Point[] {
  const [above, below] = [y - GAP - height, y + GAP];
  const [middle, level] = [x - width / 2, y - height / 2];
  const corners: Point[] = [
    [middle, above],
    [middle, below],
    [x + GAP, level],
    [x - GAP - width, level],
    [x - width, above],
    [x, above],
    [x - width, below],
    [x, below],
    [middle, above - height],
    [middle, below + height],
  ];
  const [right, bottom] = [picture.width - EDGE - width, picture.height - EDGE - height];
  if (right < EDGE) return []; // wider than the picture
  return corners.map(([cx, cy]) => [clamp(cx, EDGE, right), clamp(cy, EDGE, bottom)]);
}

function overlap(a: Rect, b: Rect): boolean {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
