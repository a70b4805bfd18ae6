// The grid: a scrolled element in which only the lines near the view have tiles.

import { h, setAttribute } from "../ui/dom";
import { type Layout, layOut, linesBetween, lineTop, ScrollMap } from "./layout";
import { Lines } from "./lines";
import type { Loader } from "./loader";
import type { Side, Sort } from "./messages";
import type { Bitmaps } from "./paint";
import type { Look, Tile } from "./tile";

const OVERSCAN = 1.25; // screens above and below the view that have tiles too

const HOLD = 350; // ms for which the old rows stay in view while those of another place are loaded

export interface GridOptions {
  open(tile: Tile): void;
  /** A tile is pointed at or reached by keys, or none is any more. */
  point(tile: Tile | null, byKey: boolean): void;
}

export class Grid {
  readonly element = h("div", {
    class: "gallery-grid",
    role: "grid",
    tabindex: 0,
    "aria-label": "Pairs of pictures and captions",
  });
  #space = h("div", { class: "gallery-space", role: "presentation" });
  #lines: Lines;
  #layout: Layout = layOut(0, 0, false);
  #scroll = new ScrollMap();
  #look: Look = { heat: true, side: "this", density: 1, sort: "position", size: [1, 1] };
  #count = 0;
  #active = 0; // the pair that keys act on
  #frame = 0;
  #drawn = { place: 0, scrollTop: 0 }; // the top of the view when it was last drawn
  #awaited: number | null = null; // the place that is loaded while the old rows stay in view
  #heldSince = 0;
  #size: readonly [number, number] = [0, 0];

  constructor(
    readonly loader: Loader,
    readonly bitmaps: Bitmaps,
    readonly options: GridOptions,
    signal: AbortSignal,
  ) {
    this.#lines = new Lines(loader, bitmaps);
    this.#space.append(this.#lines.element);
    this.element.append(this.#space);
    const observer = new ResizeObserver(() => this.#measure());
    observer.observe(this.element);
    signal.addEventListener("abort", () => {
      observer.disconnect();
      cancelAnimationFrame(this.#frame);
    });
    const on = <K extends keyof HTMLElementEventMap>(type: K, act: (event: HTMLElementEventMap[K]) => void) =>
      this.element.addEventListener(type, act, { signal });
    on("scroll", () => {
      this.options.point(null, false);
      this.draw();
    });
    on("click", (event) => {
      const tile = this.#lines.tileOf(event.target);
      if (!tile) return;
      this.#activate(tile.index);
      this.element.focus({ preventScroll: true });
      if (tile.pair) this.options.open(tile);
    });
    on("pointerover", (event) => {
      if (event.pointerType !== "touch") this.options.point(this.#lines.tileOf(event.target), false);
    });
    on("pointerleave", () => this.options.point(null, false));
    on("focus", () => this.#activate(this.#active));
    on("blur", () => this.options.point(null, false));
    on("keydown", (event) => this.#press(event));
  }

  /** Set the number of rows, and how they are painted. */
  update(count: number, look: { heat: boolean; side: Side; sort: Sort }): void {
    const changed = look.side !== this.#look.side;
    this.#count = count;
    this.#look = { ...this.#look, ...look };
    this.#layOut(changed);
  }

  /** Go to the first row, of another order. */
  rewind(): void {
    this.#active = 0;
    this.element.scrollTop = this.#scroll.scrollTopFor(0);
    this.#drawn.place = Number.POSITIVE_INFINITY; // the old rows stay until the new ones are loaded
    this.drawNow();
  }

  /** Bring a pair into view and make it the one that keys act on. */
  reveal(index: number): void {
    this.#activate(index);
    const line = Math.floor(index / this.#layout.columns);
    const view = this.element.clientHeight;
    const place = this.#scroll.placeOf(this.element.scrollTop);
    const [top, bottom] = [lineTop(this.#layout, line), lineTop(this.#layout, line + 1)];
    if (top >= place && bottom <= place + view) return;
    const target = top < place ? top - 8 : bottom - view;
    this.element.scrollTop = this.#scroll.scrollTopFor(Math.max(0, target));
    this.drawNow();
  }

  /** The tile of a pair, if it is in the page. */
  tileAt(index: number): Tile | undefined {
    return this.#lines.tileAt(index, this.#layout);
  }

  /** Draw before the next frame. */
  draw(): void {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => this.drawNow());
  }

  drawNow(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { clientHeight: view, scrollTop } = this.element;
    if (view === 0) {
      // Hidden. The observer reports when that ends, unless within this frame, as in a change of theme.
      if (this.#size[1] > 0) this.draw();
      return;
    }
    const place = this.#scroll.placeOf(scrollTop);
    if (this.#layout.lines === 0) this.#drawAt(place, view, 0);
    else if (Math.abs(place - this.#drawn.place) <= view) {
      this.#awaited = null;
      this.#heldSince = 0;
      this.#drawAt(place, view, OVERSCAN * view);
    } else this.#leap(place, view);
    // Held rows stay in view by a transform, also between two of these frames.
    const held = this.#heldSince > 0;
    this.#lines.element.classList.toggle("is-held", held);
    this.#lines.element.style.transform = held ? `translateY(${-this.#drawn.scrollTop}px)` : "";
    const busy = held || !this.#isReady(...this.#pairsAt(place, view));
    setAttribute(this.element, "aria-busy", String(busy));
    this.#markActive();
  }

  /**
   * Draw a place far from the one before, as when the scroll bar is dragged: the old rows stay in view until the tiles
   * of the new place can be painted, but not for long.
   */
  #leap(place: number, view: number): void {
    const now = performance.now();
    this.#heldSince ||= now;
    if (this.#awaited === null || now - this.#heldSince > HOLD) this.#awaited = place;
    const [first, end] = this.#pairsAt(this.#awaited, view);
    this.loader.want(first, end, false);
    if (now - this.#heldSince > HOLD) this.#drawAt(place, view, 0);
    else if (this.#isReady(first, end)) {
      this.#drawAt(this.#awaited, view, 0);
      this.#awaited = null;
      this.#heldSince = now;
    }
    this.draw();
  }

  /** Whether the pairs [first, end) are loaded and their pictures decoded. */
  #isReady(first: number, end: number): boolean {
    let ready = true;
    for (let k = first; k < end; k++) {
      const pair = this.loader.get(k);
      if (!pair || this.bitmaps.get(pair, () => this.draw()) === undefined) ready = false;
    }
    return ready;
  }

  /** The pairs, [first, end), that are in view at a place. */
  #pairsAt(place: number, view: number): [number, number] {
    const [first, end] = linesBetween(this.#layout, place, place + view);
    return [first * this.#layout.columns, Math.min(this.#count, end * this.#layout.columns)];
  }

  #drawAt(place: number, view: number, around: number): void {
    const { scrollTop } = this.element;
    const [first, end] = this.#pairsAt(place, view);
    if (around > 0) this.loader.want(first, end, true);
    const lines = linesBetween(this.#layout, place - around, place + view + around);
    // Relative to the current scroll position, which may be another place by now.
    this.#lines.draw(this.#layout, lines, this.#count, place - scrollTop, this.#look);
    this.#drawn = { place, scrollTop };
  }

  #measure(): void {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === this.#size[0] && clientHeight === this.#size[1]) return;
    this.#size = [clientWidth, clientHeight];
    this.#layOut(true);
  }

  /** @param keep whether the first pair in view stays there, as the lines change under it. */
  #layOut(keep: boolean): void {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === 0) return; // hidden: the place is restored when it is shown again
    const place = this.#scroll.placeOf(this.element.scrollTop);
    const first = linesBetween(this.#layout, place, place + 1)[0] * this.#layout.columns;
    const layout = layOut(clientWidth, this.#count, this.#look.side === "both");
    const same = layout.pitch === this.#layout.pitch && layout.columns === this.#layout.columns;
    this.#layout = layout;
    const { columns, lines, tileWidth, pictureHeight } = layout;
    const density = Math.min(2, window.devicePixelRatio || 1);
    this.#look = { ...this.#look, density, size: [tileWidth, pictureHeight] };
    this.#scroll.resize(layout.height, clientHeight);
    const { style } = this.#space;
    style.height = `${this.#scroll.scrollHeight}px`;
    style.setProperty("--columns", String(columns));
    style.setProperty("--tile", `${tileWidth}px`);
    style.setProperty("--pitch", `${layout.pitch}px`);
    setAttribute(this.element, "aria-rowcount", String(lines));
    setAttribute(this.element, "aria-colcount", String(columns));
    if (keep && !same && first > 0)
      this.element.scrollTop = this.#scroll.scrollTopFor(lineTop(layout, Math.floor(first / columns)) - 8);
    this.draw();
  }

  #press(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { columns, pitch } = this.#layout;
    const forward = getComputedStyle(this.element).direction === "rtl" ? -1 : 1;
    const page = Math.max(1, Math.floor(this.element.clientHeight / pitch)) * columns;
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: forward,
      ArrowLeft: -forward,
      ArrowDown: columns,
      ArrowUp: -columns,
      PageDown: page,
      PageUp: -page,
      Home: -this.#count,
      End: this.#count,
    };
    if (event.key in steps) {
      const to = this.#active + steps[event.key];
      const stays = Math.abs(steps[event.key]) === columns && (to < 0 || to >= this.#count);
      if (this.#count > 0 && !stays) this.reveal(Math.min(this.#count - 1, Math.max(0, to)));
      const tile = this.tileAt(this.#active);
      if (tile) this.options.point(tile, true);
    } else if (event.key === "Enter" || event.key === " ") {
      const tile = this.tileAt(this.#active);
      if (tile?.pair) this.options.open(tile);
    } else return;
    event.preventDefault();
  }

  #activate(index: number): void {
    this.#active = Math.max(0, Math.min(index, this.#count - 1));
    this.#markActive();
  }

  /** Mark the tile with the focus, also for screen readers. */
  #markActive(): void {
    const active = this.tileAt(this.#active);
    for (const tile of this.#lines.tiles()) tile.element.classList.toggle("is-active", tile === active);
    if (active) setAttribute(this.element, "aria-activedescendant", active.element.id);
    else this.element.removeAttribute("aria-activedescendant");
  }
}
