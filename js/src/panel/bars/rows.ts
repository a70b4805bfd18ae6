// The rows of the bars: one for each word, and one each for the empty sentence, for what is counted together, for unknown
// words, and for the sentence itself.

import { type BarRow, createBarRow, type Track } from "../../ui/bar";
import { h } from "../../ui/dom";

export interface WordRow extends BarRow {
  word: HTMLButtonElement;
  text: HTMLElement;
  beside: HTMLElement;
  second: HTMLElement; // a thinner bar, for the second measure
  secondValue: HTMLElement;
  tick: HTMLElement; // joins the bar's end with the next row's bar
}

export interface SumRow extends BarRow {
  label: HTMLElement;
  tick: HTMLElement;
}

export function createSumRow(list: HTMLElement, kind: string, label: HTMLElement = h("span")): SumRow {
  label.classList.add("gradeclip-bar-word");
  const row = createBarRow(list, label);
  row.element.classList.add("is-sum", `is-${kind}`);
  row.element.hidden = true;
  return { ...row, label, tick: createTick(row) };
}

/** Create a row before another one. */
export function createWordRow(list: HTMLElement, before: SumRow): WordRow {
  const text = h("bdi");
  const beside = h("small");
  const word = h("button", { type: "button", class: "gradeclip-bar-word", tabindex: -1 }, text, beside);
  const second = h("i", { class: "gradeclip-second" });
  const secondValue = h("em", { class: "gradeclip-second-value" });
  const row = createBarRow(list, word);
  list.insertBefore(row.element, before.element);
  row.element.classList.add("is-word");
  row.track.append(second);
  row.element.append(secondValue);
  return { ...row, word, text, beside, second, secondValue, tick: createTick(row) };
}

/** Place the tick at a sum of the values so far; null: there is none. */
export function placeTick(tick: HTMLElement, track: Track, at: number | null): void {
  tick.hidden = at === null;
  if (at !== null) tick.style.left = `${(100 * track.bar(0, at).start).toFixed(2)}%`;
}

function createTick({ track }: BarRow): HTMLElement {
  const tick = h("b", { class: "gradeclip-tick", hidden: true });
  track.append(tick);
  return tick;
}
