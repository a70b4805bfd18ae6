// The controls above the grid: order, filters, and what is painted.

import { createSegmented, createSelect } from "../ui/choice";
import { h, setAttribute, setText } from "../ui/dom";
import { setHelp } from "../ui/help";
import { iconButton } from "../ui/icons";
import { createScoreSlider } from "./histogram";
import type { GalleryStore, Role, Side, Sort } from "./messages";

const PAUSE = 250; // ms without typing until a text is searched for
const DESCENDING = "M5 3v10M2.5 10.5L5 13l2.5-2.5M9 4h5M9 8h4M9 12h2.5";
const ASCENDING = "M5 13V3M2.5 5.5L5 3l2.5 2.5M9 4h2.5M9 8h4M9 12h5";
const SORT_LABELS: Readonly<Record<Sort, string>> = {
  position: "file order",
  score: "score",
  concentration: "how focused the map is",
  energy: "part of the map in the box",
  disagreement: "disagreement of the runs",
};
const ROLE_LABELS: Readonly<Record<Role, string>> = {
  any: "is in the caption",
  counts: "counts",
  ignored: "is ignored",
};
const ROLES = Object.entries(ROLE_LABELS).map(([value, label]) => ({ value, label }));
const ROLE_HELP =
  "A word counts if its importance is at least 15 % of the largest in its caption, and is ignored if it is at most 5 %";
const NO_FILTERS = { text: "", word: "", word_role: "any", score_range: null } as const;

/** Whether a filter leaves pairs out. */
export function isFiltered(store: GalleryStore): boolean {
  return (
    store.get("text").trim() !== "" || store.get("word").trim() !== "" || store.get("score_range") !== null
  );
}

export function clearFilters(store: GalleryStore): void {
  store.set({ ...NO_FILTERS });
}

export function createControls(store: GalleryStore, signal: AbortSignal): HTMLElement {
  const sort = createSelect("Sort by", "What the pairs are sorted by", signal, (value) =>
    store.set({ sort: value as Sort, descending: value !== "position" }),
  );
  const direction = iconButton("Largest first", DESCENDING);
  direction.addEventListener("click", () => store.set({ descending: !store.get("descending") }), {
    signal,
  });
  const text = createSearch("Caption", "Show pairs with this in the caption", "any", signal, (value) =>
    store.set({ text: value }),
  );
  const word = createSearch("Word", "Show pairs whose caption has this word", "any", signal, (value) =>
    store.set({ word: value }),
  );
  const role = createSelect("", ROLE_HELP, signal, (value) => store.set({ word_role: value as Role }));
  role.element.querySelector("select")!.setAttribute("aria-label", "What the word does");
  const scores = createScoreSlider((range) => store.set({ score_range: range }), signal);
  const clear = h("button", { type: "button", class: "gradeclip-button" }, "Clear filters");
  clear.addEventListener(
    "click",
    () => {
      clearFilters(store);
      text.focus(); // the button is about to go
    },
    { signal },
  );
  const heat = h("input", { type: "checkbox" });
  heat.addEventListener("change", () => store.set({ heat: heat.checked }), { signal });
  const heatLabel = h("label", { class: "gradeclip-field" }, heat, "Heat");
  setHelp(heatLabel, "Paint each pair’s map on its picture", heat);
  const side = createSegmented("Maps of", signal, (value) => store.set({ side: value as Side }), true);
  const element = h(
    "div",
    { class: "gradeclip-controls gallery-controls" },
    h("div", { class: "gallery-sort" }, sort.element, direction),
    text.element,
    h("div", { class: "gallery-word" }, word.element, role.element),
    scores.element,
    clear,
    h("div", { class: "gallery-shown" }, side.element, heatLabel),
  );
  const draw = (act: () => void) => store.draw(act, signal);
  draw(() => {
    const choices = store.get("about").sorts.map((value) => ({ value, label: SORT_LABELS[value as Sort] }));
    sort.update(choices, store.get("sort"), false);
  });
  draw(() => {
    const descending = store.get("descending");
    const label = descending ? "Largest first" : "Smallest first";
    setAttribute(direction, "aria-label", label);
    setHelp(direction, `${label}: click to turn round`);
    setAttribute(direction.querySelector("path")!, "d", descending ? DESCENDING : ASCENDING);
  });
  draw(() => text.update(store.get("text")));
  draw(() => word.update(store.get("word")));
  draw(() => {
    role.update(ROLES, store.get("word_role"), false);
    role.element.hidden = !store.get("about").importances || store.get("word").trim() === "";
  });
  draw(() => scores.update(store.get("histogram"), store.get("score_range")));
  draw(() => {
    clear.hidden = !isFiltered(store);
    heat.checked = store.get("heat");
  });
  draw(() => {
    const about = store.get("about");
    side.element.hidden = about.other === null;
    if (about.other === null) return;
    side.setOptions([
      { value: "both", label: "Both", help: "Both runs’ maps, side by side" },
      { value: "this", label: "This run", help: about.label },
      { value: "other", label: "The other", help: about.other },
    ]);
    side.choose(store.get("side"));
  });
  return element;
}

interface Search {
  readonly element: HTMLElement;
  focus(): void;
  update(value: string): void;
}

/** A field that searches after a pause, on Enter, and when it is cleared. */
function createSearch(
  label: string,
  help: string,
  placeholder: string,
  signal: AbortSignal,
  search: (value: string) => void,
): Search {
  const input = h("input", {
    type: "search",
    placeholder,
    spellcheck: "false",
    autocomplete: "off",
    dir: "auto",
  });
  const element = h("label", { class: "gradeclip-field gallery-search" }, label, input);
  setHelp(element, help, input);
  let timer = 0;
  let sent = "";
  const send = () => {
    clearTimeout(timer);
    timer = 0;
    if (input.value === sent) return;
    sent = input.value;
    search(sent);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  input.addEventListener(
    "input",
    (event) => {
      clearTimeout(timer);
      if (!(event as InputEvent).isComposing) timer = window.setTimeout(send, input.value === "" ? 0 : PAUSE);
    },
    { signal },
  );
  for (const type of ["change", "search"]) input.addEventListener(type, send, { signal });
  input.addEventListener(
    "keydown",
    (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter") send();
      if (event.key === "Escape" && input.value) event.stopPropagation(); // the browser clears the field
    },
    { signal },
  );
  return {
    element,
    focus: () => input.focus({ preventScroll: true }),
    update(value) {
      if (timer) return; // what is being typed is newer
      sent = value;
      if (input.value !== value) input.value = value;
    },
  };
}

/** "36,331 of 100,000 pairs". */
export function countText(count: number, total: number): string {
  const all = `${format(total)} ${total === 1 ? "pair" : "pairs"}`;
  return count === total ? all : `${format(count)} of ${all}`;
}

export const format = (n: number) => n.toLocaleString("en-US");

/** The line above: the names of the runs, and the number of pairs. */
export function createTitle(store: GalleryStore, signal: AbortSignal): HTMLElement {
  const label = h("b");
  const other = h("span", { class: "gallery-other" });
  const count = h("span", { class: "gallery-count", role: "status" });
  store.draw(() => {
    const about = store.get("about");
    setText(label, about.label);
    setText(other, about.other === null ? "" : `and ${about.other}`);
    other.hidden = about.other === null;
    const progress = store.get("progress");
    const done = progress && progress.total > 0 ? Math.floor((100 * progress.done) / progress.total) : 0;
    setText(
      count,
      progress ? `Comparing the runs … ${done} %` : countText(store.get("order").count, about.total),
    );
  }, signal);
  return h("div", { class: "gallery-title" }, label, other, count);
}
