// The places of tiles: lines of equal height, of which only those near the view are in the page. No DOM.

const GAP = 12; // pixels between tiles, as in styles/tiles.css
const PADDING = 14; // pixels around all of them
const LEAST_WIDTH = 148; // of a tile
const LEAST_PAIR_WIDTH = 250; // of a tile with two pictures side by side
const TEXT_HEIGHT = 70; // pixels below the picture: two lines of the caption and one of numbers

/** The tallest content that browsers scroll exactly; Firefox stops at 17.9 million pixels. */
export const MOST_HEIGHT = 15_000_000;

export interface Layout {
  readonly columns: number;
  readonly lines: number;
  readonly tileWidth: number;
  readonly pictureHeight: number;
  readonly pitch: number; // from the top of a line to that of the next
  readonly height: number; // of everything, were it not capped
}

/** @param paired whether each tile has two pictures. */
export function layOut(width: number, count: number, paired: boolean): Layout {
  const inner = Math.max(0, width - 2 * PADDING);
  const columns = Math.max(1, Math.floor((inner + GAP) / ((paired ? LEAST_PAIR_WIDTH : LEAST_WIDTH) + GAP)));
  const tileWidth = Math.max(1, Math.floor((inner + GAP) / columns - GAP));
  const pictureHeight = paired ? Math.round(tileWidth / 2) : tileWidth;
  const pitch = pictureHeight + TEXT_HEIGHT + GAP;
  const lines = Math.ceil(count / columns);
  return {
    columns,
    lines,
    tileWidth,
    pictureHeight,
    pitch,
    height: lines === 0 ? 0 : lines * pitch - GAP + 2 * PADDING,
  };
}

/** The top of a line, in pixels from the top of the content. */
export function lineTop({ pitch }: Layout, line: number): number {
  return PADDING + line * pitch;
}

/** The lines that meet the pixels from `top` to `bottom`, as [first, end). */
export function linesBetween({ pitch, lines }: Layout, top: number, bottom: number): [number, number] {
  const first = Math.min(lines, Math.max(0, Math.floor((top - PADDING + GAP) / pitch)));
  const end = Math.min(lines, Math.max(first, Math.ceil((bottom - PADDING) / pitch)));
  return [first, end];
}

/**
 * Maps the scroll position of an element of at most `MOST_HEIGHT` to a place in content that may be taller: small
 * steps move by as many pixels, jumps (of the scrollbar) go to the same fraction of the height.
 */
export class ScrollMap {
  #height = 0;
  #view = 0;
  #shift = 0; // from the element's scroll position to the place in the content
  #last = 0;

  /** The height of the scrolled content in the page. */
  get scrollHeight(): number {
    return Math.min(this.#height, MOST_HEIGHT);
  }

  /** The difference of the place in the content and the scroll position. */
  get shift(): number {
    return this.#shift;
  }

  resize(height: number, view: number): void {
    this.#height = height;
    this.#view = view;
    this.#jump(this.#last);
  }

  /** The place in the content that is at the top of the view. */
  placeOf(scrollTop: number): number {
    const end = this.scrollHeight - this.#view;
    const far = Math.abs(scrollTop - this.#last) > this.#view;
    this.#last = scrollTop;
    if (far || scrollTop <= 0 || scrollTop >= end) this.#jump(scrollTop);
    return Math.max(0, scrollTop + this.#shift);
  }

  /** The scroll position that shows a place at the top of the view. */
  scrollTopFor(place: number): number {
    if (this.#height <= MOST_HEIGHT) return place;
    const top = Math.round((place / (this.#height - this.#view)) * (MOST_HEIGHT - this.#view));
    this.#last = top;
    this.#shift = place - top;
    return top;
  }

  #jump(scrollTop: number): void {
    const end = this.scrollHeight - this.#view;
    const share = end > 0 ? Math.min(1, Math.max(0, scrollTop / end)) : 0;
    this.#shift = this.#height <= MOST_HEIGHT ? 0 : share * (this.#height - this.#view) - scrollTop;
  }
}
