// Rows with a word, a bar and a value; the bars of a list share one scale with a common zero.

import { h, setText } from "./dom";

export interface Track {
  zero: number; // position of the zero, as a fraction of the track's width
  /** The start and length of a bar that begins at `from`, as fractions of the track's width. */
  bar(value: number, from?: number): { start: number; length: number };
}

/**
 * Scale a track so that the largest positive and negative values reach its ends, unless they are less than `least`
 * apart, which then is the length of the whole track.
 */
export function layTrack(values: readonly number[], least = 0): Track {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const span = Math.max(high - low, least) || 1;
  return {
    zero: (0 - low) / span,
    bar: (value, from = 0) => ({
      start: (from + Math.min(value, 0) - low) / span,
      length: Math.abs(value) / span,
    }),
  };
}

/** Scale the track of a list to its values, as `layTrack`, and style the list accordingly. */
export function showTrack(list: HTMLElement, values: readonly number[], least = 0): Track {
  const track = layTrack(values, least);
  list.style.setProperty("--zero", `${(100 * track.zero).toFixed(2)}%`);
  list.classList.toggle("is-signed", track.zero > 0);
  return track;
}

/** Position a bar on its track; it begins at `from`. */
export function placeBar(bar: HTMLElement, track: Track, value: number, from = 0): void {
  const { start, length } = track.bar(value, from);
  bar.hidden = length === 0;
  bar.style.left = `${(100 * start).toFixed(2)}%`;
  bar.style.width = `${(100 * length).toFixed(2)}%`;
}

export interface BarRow {
  readonly element: HTMLLIElement;
  readonly track: HTMLElement;
  readonly bar: HTMLElement;
  readonly value: HTMLElement;
}

/** Append a row to a list. */
export function createBarRow(list: HTMLElement, word: HTMLElement): BarRow {
  const bar = h("i");
  const track = h("span", { class: "gradeclip-track", "aria-hidden": "true" }, bar);
  const value = h("em");
  const element = h("li", { class: "gradeclip-bar" }, word, track, value);
  list.append(element);
  return { element, track, bar, value };
}

/** Show a value in a row, as a bar that begins at `from` and as text. `first`: the row is at the top of its list. */
export function showBar(
  row: BarRow,
  track: Track,
  value: number,
  text: string,
  first: boolean,
  from = 0,
): void {
  placeBar(row.bar, track, value, from);
  setText(row.value, text);
  row.element.classList.toggle("is-leading", first && value > 0);
  row.element.classList.toggle("is-against", value < 0);
}
