// The words as bars: their importance by two measures, or their evidence in a region. In the difference view, the other
// prompt's words are listed too.

import {
  formatEvidenceOf,
  formatPart,
  formatPartSigned,
  formatPercent,
  leastFullBar,
  roundPart,
} from "../core/format";
import { wordColor } from "../core/hues";
import type { WordHeader } from "../core/types";
import type { Hover } from "../prompt/word-selection";
import { pinWord } from "../prompt/word-selection";
import { disambiguate, type WordName, wordNames } from "../state/names";
import type { Frame, Scene } from "../state/scene";
import type { Store } from "../state/store";
import { capitalize, formatImportance, formatRegionPart, formatSilence } from "../state/wording";
import { type BarRow, createBarRow, placeBar, showBar, showTrack } from "../ui/bar";
import { type Component, h, reuseRows, setAttribute, setText } from "../ui/dom";
import { setHelp } from "../ui/help";
import { attachArrowKeys, moveTabStop } from "../ui/keys";
import type { Menu } from "../ui/menu";
import { foldRanking } from "./fold";
import { createMeasureLine, secondMeasure } from "./measure-line";

const MAX_NAMED = 4; // words named in the folded line
const OWN_BAR = ".gradeclip-bar[data-index]";

interface Row extends BarRow {
  word: HTMLButtonElement;
  text: HTMLElement;
  beside: HTMLElement;
  second: HTMLElement; // a thinner bar, for the second measure
  secondValue: HTMLElement;
}

/** A word with its value. */
interface Entry {
  word: number | null; // index in the caption; null: only the subtracted prompt has the word
  value: number;
  header: WordHeader;
  name: WordName;
}

export function createWordBars(
  store: Store,
  hover: Hover,
  menu: Menu,
  signal: AbortSignal,
): Component<Frame> {
  const line = createMeasureLine(store, menu, signal);
  const share = h("p", { class: "gradeclip-share", hidden: true });
  const silence = h("p", { class: "gradeclip-silence", hidden: true });
  const list = h("ol", { class: "gradeclip-bars" });
  const fold = h("button", { type: "button", class: "gradeclip-more gradeclip-fold", hidden: true });
  const element = h("section", { class: "gradeclip-ranking" }, line.element, share, silence, list, fold);
  const rows: Row[] = [];
  hover.watch(list, OWN_BAR, signal);
  fold.addEventListener("click", () => store.setView({ unfolded: !store.view.unfolded }), { signal });
  list.addEventListener(
    "click",
    (event) => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>(OWN_BAR) : null;
      if (row) pinWord(store, hover, Number(row.dataset.index), event.shiftKey);
    },
    { signal },
  );
  attachArrowKeys(list, () => rows.filter(({ element }) => !element.hidden).map(({ word }) => word), signal);
  let shown: Scene["ranking"] | null = null;
  let hued: Scene["highlights"] | null = null;
  let unfoldedBefore = false;

  return {
    element,
    update(frame) {
      const { scene, repaint } = frame;
      const { unfolded } = store.view;
      line.update(frame);
      const moved = scene.ranking !== shown || unfolded !== unfoldedBefore;
      if (moved || scene.highlights !== hued) {
        shown = scene.ranking;
        hued = scene.highlights;
        unfoldedBefore = unfolded;
        const entries = entriesOf(scene);
        const parted = foldRanking(entries);
        const few = parted.folded.length > 0 && !unfolded;
        draw(scene, few ? parted.shown : entries);
        list.hidden = scene.silent;
        fold.hidden = scene.silent || parted.folded.length === 0;
        silence.hidden = !scene.silent;
        setText(silence, scene.silent ? formatSilence(scene.versus) : "");
        setText(fold, unfolded ? "Fold what carries little" : formatFolded(scene, parted.folded));
        fold.setAttribute("aria-expanded", String(unfolded));
      }
      if (moved || repaint) {
        for (const { element: row, word } of rows) {
          const index = row.dataset.index === undefined ? null : Number(row.dataset.index);
          row.classList.toggle("is-shown", index !== null && scene.words.includes(index));
          setAttribute(word, "aria-pressed", String(index !== null && scene.pinned.includes(index)));
        }
        share.hidden = scene.share === null;
        setText(share, scene.share === null ? "" : formatRegionShare(scene, scene.share));
      }
    },
  };

  function draw(scene: Scene, drawn: readonly Entry[]): void {
    const second = secondMeasure(scene);
    const rounded = (value: number | undefined) => roundPart(value ?? 0, scene.decimals); // as it is shown
    const track = showTrack(
      list,
      drawn.flatMap(({ word, value }) => [rounded(value), rounded(second?.values[word ?? -1])]),
      leastFullBar(scene.decimals),
    );
    const format = scene.versus ? formatPartSigned : formatPart;
    list.classList.toggle("has-second", second !== null);
    const used = reuseRows(rows, drawn.length, () => createRow(list));
    used.forEach((row, k) => {
      const { word, value, header, name } = drawn[k];
      if (word === null) delete row.element.dataset.index;
      else row.element.dataset.index = String(word);
      const hue = word === null ? null : wordColor(scene.highlights, word);
      row.element.style.setProperty("--hue", hue ?? "");
      row.element.classList.toggle("is-hued", hue !== null);
      row.element.classList.toggle("is-quiet", header.truncated || !header.known || word === null);
      setText(row.text, name.text);
      setText(row.beside, name.beside && ` (${name.beside})`);
      showBar(row, track, rounded(value), format(value, scene.decimals), k === 0);
      const other = word === null ? undefined : second?.values[word];
      setText(row.secondValue, other === undefined ? "" : formatPart(other, scene.decimals));
      placeBar(row.second, track, rounded(other));
      setHelp(row.element, formatBarHelp(scene, drawn[k]), row.word);
    });
    const stops = used.map(({ word }) => word);
    if (!stops.some((word) => word.tabIndex === 0)) moveTabStop(stops, 0);
  }
}

/** The ranked words, including those that only the subtracted prompt has. */
function entriesOf({ explanation, versus, ranking, others }: Scene): Entry[] {
  const names = wordNames(explanation);
  const own = ranking.map(({ word, value }) => ({
    word,
    value,
    header: explanation.header.words[word],
    name: names[word],
  }));
  if (!versus) return own;
  const { words } = versus.header;
  const theirNames = disambiguate(words.map(({ text }) => text));
  const theirs = others.map(({ word, value }) => ({
    word: null,
    value,
    header: words[word],
    name: theirNames[word],
  }));
  return [...own, ...theirs].sort((a, b) => b.value - a.value);
}

/** The help text of a bar: what its value is a part of. */
function formatBarHelp(scene: Scene, { word, value }: Entry): string {
  const { evidence: e, measure, decimals, region, versus } = scene;
  if (versus) {
    const more = `${formatPartSigned(value, decimals)} of the score beside “${versus.header.caption}”`;
    return region ? `${more}, in this region.` : `${more}.`;
  }
  if (word === null) return "";
  if (region) return formatRegionPart(e, measure, word, value, decimals);
  const second = secondMeasure(scene);
  const other = second && ` ${capitalize(second.label)}: ${formatPart(second.values[word], decimals)}.`;
  return formatImportance(e, measure, word, decimals) + (other ?? "");
}

/** "a, of, a, and + 3 more: together 0.004". */
function formatFolded({ decimals, versus }: Scene, folded: readonly Entry[]): string {
  const texts = folded.map(({ name }) => name.text);
  const named = texts.length > MAX_NAMED + 1 ? texts.slice(0, MAX_NAMED) : texts;
  const more = texts.length - named.length;
  const total = folded.reduce((sum, { value }) => sum + value, 0);
  const format = versus ? formatPartSigned : formatPart;
  return `${named.join(", ")}${more > 0 ? ` + ${more} more` : ""}: together ${format(total, decimals)}`;
}

/** "40 % of koala's evidence lies in this region." */
function formatRegionShare({ label, words, top }: Scene, share: number): string {
  if (words.length > 0 && top <= 0 && share === 0) return `“${label}” has no positive evidence to share.`;
  return `${formatPercent(share)} of ${formatEvidenceOf(label)} lies in this region.`;
}

function createRow(list: HTMLElement): Row {
  const text = h("bdi");
  const beside = h("small");
  const word = h("button", { type: "button", class: "gradeclip-bar-word", tabindex: -1 }, text, beside);
  const second = h("i", { class: "gradeclip-second" });
  const secondValue = h("em", { class: "gradeclip-second-value" });
  const row = createBarRow(list, word);
  row.track.append(second);
  row.element.append(secondValue);
  return { ...row, word, text, beside, second, secondValue };
}
