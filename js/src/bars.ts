// The words as bars: their importance, or what the region says of each. Rows are reused, never rebuilt.

import { type Component, h, setText } from "./dom";
import type { RankedWord } from "./explanation";
import { evidenceOf, formatPercent, formatSigned, formatValue } from "./format";
import type { Hover } from "./hover";
import { type Frame, type Scene, topRanked } from "./scene";
import type { Store } from "./state";
import { pinWord } from "./words";

const FEW = 8; // bars before "show all"
const ENOUGH = 10; // that many are shown without asking

interface Row {
  element: HTMLLIElement;
  word: HTMLElement;
  bar: HTMLElement;
  value: HTMLElement;
}

export function createBars(store: Store, hover: Hover, signal: AbortSignal): Component<Frame> {
  const title = h("h3", { class: "gradeclip-heading" });
  const share = h("p", { class: "gradeclip-share", hidden: true });
  const list = h("ol", { class: "gradeclip-bars" });
  const more = h("button", { type: "button", class: "gradeclip-more", hidden: true });
  const element = h("section", { class: "gradeclip-ranking" }, title, share, list, more);
  const rows: Row[] = [];
  hover.watch(list, ".gradeclip-bar", signal);
  more.addEventListener("click", () => store.setView({ showAll: !store.view.showAll }), { signal });
  list.addEventListener(
    "click",
    (event) => {
      const row =
        event.target instanceof Element ? event.target.closest<HTMLElement>(".gradeclip-bar") : null;
      if (row) pinWord(store, hover, Number(row.dataset.index), event.shiftKey);
    },
    { signal },
  );
  let shown: readonly RankedWord[] | null = null;
  let showedAll = false;

  return {
    element,
    update({ scene, repaint }) {
      const { showAll } = store.view;
      const moved = scene.ranking !== shown || showAll !== showedAll;
      if (moved) {
        shown = scene.ranking;
        showedAll = showAll;
        setText(title, scene.region ? "What this region says" : "Word importance");
        const fits = scene.ranking.length <= ENOUGH;
        draw(scene, showAll || fits ? scene.ranking : topRanked(scene.ranking, FEW));
        list.classList.toggle("is-long", showAll);
        list.tabIndex = showAll ? 0 : -1; // it scrolls then, and keys must reach that
        more.hidden = fits;
        setText(more, showAll ? "Show fewer" : `Show all ${scene.ranking.length} words`);
        more.setAttribute("aria-expanded", String(showAll));
      }
      if (moved || repaint) {
        for (const { element: row } of rows) {
          row.classList.toggle("is-shown", scene.words.includes(Number(row.dataset.index)));
        }
        share.hidden = scene.region === null;
        share.classList.toggle("is-asking", scene.share === null);
        setText(share, scene.region ? shareSentence(scene) : "");
      }
    },
  };

  function draw(scene: Scene, ranking: readonly RankedWord[]): void {
    while (rows.length < ranking.length) rows.push(createRow(list));
    const words = scene.explanation.header.words;
    const values = scene.ranking.map(({ value }) => value);
    const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
    const size = Math.max(high, -low);
    const span = high - low || 1;
    list.style.setProperty("--zero", `${((100 * -low) / span).toFixed(2)}%`);
    list.classList.toggle("is-signed", low < 0);
    rows.forEach((row, k) => {
      row.element.hidden = k >= ranking.length;
      if (row.element.hidden) return;
      const { word, value } = ranking[k];
      const { text, truncated, known } = words[word];
      row.element.dataset.index = String(word);
      row.element.classList.toggle("is-leading", k === 0 && value > 0);
      row.element.classList.toggle("is-quiet", truncated || !known);
      row.element.classList.toggle("is-against", value < 0);
      setText(row.word, text);
      setText(row.value, scene.region ? formatSigned(value, size) : formatValue(value, value && size));
      row.bar.hidden = value === 0;
      row.bar.style.left = `${((100 * (Math.min(value, 0) - low)) / span).toFixed(2)}%`;
      row.bar.style.width = `${((100 * Math.abs(value)) / span).toFixed(2)}%`;
    });
  }
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
  const value = h("em");
  const track = h("span", { class: "gradeclip-track", "aria-hidden": "true" }, bar);
  const element = h("li", { class: "gradeclip-bar" }, word, track, value);
  list.append(element);
  return { element, word, bar, value };
}
