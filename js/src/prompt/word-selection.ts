// Hovering and pinning words, for the caption and the bars. One word is hovered at a time, by pointer or by focus.

import { shownTogether } from "../core/evidence";
import type { Scene, View } from "../state/scene";
import type { Store } from "../state/store";
import { onLongPress } from "../ui/long-press";

const LINGER = 90; // ms that a preview stays after the pointer has left, so that it does not flicker between words

export class Hover {
  #store: Store;
  #timer = 0;
  #focused: number | null = null;
  #keyboard = true; // focus caused by a pointer press is no preview

  constructor(store: Store, root: HTMLElement, signal: AbortSignal) {
    this.#store = store;
    const options = { signal, capture: true };
    root.addEventListener("pointerdown", () => this.#usePointer(), options);
    root.addEventListener("keydown", () => (this.#keyboard = true), options);
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Preview hovered and focused words of a list. Elements matching `selector` have the index in `data-index`. */
  watch(list: HTMLElement, selector: string, signal: AbortSignal): void {
    const wordUnder = (event: Event): number | null => {
      const hit = event.target instanceof Element ? event.target.closest<HTMLElement>(selector) : null;
      return hit ? Number(hit.dataset.index) : null;
    };
    list.addEventListener(
      "pointerover",
      (event) => {
        if (event.pointerType === "touch") return;
        const word = wordUnder(event);
        if (word === null) this.#leave();
        else this.#enter(word);
      },
      { signal },
    );
    list.addEventListener("pointerleave", () => this.#leave(), { signal });
    list.addEventListener(
      "focusin",
      (event) => {
        if (!this.#keyboard) return;
        this.#focused = wordUnder(event);
        if (this.#focused !== null) this.#enter(this.#focused);
      },
      { signal },
    );
    list.addEventListener(
      "focusout",
      () => {
        this.#focused = null;
        this.#leave();
      },
      { signal },
    );
  }

  /** End any preview immediately. */
  clear(): void {
    this.#focused = null;
    clearTimeout(this.#timer);
    this.#set(null);
  }

  #usePointer(): void {
    this.#keyboard = false;
    this.#focused = null;
  }

  #enter(word: number): void {
    clearTimeout(this.#timer);
    this.#set(word);
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#set(this.#focused), LINGER);
  }

  #set(word: number | null): void {
    if (this.#store.get("hovered_word") !== word) this.#store.set({ hovered_word: word });
  }
}

/**
 * The selection after a click that selects some words: only they, or none if only they were selected. With Shift, they
 * are added or removed.
 */
export function toggleWords(
  selected: readonly number[],
  words: readonly number[],
  extend: boolean,
): number[] {
  const included = words.every((word) => selected.includes(word));
  const others = selected.filter((word) => !words.includes(word));
  if (extend) return included ? others : [...others, ...words].sort((a, b) => a - b);
  return included && others.length === 0 ? [] : [...words];
}

/** Handle a click on a word: pin the words that hovering it shows. Ends the preview, so that this shows immediately. */
export function pinWord(
  store: Store,
  hover: Hover,
  { evidence, measure }: Scene,
  word: number,
  extend: boolean,
): void {
  hover.clear();
  const words = shownTogether(evidence, measure, word);
  store.set({ selected_words: toggleWords(store.get("selected_words"), words, extend) });
}

/** Let a finger that rests on a word of a list add it to the pinned ones, or remove it, as a click with Shift does. */
export function addOnLongPress(
  { store, scene, signal }: View,
  hover: Hover,
  list: HTMLElement,
  selector: string,
): void {
  onLongPress(list, signal, ({ target }) => {
    const word = target instanceof Element ? target.closest<HTMLElement>(selector) : null;
    if (word) pinWord(store, hover, scene, Number(word.dataset.index), true);
    return word !== null;
  });
}
