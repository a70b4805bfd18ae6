// One tile: a pair's picture with its map, its caption and its numbers. Tiles are used again for other pairs.

import { formatCosine, formatPercent } from "../core/format";
import { h, setAttribute, setText, uniqueId } from "../ui/dom";
import type { Sort } from "./messages";
import { type Bitmaps, type Painting, paintPair } from "./paint";
import type { Pair } from "./tiles";

export interface Look extends Painting {
  sort: Sort;
  size: readonly [width: number, height: number];
}

export class Tile {
  readonly canvas = h("canvas", { class: "gallery-picture", "aria-hidden": "true" });
  readonly caption = h("div", { class: "gallery-caption", dir: "auto" });
  readonly score = h("b");
  readonly value = h("span");
  readonly element = h(
    "div",
    { class: "gallery-tile is-skeleton", role: "gridcell", id: uniqueId() },
    this.canvas,
    h("div", { class: "gallery-numbers" }, this.score, this.value),
    this.caption,
  );
  index = -1;
  #pair: Pair | undefined;
  #look: Look | null = null;
  #painted: Look | null = null;
  #bitmaps: Bitmaps;

  constructor(bitmaps: Bitmaps) {
    this.#bitmaps = bitmaps;
  }

  get pair(): Pair | undefined {
    return this.#pair;
  }

  /** Show a pair; undefined: it has not arrived yet. */
  show(index: number, pair: Pair | undefined, look: Look): void {
    this.index = index;
    if (pair === this.#pair && this.#painted === look) return;
    const fresh = pair !== this.#pair;
    this.#pair = pair;
    this.#look = look;
    this.#painted = null;
    this.element.style.setProperty("--picture", `${look.size[1]}px`);
    if (!pair) {
      this.#blank();
      setText(this.caption, "");
      setAttribute(this.element, "aria-label", `Pair ${index + 1}, on its way`);
      return;
    }
    if (fresh) this.#blank();
    this.#write(pair, look.sort);
    this.#paint(pair, look);
  }

  #blank(): void {
    this.element.classList.add("is-skeleton");
    setText(this.score, "");
    setText(this.value, "");
  }

  #write(pair: Pair, sort: Sort): void {
    setText(this.caption, pair.caption);
    setText(this.score, formatCosine(pair.score));
    const value = valueFor(pair, sort);
    setText(this.value, value);
    setAttribute(
      this.element,
      "aria-label",
      `${pair.caption}. Score ${formatCosine(pair.score)}${value ? `, ${value}` : ""}`,
    );
  }

  #paint(pair: Pair, look: Look): void {
    const bitmap = this.#bitmaps.get(pair, () => {
      if (this.#pair === pair && !this.#painted && this.#look) this.#paint(pair, this.#look);
    });
    if (bitmap === undefined) return;
    paintPair(this.canvas, pair, bitmap, look.size, look);
    this.#painted = look;
    this.element.classList.remove("is-skeleton");
  }
}

export const NOT_SEEN = "box not seen by the model";

/** The value next to the score: the one that the tiles are sorted by. */
export function valueFor(pair: Pair, sort: Sort): string {
  switch (sort) {
    case "position":
      return `No. ${pair.position + 1}`;
    case "score":
      return "";
    case "concentration":
      return pair.concentration === null
        ? "no positive patch"
        : `${formatPercent(pair.concentration)} in a tenth`;
    case "energy":
      if (pair.energy !== null) return `${formatPercent(pair.energy)} in its box`;
      return pair.box_seen === 0 ? NOT_SEEN : pair.box_seen === null ? "no box" : "no positive patch";
    case "disagreement":
      return pair.disagreement === null ? whyNot(pair) : `${formatPercent(pair.disagreement)} apart`;
  }
}

/** Why the runs cannot be compared on a pair. */
export function whyNot(pair: Pair): string {
  return pair.other === null ? "not in the other run" : "a map without positive patch";
}
