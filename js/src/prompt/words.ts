// The caption with its words as buttons, tinted by their importance or by their evidence in the region.

import type { Draft } from "../core/caption";
import { wordColor } from "../core/color-scale";
import { lowering, shownTogether } from "../core/evidence";
import { leastFullBar } from "../core/format";
import type { WordHeader } from "../core/types";
import type { Scene, View } from "../state/scene";
import { disambiguate, formatWithout } from "../state/wording";
import { h, setAttribute } from "../ui/dom";
import { clearHelp, setHelp } from "../ui/help";
import { attachArrowKeys } from "../ui/keys";
import type { Hover } from "./word-selection";
import { addOnLongPress, pinWord } from "./word-selection";

const EXPLAINED_WORD = ".gradeclip-word[data-index]"; // words that are not explained yet have no index
const MIN_SHARE = 0.02; // of the strongest word; below it nothing is drawn
const UNKNOWN = "not in this model’s vocabulary; its map means nothing";
const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;

/**
 * @param handle the button that opens a word's menu; placed after a pinned word, if prompts can be edited.
 * @returns the element, and the words' buttons in the caption's order.
 */
export function createWords(
  view: View,
  hover: Hover,
  handle: HTMLButtonElement,
): { element: HTMLElement; buttons: () => readonly HTMLButtonElement[] } {
  const { store, scene, signal, draw } = view;
  const element = h("div", {
    class: "gradeclip-caption",
    role: "group",
    "aria-label": "Caption words",
    dir: "auto",
  });
  const place = h("span", { class: "gradeclip-handle-place" }, handle);
  let buttons: HTMLButtonElement[] = [];
  hover.watch(element, EXPLAINED_WORD, signal);
  addOnLongPress(view, hover, element, EXPLAINED_WORD);

  element.addEventListener(
    "click",
    (event) => {
      const button =
        event.target instanceof Element ? event.target.closest<HTMLElement>(EXPLAINED_WORD) : null;
      if (!button) return;
      if (event.detail > 0) button.focus({ preventScroll: true }); // Safari does not focus a clicked button
      pinWord(store, hover, scene, Number(button.dataset.index), event.shiftKey);
    },
    { signal },
  );
  attachArrowKeys(element, () => buttons, signal);

  draw(() => {
    const { draft, explanation } = scene;
    const active = document.activeElement;
    const at = buttons.findIndex((b) => b === active || (active === handle && b === place.previousSibling));
    buttons = buildCaption(element, draft, explanation.header);
    if (at >= 0) buttons[Math.min(at, buttons.length - 1)]?.focus();
  });
  draw(() => {
    const { draft, pinned, words } = scene;
    draft.sources.forEach((source, k) => {
      setAttribute(buttons[k], "aria-pressed", String(source !== null && pinned.includes(source)));
      buttons[k].classList.toggle("is-shown", source !== null && words.includes(source));
    });
    moveHandle(scene);
  });
  draw(() => tint(scene));
  return { element, buttons: () => buttons };

  function moveHandle({ draft, pinned, evidence, measure }: Scene): void {
    const single =
      pinned.length > 0 && String(pinned) === String(shownTogether(evidence, measure, pinned[0]));
    const visible = single && store.canCompute && store.isControlVisible("prompt");
    const button = visible ? buttons[draft.sources.indexOf(pinned[0])] : undefined;
    if (!button) {
      if (document.activeElement === handle) (place.previousSibling as HTMLElement).focus();
      place.remove();
    } else if (place.previousSibling !== button) button.after(place);
  }

  /**
   * Tint each word by its value relative to the strongest, as long as the bars are. Highlighted words have their color,
   * and as in the picture the square root of that ratio as strength.
   */
  function tint(now: Scene): void {
    const { draft, evidence, measure, ranking, region, versus, highlights, decimals } = now;
    const lowers = region || versus ? new Set<number>() : lowering(evidence, measure);
    const top = Math.max(...ranking.map(({ value }) => Math.abs(value)), leastFullBar(decimals));
    element.classList.toggle("has-region", region !== null);
    for (const { word, value } of ranking) {
      const button = buttons[draft.sources.indexOf(word)];
      if (!button) continue;
      const hue = wordColor(highlights, word);
      const share = Math.abs(value / top);
      // Among colored highlights, the tint of any other word would be a color without a meaning.
      const strength = hue && !region ? Math.sqrt(share) : hue || highlights.length === 0 ? share : 0;
      button.style.setProperty("--share", (strength < MIN_SHARE ? 0 : strength).toFixed(3));
      button.style.setProperty("--hue", hue ?? "");
      button.classList.toggle("is-hued", hue !== null);
      button.classList.toggle("is-against", value < 0);
      button.classList.toggle("is-lowering", lowers.has(word));
      if (lowers.has(word)) {
        const without = formatWithout(evidence, word, decimals);
        setHelp(button, `lowers the score${without && `: ${without}`}`);
      } else if (evidence.header.words[word].known && !evidence.header.words[word].truncated) {
        clearHelp(button);
      }
    }
  }
}

function buildCaption(
  element: HTMLElement,
  { words, gaps, sources }: Draft,
  { words: headers, notes }: { words: readonly WordHeader[]; notes: readonly string[] },
): HTMLButtonElement[] {
  const cut = notes.find((note) => /token/i.test(note)) ?? "Past the text length that this model reads";
  const names = disambiguate(words);
  const buttons = words.map((text, index) => {
    const source = sources[index];
    const { truncated, known } = source === null ? { truncated: false, known: true } : headers[source];
    const state = source === null ? " is-pending" : truncated ? " is-truncated" : known ? "" : " is-unknown";
    const help = source === null ? "Not explained yet" : truncated ? cut : known ? "" : UNKNOWN;
    const button = h("button", {
      type: "button",
      class: `gradeclip-word${state}`,
      "data-index": source,
      "aria-pressed": "false",
      "aria-label": names[index].beside ? `${text} (${names[index].beside})` : null,
      tabindex: index === 0 ? 0 : -1,
    });
    button.textContent = text;
    if (help) setHelp(button, help);
    return button;
  });
  // Buttons are neutral to the bidi algorithm, so a run of right-to-left words needs an explicit direction.
  element.replaceChildren(gaps[0] ?? "");
  let run: HTMLElement = element;
  buttons.forEach((button, k) => {
    const rtl = RTL.test(words[k]);
    if (!rtl) run = element;
    else if (run === element) {
      run = h("span", { dir: "rtl" });
      element.append(run);
    }
    const goesOn = rtl && k + 1 < words.length && RTL.test(words[k + 1]);
    run.append(button);
    (goesOn ? run : element).append(gaps[k + 1] ?? "");
  });
  return buttons;
}
