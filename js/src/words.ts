// The caption, its words as buttons, tinted by their importance or by what the region gives them.

import { type Component, h, setAttribute } from "./dom";
import type { Hover } from "./hover";
import type { Explanation } from "./payload";
import type { Frame } from "./scene";
import { type Store, toggleWord } from "./state";

const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;

export function createWords(store: Store, hover: Hover, signal: AbortSignal): Component<Frame> {
  const element = h("div", {
    class: "gradeclip-caption",
    role: "group",
    "aria-label": "Caption words",
    dir: "auto",
  });
  let buttons: HTMLButtonElement[] = [];
  let shown: Explanation | null = null;
  let tinted: Frame["scene"]["ranking"] | null = null;
  hover.watch(element, ".gradeclip-word", signal);

  element.addEventListener(
    "click",
    (event) => {
      const button =
        event.target instanceof Element ? event.target.closest<HTMLElement>(".gradeclip-word") : null;
      if (!button) return;
      if (event.detail > 0) button.focus({ preventScroll: true }); // Safari does not by itself
      pinWord(store, hover, Number(button.dataset.index), event.shiftKey);
    },
    { signal },
  );
  element.addEventListener(
    "keydown",
    (event) => {
      const at = buttons.indexOf(event.target as HTMLButtonElement);
      const to =
        at < 0 ? null : wordForKey(event.key, at, buttons.length, getComputedStyle(element).direction);
      if (to === null) return;
      event.preventDefault();
      moveTabStop(buttons, to);
      buttons[to].focus();
    },
    { signal },
  );

  return {
    element,
    update({ scene, repaint }) {
      const fresh = scene.explanation !== shown;
      if (fresh) {
        const focused = buttons.indexOf(document.activeElement as HTMLButtonElement);
        shown = scene.explanation;
        buttons = buildCaption(element, shown);
        if (focused >= 0) buttons[Math.min(focused, buttons.length - 1)]?.focus();
      }
      if (repaint) {
        buttons.forEach((button, k) => {
          setAttribute(button, "aria-pressed", String(scene.pinned.includes(k)));
          button.classList.toggle("is-shown", scene.words.includes(k));
        });
      }
      if (fresh || scene.ranking !== tinted) tint(scene);
    },
  };

  /** Background and underline by the word's share of the strongest value. */
  function tint({ ranking, region }: Frame["scene"]): void {
    tinted = ranking;
    const top = Math.max(...ranking.map(({ value }) => Math.abs(value)), 1e-30);
    element.classList.toggle("has-region", region !== null);
    for (const { word, value } of ranking) {
      buttons[word].style.setProperty("--share", Math.abs(value / top).toFixed(3));
      buttons[word].classList.toggle("is-against", value < 0);
    }
  }
}

/** Pin a word, as a click on it does. The preview ends, so that what is pinned shows at once. */
export function pinWord(store: Store, hover: Hover, word: number, extend: boolean): void {
  hover.clear();
  store.set({ selected_words: toggleWord(store.get("selected_words"), word, extend) });
}

/** The word that a key leads to from another, or null for other keys. */
export function wordForKey(key: string, at: number, count: number, direction: string): number | null {
  const forward = direction === "rtl" ? "ArrowLeft" : "ArrowRight";
  const back = direction === "rtl" ? "ArrowRight" : "ArrowLeft";
  if (key === forward || key === "ArrowDown") return Math.min(count - 1, at + 1);
  if (key === back || key === "ArrowUp") return Math.max(0, at - 1);
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : null;
}

function buildCaption(element: HTMLElement, e: Explanation): HTMLButtonElement[] {
  const { words, gaps, notes } = e.header;
  const cut = notes.find((note) => /token/i.test(note)) ?? "Past the text length that this model reads";
  const buttons = words.map((word, index) => {
    const state = word.truncated ? " is-truncated" : word.known ? "" : " is-unknown";
    const title = word.truncated ? cut : word.known ? null : "Unknown to this model";
    const button = h("button", {
      type: "button",
      class: `gradeclip-word${state}`,
      "data-index": index,
      "aria-pressed": "false",
      tabindex: index === 0 ? 0 : -1,
      title,
      "aria-description": title,
    });
    button.textContent = word.text;
    return button;
  });
  // Buttons are neutral to the bidi algorithm, so a run of right-to-left words says its direction itself.
  element.replaceChildren(gaps[0] ?? "");
  let run: HTMLElement = element;
  buttons.forEach((button, k) => {
    const rtl = RTL.test(words[k].text);
    if (!rtl) run = element;
    else if (run === element) {
      run = h("span", { dir: "rtl" });
      element.append(run);
    }
    const goesOn = rtl && k + 1 < words.length && RTL.test(words[k + 1].text);
    run.append(button);
    (goesOn ? run : element).append(gaps[k + 1] ?? "");
  });
  return buttons;
}

function moveTabStop(buttons: HTMLButtonElement[], to: number): void {
  buttons.forEach((button, k) => {
    button.tabIndex = k === to ? 0 : -1;
  });
}
