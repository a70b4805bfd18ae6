// Rows with a bar each, and where the bars begin and end on their common track.

import { h, setText } from "./dom";

export interface Track {
  zero: number; // share of the track, 0..1
  /** A bar as shares of the track. */
  bar(value: number): { start: number; length: number };
}

/** A track on which the largest values, for and against, fill their sides. */
export function layTrack(values: readonly number[]): Track {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const span = high - low || 1;
  return {
    zero: (0 - low) / span,
    bar: (value) => ({ start: (Math.min(value, 0) - low) / span, length: Math.abs(value) / span }),
  };
}

/** Lay a track for the bars of a list, and show its zero. */
export function showTrack(list: HTMLElement, values: readonly number[]): Track {
  const track = layTrack(values);
  list.style.setProperty("--zero", `${(100 * track.zero).toFixed(2)}%`);
  list.classList.toggle("is-signed", track.zero > 0);
  return track;
}

/** Give a bar its place on its track. */
export function placeBar(bar: HTMLElement, track: Track, value: number): void {
  const { start, length } = track.bar(value);
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

/** A word, its bar and its value, at the end of a list. */
export function createBarRow(list: HTMLElement, word: HTMLElement): BarRow {
  const bar = h("i");
  const track = h("span", { class: "gradeclip-track", "aria-hidden": "true" }, bar);
  const value = h("em");
  const element = h("li", { class: "gradeclip-bar" }, word, track, value);
  list.append(element);
  return { element, track, bar, value };
}

/** Show a value, given as a number and as text, in a row; `first`: the row stands at the top of its list. */
export function showBar(row: BarRow, track: Track, value: number, text: string, first: boolean): void {
  placeBar(row.bar, track, value);
  setText(row.value, text);
  row.element.classList.toggle("is-leading", first && value > 0);
  row.element.classList.toggle("is-against", value < 0);
}
