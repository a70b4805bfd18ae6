// The card beside a tile that is pointed at: the whole caption with its words tinted by importance, and all numbers.

import { formatCosine, formatPercent } from "../core/format";
import { boxWithin, h } from "../ui/dom";
import { NOT_SEEN, type Tile, whyNot } from "./tile";
import { type Pair, piecesOf } from "./tiles";

const DELAY = 220; // ms of pointing until it shows
const GAP = 8; // pixels between it and its tile
const LEAST_SHARE = 0.02; // of the strongest word; weaker ones have no tint

export interface Card {
  readonly element: HTMLElement;
  point(tile: Tile | null, byKey: boolean): void;
}

export function createCard(root: HTMLElement, compared: () => boolean, signal: AbortSignal): Card {
  const element = h("div", { class: "gallery-card", role: "tooltip", hidden: true });
  let about: Tile | null = null;
  let timer = 0;
  signal.addEventListener("abort", () => clearTimeout(timer));
  const show = (tile: Tile) => {
    if (!tile.pair || !tile.element.isConnected) return;
    element.replaceChildren(...describePair(tile.pair, compared()));
    element.hidden = false;
    place(element, tile.element, root);
  };
  return {
    element,
    point(tile, byKey) {
      if (tile === about && !byKey) return;
      clearTimeout(timer);
      about = tile;
      if (!tile) element.hidden = true;
      else if (byKey || !element.hidden) show(tile);
      else timer = window.setTimeout(() => show(tile), DELAY);
    },
  };
}

/** A pair's caption with its words tinted, and its numbers. */
export function describePair(pair: Pair, compared: boolean): HTMLElement[] {
  const numbers: [string, string][] = [["Score", formatCosine(pair.score)]];
  if (pair.concentration !== null)
    numbers.push(["In the strongest tenth of patches", formatPercent(pair.concentration)]);
  if (pair.energy !== null) numbers.push(["In its box", formatPercent(pair.energy)]);
  else if (pair.box_seen === 0) numbers.push(["In its box", NOT_SEEN]);
  if (pair.box_seen && pair.box_seen < 0.995)
    numbers.push(["Of its box, the model saw", formatPercent(pair.box_seen)]);
  if (compared)
    numbers.push([
      "Runs apart",
      pair.disagreement === null ? whyNot(pair) : formatPercent(pair.disagreement),
    ]);
  const list = h("dl", { class: "gallery-facts" });
  for (const [name, value] of numbers) list.append(h("div", {}, h("dt", {}, name), h("dd", {}, value)));
  const place = h("p", { class: "gallery-place" }, `No. ${pair.position + 1} · ${pair.id}`);
  return [tintedCaption(pair), list, place];
}

/** The caption; each word has a tint by its importance, relative to the largest. */
export function tintedCaption(pair: Pair): HTMLElement {
  const { importances } = pair;
  const top = importances ? Math.max(...importances.map(Math.abs), 0) : 0;
  const line = h("p", { class: "gallery-words", dir: "auto" });
  for (const { text, word } of piecesOf(pair.caption, pair.words)) {
    const value = word === null || !importances ? 0 : importances[word];
    const share = top > 0 ? Math.abs(value) / top : 0;
    if (word === null || share < LEAST_SHARE) line.append(text);
    else {
      const mark = h("mark", { class: value < 0 ? "is-against" : "" }, text);
      mark.style.setProperty("--share", share.toFixed(3));
      line.append(mark);
    }
  }
  return line;
}

/** Place the card beside its tile, on the side with more room, within the view. */
function place(card: HTMLElement, tile: HTMLElement, root: HTMLElement): void {
  const [at, frame, size] = [tile, root, card].map((element) => boxWithin(element, root));
  const right = at.right + GAP;
  const left = at.left - size.width - GAP;
  const beside = right + size.width <= frame.width || left >= 0;
  const x = right + size.width <= frame.width ? right : left;
  const under = at.bottom + GAP;
  const above = at.top - size.height - GAP;
  const y = beside ? at.top : under + size.height <= frame.height ? under : above;
  card.style.left = `${Math.max(GAP, Math.min(beside ? x : at.left, frame.width - size.width - GAP))}px`;
  card.style.top = `${Math.max(GAP, Math.min(y, frame.height - size.height - GAP))}px`;
}
