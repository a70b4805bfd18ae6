// The words as bars: their importance and what the score loses without them, or what the region says of each; in
// the difference view with the other prompt's words among them. Rows are reused, never rebuilt.

import { type Component, h, setText } from "./dom";
import { evidenceOf, formatPercent, formatSigned, formatValue } from "./format";
import type { Hover } from "./hover";
import type { WordHeader } from "./payload";
import { type Frame, type Scene, topRanked } from "./scene";
import type { Store } from "./state";
import { layTrack } from "./track";
import { pinWord } from "./words";

const FEW = 8; // bars before "show all"
const ENOUGH = 10; // that many are shown without asking
const OWN = ".gradeclip-bar[data-index]";

interface Row {
  element: HTMLLIElement;
  word: HTMLElement;
  bar: HTMLElement;
  effect: HTMLElement; // the thinner bar
  value: HTMLElement;
  loss: HTMLElement;
}

/** A word with its value. */
interface Entry {
  word: number | null; // index in the caption; null: a word that only the subtracted prompt has
  value: number;
  header: WordHeader;
}

export function createBars(store: Store, hover: Hover, signal: AbortSignal): Component<Frame> {
  const title = h("h3", { class: "gradeclip-heading" });
  const share = h("p", { class: "gradeclip-share", hidden: true });
  const list = h("ol", { class: "gradeclip-bars" });
  const more = h("button", { type: "button", class: "gradeclip-more", hidden: true });
  const key = h(
    "p",
    { class: "gradeclip-key", hidden: true },
    h("span", {}, h("i"), "importance"),
    h("span", {}, h("i", { class: "gradeclip-effect" }), "score lost without the word"),
  );
  const element = h("section", { class: "gradeclip-ranking" }, title, share, key, list, more);
  const rows: Row[] = [];
  hover.watch(list, OWN, signal);
  more.addEventListener("click", () => store.setView({ showAll: !store.view.showAll }), { signal });
  list.addEventListener(
    "click",
    (event) => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>(OWN) : null;
      if (row) pinWord(store, hover, Number(row.dataset.index), event.shiftKey);
    },
    { signal },
  );
  let shown: Scene["ranking"] | null = null;
  let showedAll = false;

  return {
    element,
    update({ scene, repaint }) {
      const { showAll } = store.view;
      const moved = scene.ranking !== shown || showAll !== showedAll;
      if (moved) {
        shown = scene.ranking;
        showedAll = showAll;
        setText(title, heading(scene));
        const entries = entriesOf(scene);
        const fits = entries.length <= ENOUGH;
        draw(scene, entries, showAll || fits ? entries : topRanked(entries, FEW));
        list.classList.toggle("is-long", showAll);
        list.tabIndex = showAll ? 0 : -1; // it scrolls then, and keys must reach that
        more.hidden = fits;
        setText(more, showAll ? "Show fewer" : `Show all ${entries.length} words`);
        more.setAttribute("aria-expanded", String(showAll));
      }
      if (moved || repaint) {
        for (const { element: row } of rows) {
          const { index } = row.dataset;
          row.classList.toggle("is-shown", index !== undefined && scene.words.includes(Number(index)));
        }
        share.hidden = scene.region === null;
        share.classList.toggle("is-asking", scene.share === null);
        setText(share, scene.region ? shareSentence(scene) : "");
      }
    },
  };

  function draw(scene: Scene, all: readonly Entry[], drawn: readonly Entry[]): void {
    while (rows.length < drawn.length) rows.push(createRow(list));
    const values = all.map(({ value }) => value);
    const size = Math.max(...values.map(Math.abs));
    const effects = scene.region || scene.versus ? [] : all.map(({ header }) => header.effect ?? null);
    const known = effects.filter((effect) => effect !== null);
    const largest = Math.max(...known.map(Math.abs));
    const track = layTrack([values, known]);
    const signed = scene.region !== null || scene.versus !== null;
    list.style.setProperty("--zero", `${(100 * track.zero).toFixed(2)}%`);
    list.classList.toggle("is-signed", track.zero > 0);
    list.classList.toggle("has-effects", known.length > 0);
    key.hidden = known.length === 0;
    rows.forEach((row, k) => {
      row.element.hidden = k >= drawn.length;
      if (row.element.hidden) return;
      const { word, value, header } = drawn[k];
      if (word === null) delete row.element.dataset.index;
      else row.element.dataset.index = String(word);
      row.element.classList.toggle("is-leading", k === 0 && value > 0);
      row.element.classList.toggle("is-quiet", header.truncated || !header.known || word === null);
      row.element.classList.toggle("is-against", value < 0);
      setText(row.word, header.text);
      setText(row.value, signed ? formatSigned(value, size) : formatValue(value, value && size));
      place(row.bar, track.bar(0, value));
      const effect = effects.length > 0 ? (header.effect ?? null) : null;
      setText(row.loss, effect === null ? "" : formatSigned(effect, largest));
      place(row.effect, track.bar(1, effect ?? 0));
      row.effect.classList.toggle("is-against", (effect ?? 0) < 0);
    });
  }
}

/** Give a bar its place on its track. */
export function place(bar: HTMLElement, { start, length }: { start: number; length: number }): void {
  bar.hidden = length === 0;
  bar.style.left = `${(100 * start).toFixed(2)}%`;
  bar.style.width = `${(100 * length).toFixed(2)}%`;
}

function heading({ region, versus }: Scene): string {
  if (!versus) return region ? "What this region says" : "Word importance";
  return region ? "What this region says, difference" : "Word importance, difference";
}

/** The ranked words, the subtracted prompt's own among them. */
function entriesOf({ explanation, versus, ranking, others }: Scene): Entry[] {
  const own = ranking.map(({ word, value }) => ({ word, value, header: explanation.header.words[word] }));
  if (!versus) return own;
  const theirs = others.map(({ word, value }) => ({ word: null, value, header: versus.header.words[word] }));
  return [...own, ...theirs].sort((a, b) => b.value - a.value);
}

/** How much of the shown words' evidence the region holds. */
export function shareSentence({ share, label, words, top }: Scene): string {
  if (share === null) return "Point at a word for the share of its evidence that lies here.";
  if (words.length > 0 && top <= 0 && share === 0) return `“${label}” has no positive evidence to share.`;
  return `${formatPercent(share)} of ${evidenceOf(label)} lies in this region.`;
}

function createRow(list: HTMLElement): Row {
  const word = h("bdi", { class: "gradeclip-bar-word" });
  const bar = h("i");
  const effect = h("i", { class: "gradeclip-effect" });
  const value = h("em");
  const loss = h("em", { class: "gradeclip-loss", title: "Score lost without the word" });
  const track = h("span", { class: "gradeclip-track", "aria-hidden": "true" }, bar, effect);
  const element = h("li", { class: "gradeclip-bar" }, word, track, value, loss);
  list.append(element);
  return { element, word, bar, effect, value, loss };
}
