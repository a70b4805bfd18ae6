// The tooltip of the patch under the pointer, or of the region that a finger has chosen: its three strongest words.

import { patchBox, regionCenter } from "../core/arithmetic";
import { evidenceReading, patchWords } from "../core/evidence";
import { formatPart, roundPart } from "../core/format";
import type { Explanation, Region } from "../core/types";
import type { View } from "../state/scene";
import { nameOf } from "../state/wording";
import { h, setText } from "../ui/dom";

const MAX_WORDS = 3;
const NARROW = 480; // pixels; in narrower pictures the left half has its tooltips on the right, and the right half on the left

export function createTooltip({ store, scene, draw }: View): HTMLElement {
  const rows = Array.from({ length: MAX_WORDS }, () => {
    const word = h("bdi");
    const value = h("em");
    return { row: h("div", {}, word, value), word, value };
  });
  const nothing = h("div", { class: "gradeclip-tip-none" });
  const what = h("div", { class: "gradeclip-tip-what" }, "of the score, from here");
  const element = h(
    "div",
    { class: "gradeclip-tip", "aria-hidden": "true", hidden: true },
    ...rows.map(({ row }) => row),
    what,
    nothing,
  );
  draw(() => {
    const { patch, evidence: e } = scene;
    const { pointer, draft, touch } = store.view;
    // A finger hides what it points at, and on a phone the bars may be out of sight.
    const region = touch && patch === null && !draft && !scene.erased ? scene.region : null;
    element.hidden = !region && patch === null && (pointer === null || draft !== null);
    if (element.hidden) return;
    const ranked = region
      ? scene.ranking
      : patch === null
        ? []
        : patchWords(e, evidenceReading(e), scene.measure, patch);
    const words = ranked.slice(0, MAX_WORDS);
    const supported = words.filter(({ value }) => roundPart(value, scene.decimals) > 0);
    rows.forEach(({ row, word, value }, k) => {
      row.hidden = k >= supported.length;
      if (row.hidden) return;
      setText(word, nameOf(e, supported[k].word));
      setText(value, formatPart(supported[k].value, scene.decimals));
    });
    setText(
      nothing,
      (region ? scene.seen === 0 : patch === null) ? "Not seen by the model" : "No word is supported here",
    );
    nothing.hidden = supported.length > 0;
    what.hidden = supported.length === 0;
    place(
      element,
      region ? centerOf(e, region) : patch === null ? [...pointer!, ...pointer!] : stageBox(e, patch),
    );
  });
  return element;
}

/** Place the tooltip next to the patch, on the side with more room. */
function place(element: HTMLElement, [x0, y0, x1, y1]: readonly number[]): void {
  const room = element.parentElement!.offsetWidth < NARROW ? 0.5 : 0.62;
  const right = (x0 + x1) / 2 < room;
  const middle = (y0 + y1) / 2;
  element.style.left = `${100 * (right ? x1 : x0)}%`;
  element.style.top = `${100 * middle}%`;
  element.dataset.side = right ? "right" : "left";
  element.dataset.edge = middle < 0.15 ? "top" : middle > 0.85 ? "bottom" : "";
}

/** A patch's box as fractions of the stage. */
function stageBox(e: Explanation, patch: number): number[] {
  const { width, height } = e.header.image;
  const [x0, y0, x1, y1] = patchBox(e, patch);
  return [x0 / width, y0 / height, x1 / width, y1 / height];
}

/** The middle of a region as a box without a size. */
function centerOf(e: Explanation, region: Region): number[] {
  const { width, height } = e.header.image;
  const [x, y] = regionCenter(region);
  return [x / width, y / height, x / width, y / height];
}
