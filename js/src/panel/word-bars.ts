// The words as bars: how they add up to the score, or their evidence in a region. In the difference view, the other
// prompt's words are listed too.

import { wordColor } from "../core/color-scale";
import { importanceOf } from "../core/evidence";
import {
  formatEvidenceOf,
  formatPart,
  formatPartSigned,
  formatPercent,
  leastFullBar,
  roundPart,
} from "../core/format";
import { addOnLongPress, type Hover, pinWord } from "../prompt/word-selection";
import type { Scene, View } from "../state/scene";
import { derived } from "../state/signals";
import { capitalize, formatRegionPart, formatSilence, formatStep } from "../state/wording";
import { type BarRow, createBarRow, placeBar, showBar, showTrack, type Track } from "../ui/bar";
import { h, reuseRows, setAttribute, setText } from "../ui/dom";
import { setHelp } from "../ui/help";
import { attachArrowKeys, moveTabStop } from "../ui/keys";
import type { Menu } from "../ui/menu";
import { type Entries, type Entry, entriesOf, foldWords } from "./bar-entries";
import { createMeasureLine, isWaterfall, secondMeasure } from "./measure-line";

const OWN_BAR = ".gradeclip-bar[data-index]";

/** The words with a bar and those that share one. */
interface Bars {
  entries: Entries;
  parted: ReturnType<typeof foldWords<Entry>>;
  drawn: readonly Entry[]; // each with its row, in this order
}

export function createWordBars(view: View, hover: Hover, menu: Menu): HTMLElement {
  const { store, scene, signal, draw } = view;
  const share = h("p", { class: "gradeclip-share", hidden: true });
  const silence = h("p", { class: "gradeclip-silence", hidden: true });
  const list = h("ol", { class: "gradeclip-bars" });
  const unread = h("p", { class: "gradeclip-unread", hidden: true });
  const line = createMeasureLine(view, menu);
  const element = h("section", { class: "gradeclip-ranking" }, line, share, silence, list, unread);
  const fold = h("button", { type: "button", class: "gradeclip-fold" });
  const base = createSumRow(list, "base");
  const rest = createSumRow(list, "rest", fold);
  const unknown = createSumRow(list, "unknown");
  const total = createSumRow(list, "total");
  setText(base.label, "empty sentence");
  const rows: WordRow[] = [];
  const bars: Bars = derived({
    entries: () => entriesOf(scene),
    parted: () => foldWords(bars.entries.words),
    drawn: () => (store.view.unfolded ? bars.entries.words : bars.parted.shown),
  });
  hover.watch(list, OWN_BAR, signal);
  addOnLongPress(view, hover, list, OWN_BAR);
  fold.addEventListener(
    "click",
    () => {
      store.view.unfolded = !store.view.unfolded;
    },
    { signal },
  );
  list.addEventListener(
    "click",
    (event) => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>(OWN_BAR) : null;
      if (row) pinWord(store, hover, scene, Number(row.dataset.index), event.shiftKey);
    },
    { signal },
  );
  attachArrowKeys(list, () => rows.filter(({ element }) => !element.hidden).map(({ word }) => word), signal);

  draw(() => drawBars(scene, bars, store.view.unfolded));
  draw(() => {
    list.hidden = scene.silent;
    const said = formatSilence(scene);
    silence.hidden = said === "";
    setText(silence, said);
  });
  draw(() => {
    bars.drawn.forEach(({ word }, k) => {
      const { element: row, word: button } = rows[k];
      row.classList.toggle("is-shown", word !== null && scene.words.includes(word));
      setAttribute(button, "aria-pressed", String(word !== null && scene.pinned.includes(word)));
    });
  });
  draw(() => {
    share.hidden = scene.share === null;
    setText(share, scene.share === null ? "" : formatRegionShare(scene, scene.share));
  });
  return element;

  function drawBars(scene: Scene, { entries, parted, drawn }: Bars, unfolded: boolean): void {
    const { region, versus, decimals, standing } = scene;
    const { sum } = entries;
    const folded = unfolded ? [] : parted.folded;
    const adding = sum !== null && isWaterfall(scene); // each bar begins where the one above ends
    const second = secondMeasure(scene);
    const rounded = (value: number | undefined) => roundPart(value ?? 0, decimals); // as it is shown
    const foldedSum = folded.reduce((total, { value }) => total + value, 0);
    const values = [...drawn.map(({ value }) => value), foldedSum, sum?.unknown ?? 0];
    const ends: number[] = []; // where each value's bar ends
    for (const value of values) ends.push((adding ? (ends.at(-1) ?? sum.base) : 0) + value);
    const from = (k: number) => (adding ? ends[k] - values[k] : 0);
    const seconds = drawn.map(({ word }) => rounded(second?.values[word ?? -1]));
    const ofSum = sum ? [sum.base, sum.total] : [];
    const axis = [...(adding ? ends : ends.map(rounded)), ...ofSum, ...seconds, adding ? standing?.most : 0];
    const track = showTrack(
      list,
      axis.map((value) => value ?? 0),
      leastFullBar(decimals),
    );
    const format = versus || adding ? formatPartSigned : formatPart;
    list.classList.toggle("has-second", second !== null);
    list.classList.toggle("is-adding", adding);

    base.element.hidden = !adding || !sum.base;
    if (adding) showBar(base, track, sum.base, formatPart(sum.base, decimals), false);
    placeTick(base.tick, track, adding ? sum.base : null);

    const used = reuseRows(rows, drawn.length, () => createWordRow(list, rest));
    used.forEach((row, k) => {
      const { word, value, name, marked } = drawn[k];
      if (word === null) delete row.element.dataset.index;
      else row.element.dataset.index = String(word);
      const hue = word === null ? null : wordColor(scene.highlights, word);
      row.element.style.setProperty("--hue", hue ?? "");
      row.element.classList.toggle("is-hued", hue !== null);
      row.element.classList.toggle("is-quiet", word === null);
      row.element.classList.toggle("is-lowering", marked);
      setText(row.text, name.text);
      setText(row.beside, name.beside && ` (${name.beside})`);
      showBar(row, track, rounded(value), format(value, decimals), k === 0, from(k));
      placeTick(row.tick, track, adding ? ends[k] : null);
      const other = word === null ? undefined : second?.values[word];
      setText(row.secondValue, other === undefined ? "" : formatPart(other, decimals));
      placeBar(row.second, track, seconds[k]);
      setHelp(row.element, formatBarHelp(scene, drawn[k]), row.word);
    });
    const stops = used.map(({ word }) => word);
    if (!stops.some((word) => word.tabIndex === 0)) moveTabStop(stops, 0);

    const n = drawn.length;
    rest.element.hidden = parted.folded.length === 0;
    setText(fold, unfolded ? "Show fewer" : labelOf(folded));
    setAttribute(fold, "aria-expanded", String(unfolded));
    setHelp(rest.element, unfolded ? "" : formatFolded(folded), fold);
    showBar(rest, track, rounded(foldedSum), unfolded ? "" : format(foldedSum, decimals), false, from(n));
    placeTick(rest.tick, track, adding ? ends[n] : null);

    const unknownSum = sum?.unknown ?? 0;
    unknown.element.hidden = entries.unknown.length === 0 || region !== null;
    setText(unknown.label, formatUnknowns(entries.unknown));
    setHelp(unknown.element, `${entries.unknown.join(", ")}: ${UNKNOWN_HELP}`);
    showBar(unknown, track, rounded(unknownSum), sum ? format(unknownSum, decimals) : "", false, from(n + 1));
    placeTick(unknown.tick, track, adding ? ends[n + 1] : null);

    total.element.hidden = sum === null;
    setText(total.label, versus ? "difference" : "this sentence");
    if (sum) showBar(total, track, sum.total, (versus ? format : formatPart)(sum.total, decimals), false);

    unread.hidden = entries.unread === 0;
    setText(unread, entries.unread === 1 ? "1 word was not read." : `${entries.unread} words were not read.`);
  }
}

const UNKNOWN_HELP = "not in this model’s vocabulary, so what is changed here means nothing";
const MOST_LETTERS = 22; // of the unknown words' row; more are counted

/** The help text of a bar: the whole that its value is a part of. */
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
  return formatStep(e, measure, word, decimals) + (other ?? "");
}

/** "4 small words". */
function labelOf(folded: readonly Entry[]): string {
  return `${folded.length} ${folded.every(({ small }) => small) ? "small" : "other"} words`;
}

/** "unknown: velociraptor"; "3 unknown words". */
function formatUnknowns(words: readonly string[]): string {
  const named = `unknown: ${words.join(", ")}`;
  return words.length < 2 || named.length <= MOST_LETTERS ? named : `${words.length} unknown words`;
}

/** "a (cat), and, a (dog)". */
function formatFolded(folded: readonly Entry[]): string {
  return folded.map(({ name: { text, beside } }) => (beside ? `${text} (${beside})` : text)).join(", ");
}

/** "40 % of koala's evidence lies in this region." */
function formatRegionShare({ label, peak, evidence, measure, words }: Scene, share: number): string {
  if (peak <= 0) return `“${label}” has no evidence to share.`;
  const { values } = importanceOf(evidence, measure);
  const against = words.reduce((sum, word) => sum + values[word], 0) < 0;
  const what = against ? `what speaks against “${label}”` : formatEvidenceOf(label);
  return `${formatPercent(share)} of ${what} lies in this region.`;
}

/** The row of a word. */
interface WordRow extends BarRow {
  word: HTMLButtonElement;
  text: HTMLElement;
  beside: HTMLElement;
  second: HTMLElement; // a thinner bar, for the second measure
  secondValue: HTMLElement;
  tick: HTMLElement; // joins the bar's end with the next row's bar
}

/** The row of the empty sentence, of words that are counted together or unknown, or of the sentence itself. */
interface SumRow extends BarRow {
  label: HTMLElement;
  tick: HTMLElement;
}

function createSumRow(list: HTMLElement, kind: string, label: HTMLElement = h("span")): SumRow {
  label.classList.add("gradeclip-bar-word");
  const row = createBarRow(list, label);
  row.element.classList.add("is-sum", `is-${kind}`);
  row.element.hidden = true;
  return { ...row, label, tick: createTick(row) };
}

/** Create a row before another one. */
function createWordRow(list: HTMLElement, before: SumRow): WordRow {
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
function placeTick(tick: HTMLElement, track: Track, at: number | null): void {
  tick.hidden = at === null;
  if (at !== null) tick.style.left = `${(100 * track.bar(0, at).start).toFixed(2)}%`;
}

function createTick({ track }: BarRow): HTMLElement {
  const tick = h("b", { class: "gradeclip-tick", hidden: true });
  track.append(tick);
  return tick;
}
