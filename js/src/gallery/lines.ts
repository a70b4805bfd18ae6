// The lines of tiles that are in the page. They are used again for others as the grid is scrolled.

import { h, setAttribute } from "../ui/dom";
import { type Layout, lineTop } from "./layout";
import type { Loader } from "./loader";
import type { Bitmaps } from "./paint";
import { type Look, Tile } from "./tile";

interface Line {
  readonly element: HTMLElement;
  readonly tiles: Tile[];
}

export class Lines {
  readonly element = h("div", { class: "gallery-lines", role: "presentation" });
  #shown = new Map<number, Line>();
  #spare: Line[] = [];

  constructor(
    readonly loader: Loader,
    readonly bitmaps: Bitmaps,
  ) {}

  /** All tiles in the page. */
  *tiles(): Iterable<Tile> {
    for (const { tiles } of this.#shown.values()) yield* tiles;
  }

  tileOf(target: EventTarget | null): Tile | null {
    const element = target instanceof Element ? target.closest(".gallery-tile") : null;
    if (element) for (const tile of this.tiles()) if (tile.element === element) return tile;
    return null;
  }

  tileAt(index: number, { columns }: Layout): Tile | undefined {
    return this.#shown.get(Math.floor(index / columns))?.tiles[index % columns];
  }

  /**
   * Show the lines [from, end) and no others.
   *
   * @param shift the difference of places in the content and in the page, in pixels.
   */
  draw(
    layout: Layout,
    [from, end]: readonly [number, number],
    count: number,
    shift: number,
    look: Look,
  ): void {
    for (const [n, line] of this.#shown) if (n < from || n >= end) this.#release(n, line);
    for (let n = from; n < end; n++) {
      const line = this.#shown.get(n) ?? this.#take(n);
      line.element.style.transform = `translateY(${lineTop(layout, n) - shift}px)`;
      this.#fill(line, layout.columns);
      line.tiles.forEach((tile, k) => {
        const index = n * layout.columns + k;
        tile.element.hidden = index >= count;
        if (index < count) tile.show(index, this.loader.get(index), look);
      });
    }
  }

  #take(n: number): Line {
    const line = this.#spare.pop() ?? {
      element: h("div", { class: "gallery-line", role: "row" }),
      tiles: [],
    };
    this.#shown.set(n, line);
    line.element.hidden = false;
    if (!line.element.isConnected) this.element.append(line.element);
    setAttribute(line.element, "aria-rowindex", String(n + 1));
    return line;
  }

  #release(n: number, line: Line): void {
    this.#shown.delete(n);
    line.element.hidden = true;
    this.#spare.push(line);
  }

  /** Give a line as many tiles as there are columns. */
  #fill({ element, tiles }: Line, columns: number): void {
    while (tiles.length < columns) {
      const tile = new Tile(this.bitmaps);
      tiles.push(tile);
      setAttribute(tile.element, "aria-colindex", String(tiles.length));
      element.append(tile.element);
    }
    for (const tile of tiles.splice(columns)) tile.element.remove();
  }
}
