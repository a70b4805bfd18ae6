// The scene: everything the components draw, derived from the state.

import {
  type Block,
  byDescendingValue,
  coverage,
  mapDifference,
  peakValue,
  phraseMap,
  positiveShare,
  type RankedWord,
  rankDifference,
} from "../core/arithmetic";
import { alignWords, createDraft, type Draft, joinCaption } from "../core/caption";
import {
  evidenceMap,
  evidenceReading,
  type Highlight,
  highlights,
  importanceOf,
  regionWords,
  scaleToTotal,
} from "../core/evidence";
import { partDecimals, roundPart } from "../core/format";
import { memoize } from "../core/memo";
import type { Depth, Explanation, Region, Sign } from "../core/types";
import type { PromptRow } from "./prompts";
import { evidenceOfBlock, shownBlock } from "./single-block";
import type { Changes, Key, Store } from "./store";
import { REPAINTS, type Synced } from "./synced";
import { captionText, differenceLabel, phraseLabel } from "./wording";

export interface Scene {
  explanation: Explanation;
  draft: Draft; // the requested caption
  pending: boolean; // it differs from the explained caption, and is being computed
  versus: Explanation | null; // the explanation that is subtracted while no word is chosen
  depth: Depth | null; // maps of single blocks, if requested and computed for this explanation
  block: Block | null; // the block whose maps are shown; null: all explained blocks
  evidence: Explanation; // whose maps are shown: `explanation`, or a copy with the maps of `block`
  erased: Synced["erased"]; // the picture with the region erased, if that is shown
  reading: string;
  sign: Sign;
  measure: string; // name of a computed measure of importance
  decimals: number; // for contributions to the score
  overview: Synced["overview"]; // what is shown while no word is chosen; "caption" if the words together cannot be
  highlights: readonly Highlight[]; // empty if the overview is the caption's map
  together: boolean; // the highlights are painted, each in its color
  words: readonly number[]; // the words whose map is shown; none: the overview
  pinned: readonly number[];
  label: string;
  map: Float64Array;
  top: number; // the largest magnitude of the shown sign
  unit: number; // factor from the map's values to contributions to the score
  strength: number | null; // `top` relative to the strongest word's in this reading; null unless one word is shown
  region: Region | null;
  part: Float64Array | null; // covered fraction of each patch
  ranking: readonly RankedWord[]; // contributions to the score, in the region if any, minus those of `versus`
  others: readonly RankedWord[]; // words that only `versus` has, with negated values
  silent: boolean; // whether all of it rounds to zero, in a region
  share: number | null; // fraction of the shown words' positive evidence that lies in the region
}

/** What a painted picture depends on. */
export type PictureScene = Pick<
  Scene,
  | "explanation"
  | "versus"
  | "evidence"
  | "erased"
  | "sign"
  | "measure"
  | "highlights"
  | "together"
  | "words"
  | "label"
  | "map"
  | "top"
  | "region"
>;

/** What every component gets once per animation frame. */
export interface Frame {
  scene: Scene;
  store: Store;
  rows: readonly PromptRow[];
  changes: Changes;
  repaint: boolean; // the heat map differs from the last frame's
}

/** What a painted picture gets. */
export interface PictureFrame extends Pick<Frame, "store" | "changes" | "repaint"> {
  scene: PictureScene;
}

const REGION_KEYS: readonly Key[] = ["region", "draft", "reading", "importance"];

/** Derive the scene from the current state, reusing the parts of the previous scene that no change affects. */
export function deriveScene(
  explanation: Explanation,
  store: Store,
  previous: Scene | null,
  changes: Changes,
  versus: Explanation | null = null,
): Scene {
  const { depth, block } = shownBlock(explanation, store);
  if (block) versus = null; // maps of single blocks exist for one caption only
  const e = block && depth ? evidenceOfBlock(explanation, depth, block) : explanation;
  const reading = currentReading(e, store.get("reading"));
  const sign = store.get("sign");
  const exists = (w: number) => Number.isInteger(w) && w >= 0 && w < e.header.words.length;
  const pinned = store.get("selected_words").filter(exists);
  const hovered = store.get("hovered_word");
  const words = hovered !== null && exists(hovered) ? [hovered] : pinned;
  const { name: measure, values } = importanceOf(e, store.get("importance"));
  const overview =
    block || versus || sign !== "positive" || hasCaptionMapOnly(e) ? "caption" : store.get("overview");
  const together = overview === "words" && words.length === 0;
  const map = shownMap();
  const top = peakValue(map, sign);
  const same = previous?.evidence === e && previous.versus === versus;
  const kept = same && !REGION_KEYS.some((k) => changes.has(k));
  const region = store.view.draft ?? store.get("region");
  const part = kept ? previous.part : region && coverage(e, region);
  const [ranking, others] = kept ? [previous.ranking, previous.others] : rank(e, versus, measure, part);
  const decimals = partDecimals(Math.max(...values.map(Math.abs)));
  const asked = requestedCaption(e, store);
  return {
    explanation,
    draft:
      previous?.explanation === explanation && joinCaption(previous.draft) === asked
        ? previous.draft
        : createDraft(captionText(e), asked),
    pending: asked !== e.header.caption,
    versus,
    depth,
    block,
    evidence: e,
    erased: shownErased(store),
    reading,
    sign,
    measure,
    decimals,
    overview,
    highlights: overview === "words" ? highlights(e, measure) : [],
    together,
    words,
    pinned,
    label: words.length > 0 || !versus ? phraseLabel(e, words) : differenceLabel(e, versus),
    map,
    top,
    unit: together ? 1 : scaleToTotal(mapTotal(), map),
    strength: words.length === 1 ? ratio(top, strongestWord(e, reading, sign)) : null,
    region,
    part,
    ranking,
    others,
    silent: part !== null && [...ranking, ...others].every(({ value }) => roundPart(value, decimals) === 0),
    share: part && words.length > 0 ? positiveShare(map, part) : null,
  };

  function shownMap(): Float64Array {
    if (words.length > 0) return phraseMap(e, reading, words);
    if (together) return evidenceMap(e, measure);
    return versus ? mapDifference(e.captionMap, versus.captionMap) : Float64Array.from(e.captionMap);
  }

  /** The contribution to the score that the map's values add up to. */
  function mapTotal(): number {
    if (words.length > 0) return words.reduce((sum, word) => sum + values[word], 0);
    const { score, blocks } = e.header;
    if (versus) return score.cosine - versus.header.score.cosine;
    return (block && blocks[block.tower][block.index]) ?? score.cosine;
  }
}

/** Whether the words cannot be shown together, as in reference mode, which shows the paper's own maps. */
export function hasCaptionMapOnly(e: Explanation): boolean {
  return e.header.reference;
}

/** The erased picture, while there is a region and the way of erasing is still the requested one. */
function shownErased(store: Store): Synced["erased"] {
  const erased = store.get("erased");
  const asked = store.get("region") !== null && store.view.draft === null;
  return asked && erased?.how === store.get("erase") ? erased : null;
}

/** The explanation to subtract: that of another prompt, on the same grid. */
export function subtractedExplanation(
  rows: readonly PromptRow[],
  store: Store,
  from: Explanation,
): Explanation | null {
  const at = store.get("versus");
  const other = at === null || at === store.get("active") ? null : (rows[at]?.explanation ?? null);
  return other && other.rows === from.rows && other.cols === from.cols ? other : null;
}

/** The requested caption; after an error, the caption that is shown. */
function requestedCaption(e: Explanation, store: Store): string {
  const asked = store.canCompute && store.get("status") !== "error" ? store.get("prompt") : "";
  return asked || e.header.caption;
}

function rank(
  e: Explanation,
  versus: Explanation | null,
  measure: string,
  part: Float64Array | null,
): [words: RankedWord[], others: RankedWord[]] {
  const ranked = (of: Explanation) =>
    part ? regionWords(of, evidenceReading(of), measure, part) : byImportance(of, measure);
  if (!versus) return [ranked(e), []];
  return rankDifference(
    ranked(e),
    ranked(versus),
    alignWords(captionText(e).words, captionText(versus).words),
  );
}

/** The requested reading, or the first available one. */
export function currentReading(e: Explanation, asked: string): string {
  return e.readings.has(asked) ? asked : (e.readings.keys().next().value ?? asked);
}

/** Whether any of the changes affects the heat map. */
export function needsRepaint(changes: Changes): boolean {
  return [...changes].some((key) => REPAINTS.has(key));
}

function byImportance(e: Explanation, measure: string): RankedWord[] {
  return importanceOf(e, measure)
    .values.map((value, word) => ({ word, value }))
    .sort(byDescendingValue);
}

/** The largest magnitude in any single word's map of a reading. */
function strongestWord(e: Explanation, reading: string, sign: Sign): number {
  return strongest(e, JSON.stringify([reading, sign]));
}

const strongest = memoize((e: Explanation, key: string): number => {
  const [reading, sign]: [string, Sign] = JSON.parse(key);
  return peakValue(e.readings.get(reading) ?? [], sign);
});

function ratio(a: number, b: number): number | null {
  return b > 0 ? a / b : null;
}
