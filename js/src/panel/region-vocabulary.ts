// What the model sees in a region: the words of a vocabulary that fit it best, as a sentence and as bars.

import { formatPart, partDecimals } from "../core/format";
import type { View } from "../state/scene";
import type { Synced } from "../state/synced";
import { createBarRow, showBar, showTrack } from "../ui/bar";
import { createSelect } from "../ui/choice";
import { h, reuseRows, setText } from "../ui/dom";

const HELP = "Ask which words of a list this region fits best, seen by itself";
const LISTS: Readonly<Record<string, string>> = {
  demo: "all drawings it knows",
  objects: "80 everyday things (COCO)",
  imagenet: "1,000 things (ImageNet)",
  colors: "colors",
};
const BARS = "Bars: the score of this region by itself with each word.";
const NAMED_ABOVE = 0.7; // of the first word's value; the sentence names the words above it
const MAX_NAMED = 3; // words in the sentence

/** "Best match: tree 0.38, cactus 0.35." */
export function formatAnswer(seen: Synced["seen"], decimals: number): string {
  const [first, ...rest] = seen;
  if (!first) return "";
  if (!(first.value > 0)) return "No word of this list fits this region.";
  const next = rest.filter(({ value }) => value >= NAMED_ABOVE * first.value).slice(0, MAX_NAMED - 1);
  const named = [first, ...next].map(({ word, value }) => `${word} ${formatPart(value, decimals)}`);
  return `Best match: ${named.join(", ")}.`;
}

export function createRegionVocabulary({ store, scene, signal, draw }: View): HTMLElement {
  const menu = createSelect("What is in this region?", HELP, signal, (value) =>
    store.set({ vocabulary: value }),
  );
  const answer = h("p", { class: "gradeclip-answer" });
  const key = h("p", { class: "gradeclip-key" }, BARS);
  const list = h("ol", { class: "gradeclip-bars gradeclip-seen" });
  const empty = h("p", { class: "gradeclip-hint", role: "status" });
  const element = h("section", { class: "gradeclip-vocabulary" }, menu.element, empty, answer, key, list);
  const bars: ReturnType<typeof createRow>[] = [];
  draw(() => {
    const seen = store.get("seen");
    const vocabulary = store.get("vocabulary");
    const names = store.live ? store.get("_vocabularies") : [vocabulary].filter((name) => name !== "");
    element.hidden =
      !scene.region ||
      scene.seen === 0 ||
      !store.isControlVisible("vocabulary") ||
      names.length === 0 ||
      !(store.live || seen.length > 0);
    if (element.hidden) return;
    const choices = names.map((name) => ({ value: name, label: LISTS[name] ?? name }));
    menu.update(
      [{ value: "", label: "Choose a list of words …" }, ...choices],
      vocabulary,
      store.live && !store.canCompute,
    );
    setText(
      empty,
      vocabulary !== "" && seen.length === 0 ? `Asking “${LISTS[vocabulary] ?? vocabulary}” …` : "",
    );
  });
  draw(() => {
    const rows = store.get("vocabulary") === "" ? [] : store.get("seen");
    list.hidden = key.hidden = answer.hidden = rows.length === 0;
    const values = rows.map(({ value }) => value);
    const decimals = partDecimals(Math.max(...values.map(Math.abs)));
    setText(answer, formatAnswer(rows, decimals));
    const track = showTrack(list, values);
    reuseRows(bars, rows.length, () => createRow(list)).forEach((bar, k) => {
      const { word, value } = rows[k];
      setText(bar.word, word);
      showBar(bar, track, value, formatPart(value, decimals), k === 0);
    });
  });
  return element;
}

function createRow(list: HTMLElement) {
  const word = h("bdi", { class: "gradeclip-bar-word" });
  return { ...createBarRow(list, word), word };
}
