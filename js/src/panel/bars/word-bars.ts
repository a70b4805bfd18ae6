// The words as bars: how they add up to the score, or their evidence in a region. In the difference view, the other
// prompt's words are listed too.

import { importanceOf } from "../../core/evidence";
import {
  formatEvidenceOf,
  formatPart,
  formatPartSigned,
  formatPercent,
  leastFullBar,
  roundPart,
} from "../../core/format";
import { wordColor } from "../../core/hues";
import type { Hover } from "../../prompt/word-selection";
import { pinWord } from "../../prompt/word-selection";
import type { Frame, Scene } from "../../state/scene";
import type { Store } from "../../state/store";
import { capitalize, formatRegionPart, formatSilence, formatStep } from "../../state/words/wording";
import { placeBar, showBar, showTrack } from "../../ui/bar";
import { type Component, h, reuseRows, setAttribute, setText } from "../../ui/dom";
import { setHelp } from "../../ui/help";
import { attachArrowKeys, moveTabStop } from "../../ui/keys";
import type { Menu } from "../../ui/menu";
import { type Entries, type Entry, entriesOf } from "./entries";
import { foldWords } from "./fold";
import { createMeasureLine, isWaterfall, secondMeasure } from "./measure-line";
import { createSumRow, createWordRow, placeTick, type WordRow } from "./rows";

const OWN_BAR = ".gradeclip-bar[data-index]";

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
  const unread = h("p", { class: "gradeclip-unread", hidden: true });
  const element = h("section", { class: "gradeclip-ranking" }, line.element, share, silence, list, unread);
  const fold = h("button", { type: "button", class: "gradeclip-fold" });
  const base = createSumRow(list, "base");
  const rest = createSumRow(list, "rest", fold);
  const unknown = createSumRow(list, "unknown");
  const total = createSumRow(list, "total");
  setText(base.label, "empty sentence");
  const rows: WordRow[] = [];
  let scene: Scene | null = null;
  hover.watch(list, OWN_BAR, signal);
  fold.addEventListener("click", () => store.setView({ unfolded: !store.view.unfolded }), { signal });
  list.addEventListener(
    "click",
    (event) => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>(OWN_BAR) : null;
      if (row) pinWord(store, hover, scene!, Number(row.dataset.index), event.shiftKey);
    },
    { signal },
  );
  attachArrowKeys(list, () => rows.filter(({ element }) => !element.hidden).map(({ word }) => word), signal);
  let unfoldedBefore = false;

  return {
    element,
    update(frame) {
      const before = scene;
      scene = frame.scene;
      line.update(frame);
      const { unfolded } = store.view;
      const moved = scene.ranking !== before?.ranking || unfolded !== unfoldedBefore;
      if (moved || scene.highlights !== before?.highlights || scene.standing !== before?.standing) {
        unfoldedBefore = unfolded;
        draw(scene, entriesOf(scene), unfolded);
        list.hidden = scene.silent;
        silence.hidden = !scene.silent;
        setText(silence, scene.silent ? formatSilence(scene.versus) : "");
      }
      if (moved || frame.repaint) {
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

  function draw(scene: Scene, entries: Entries, unfolded: boolean): void {
    const { region, versus, decimals, standing } = scene;
    const { sum, words } = entries;
    const parted = foldWords(words);
    const drawn = unfolded ? words : parted.shown;
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
