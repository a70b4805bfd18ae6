// What is on show: everything the components draw, derived from the state. No DOM here.

import { alignWords, type CaptionText, type Draft, draftOf, joinCaption } from "./caption";
import type { Sign } from "./colour";
import {
  type Block,
  captionMap,
  coverage,
  mapDifference,
  ofBlock,
  phraseMap,
  positiveShare,
  type RankedWord,
  rankDifference,
  regionWords,
} from "./explanation";
import { peak } from "./paint";
import { type Depth, decodeDepth, type Explanation, type RawDepth, type Region } from "./payload";
import type { PromptRow } from "./prompts";
import type { Changes, Erased, Key, Store } from "./state";

export interface Scene {
  explanation: Explanation;
  draft: Draft; // the caption as asked for
  pending: boolean; // that is another than the explanation's own, and on its way
  versus: Explanation | null; // subtracted from it while no word is chosen
  depth: Depth | null; // maps of single blocks, where they were asked for and belong to the explanation
  block: Block | null; // the one whose maps are shown; null: all explained blocks
  evidence: Explanation; // whose maps are shown: the explanation's own, or those of the block
  erased: Erased | null; // the picture without the region, shown in its place
  reading: string;
  sign: Sign;
  words: readonly number[]; // whose map is shown; none: the whole caption
  pinned: readonly number[];
  label: string;
  map: Float64Array;
  top: number; // the map's strongest value of the shown sign
  strength: number | null; // `top` as a share of the strongest single word's in this reading; null for phrases
  region: Region | null;
  part: Float64Array | null; // the region's coverage of each patch
  ranking: readonly RankedWord[]; // by region where there is one, else by importance; less `versus`
  others: readonly RankedWord[]; // words that only `versus` has, counted against
  share: number | null; // of the shown words' positive evidence that lies in the region
}

/** What the view hands to its components once per frame. */
export interface Frame {
  scene: Scene;
  store: Store;
  rows: readonly PromptRow[];
  changes: Changes;
  repaint: boolean; // another map, scale or sign than in the frame before
}

const REGION_KEYS: readonly Key[] = ["region", "draft", "reading"];
const NO_BLOCKS: Pick<Scene, "depth" | "block"> = { depth: null, block: null };

/** The scene for the current state. Parts that no change touches are taken over from the previous one. */
export function deriveScene(
  explanation: Explanation,
  store: Store,
  previous: Scene | null,
  changes: Changes,
  versus: Explanation | null = null,
): Scene {
  const { depth, block } = shownBlock(explanation, store);
  if (block) versus = null; // no maps of single blocks are there of the other
  const e = block && depth ? evidenceOfBlock(explanation, depth, block) : explanation;
  const reading = currentReading(e, store.get("reading"));
  const sign = store.get("sign");
  const exists = (w: number) => Number.isInteger(w) && w >= 0 && w < e.header.words.length;
  const pinned = store.get("selected_words").filter(exists);
  const hovered = store.get("hovered_word");
  const words = hovered !== null && exists(hovered) ? [hovered] : pinned;
  const map =
    words.length > 0
      ? phraseMap(e, reading, words)
      : versus
        ? mapDifference(e.captionMap, versus.captionMap)
        : captionMap(e);
  const top = peak(map, sign);
  const same = previous?.evidence === e && previous.versus === versus;
  const kept = same && !REGION_KEYS.some((k) => changes.has(k));
  const region = store.view.draft ?? store.get("region");
  const part = kept ? previous.part : region && coverage(e, region);
  const [ranking, others] = kept ? [previous.ranking, previous.others] : rank(e, versus, reading, part);
  const asked = askedCaption(e, store);
  return {
    explanation,
    draft:
      previous?.explanation === explanation && joinCaption(previous.draft) === asked
        ? previous.draft
        : draftOf(captionText(e), asked),
    pending: asked !== e.header.caption,
    versus,
    depth,
    block,
    evidence: e,
    erased: shownErased(store),
    reading,
    sign,
    words,
    pinned,
    label: words.length > 0 || !versus ? phraseLabel(e, words) : differenceLabel(e, versus),
    map,
    top,
    strength: words.length === 1 ? ratio(top, strongestWord(e, reading, sign)) : null,
    region,
    part,
    ranking,
    others,
    share: part && words.length > 0 ? positiveShare(map, part) : null,
  };
}

/** The block that is asked for, where there are maps of it. */
function shownBlock(e: Explanation, store: Store): Pick<Scene, "depth" | "block"> {
  const raw = store.get("depth") ? store.get("_depth") : null;
  const depth = raw && depthOf(e, raw);
  if (!depth) return NO_BLOCKS;
  const at = (tower: Block["tower"], index: number | null): Block | null =>
    index !== null && depth[tower][index] ? { tower, index } : null;
  return { depth, block: at("image", store.get("image_block")) ?? at("text", store.get("text_block")) };
}

const depths = new WeakMap<RawDepth, { of: Explanation; depth: Depth | null }>();

function depthOf(e: Explanation, raw: RawDepth): Depth | null {
  let known = depths.get(raw);
  if (known?.of !== e) {
    known = { of: e, depth: decodeDepth(raw, e) };
    depths.set(raw, known);
  }
  return known.depth;
}

const blocks = new WeakMap<Depth, Map<string, Explanation>>();

/** The same object for the same block, so that what is derived from it is kept too. */
function evidenceOfBlock(e: Explanation, depth: Depth, block: Block): Explanation {
  const known = blocks.get(depth) ?? new Map<string, Explanation>();
  blocks.set(depth, known);
  const key = `${block.tower} ${block.index}`;
  if (!known.has(key)) known.set(key, ofBlock(e, depth, block));
  return known.get(key)!;
}

/** The erased picture, while a region stands and the same way of erasing is asked for. */
function shownErased(store: Store): Erased | null {
  const erased = store.get("erased");
  const asked = store.get("region") !== null && store.view.draft === null;
  return asked && erased?.how === store.get("erase") ? erased : null;
}

/** The explanation to subtract: another prompt's, on the same grid. */
export function subtracted(rows: readonly PromptRow[], store: Store, from: Explanation): Explanation | null {
  const at = store.get("versus");
  const other = at === null || at === store.get("active") ? null : (rows[at]?.explanation ?? null);
  return other && other.rows === from.rows && other.cols === from.cols ? other : null;
}

/** The caption that is being explained. After an error it is the one on show that stands. */
function askedCaption(e: Explanation, store: Store): string {
  const asked = store.canAsk && store.get("status") !== "error" ? store.get("prompt") : "";
  return asked || e.header.caption;
}

function captionText(e: Explanation): CaptionText {
  return { words: e.header.words.map(({ text }) => text), gaps: e.header.gaps };
}

function rank(
  e: Explanation,
  versus: Explanation | null,
  reading: string,
  part: Float64Array | null,
): [words: RankedWord[], others: RankedWord[]] {
  const ranked = (of: Explanation) =>
    part ? regionWords(of, currentReading(of, reading), part) : byImportance(of);
  if (!versus) return [ranked(e), []];
  return rankDifference(
    ranked(e),
    ranked(versus),
    alignWords(captionText(e).words, captionText(versus).words),
  );
}

/** "red − blue": what the two captions do not share. */
function differenceLabel(e: Explanation, versus: Explanation): string {
  const own = (a: Explanation, b: Explanation) => {
    const same = alignWords(captionText(b).words, captionText(a).words);
    const words = captionText(a).words.filter((_, k) => same[k] === null);
    return words.join(" ") || a.header.caption;
  };
  return `${own(e, versus)} − ${own(versus, e)}`;
}

/** The asked reading, or the first there is. */
export function currentReading(e: Explanation, asked: string): string {
  return e.readings.has(asked) ? asked : (e.readings.keys().next().value ?? asked);
}

const MAP_KEYS: readonly Key[] = [
  "_payloads",
  "active",
  "reading",
  "selected_words",
  "hovered_word",
  "color_scale",
  "sign",
  "depth",
  "_depth",
  "image_block",
  "text_block",
  "erased",
  "erase",
  "versus",
];

/** Whether any of the changes asks for another heat map. */
export function needsRepaint(changes: Changes): boolean {
  return MAP_KEYS.some((key) => changes.has(key));
}

/** How a phrase is written: neighbours as in the caption, others joined by a plus. */
export function phraseLabel(e: Explanation, words: readonly number[]): string {
  return words
    .map((w, k) => {
      const text = e.header.words[w].text;
      if (k === 0) return text;
      return (words[k - 1] === w - 1 ? e.header.gaps[w] : " + ") + text;
    })
    .join("");
}

/**
 * The words that get a bar when there is no room for all: the leading one and those that say most, for or
 * against, in the ranking's order.
 */
export function topRanked<T extends { value: number }>(ranking: readonly T[], count: number): readonly T[] {
  if (ranking.length <= count) return ranking;
  const rest = ranking.slice(1).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const chosen = new Set([ranking[0], ...rest.slice(0, count - 1)]);
  return ranking.filter((row) => chosen.has(row));
}

/** The map's strongest patch in words: "upper left", "centre". */
export function whereabouts(e: Explanation, map: ArrayLike<number>): string {
  let best = 0;
  for (let i = 1; i < map.length; i++) if (map[i] > map[best]) best = i;
  const third = (k: number, n: number) => Math.min(2, Math.floor((3 * (k + 0.5)) / n));
  const vertical = ["upper", "", "lower"][third(Math.floor(best / e.cols), e.rows)];
  const horizontal = ["left", "", "right"][third(best % e.cols, e.cols)];
  if (!vertical && !horizontal) return "in the centre";
  return `${[vertical || "middle", horizontal || "centre"].join(" ")}`;
}

function byImportance(e: Explanation): RankedWord[] {
  return e.header.words
    .map(({ importance }, word) => ({ word, value: importance }))
    .sort((a, b) => b.value - a.value);
}

const strongest = new WeakMap<Explanation, Map<string, number>>();

/** The largest value that any single word's map reaches in a reading. */
function strongestWord(e: Explanation, reading: string, sign: Sign): number {
  const known = strongest.get(e) ?? new Map<string, number>();
  strongest.set(e, known);
  const key = `${sign}/${reading}`;
  if (!known.has(key)) known.set(key, peak(e.readings.get(reading) ?? [], sign));
  return known.get(key)!;
}

function ratio(a: number, b: number): number | null {
  return b > 0 ? a / b : null;
}
