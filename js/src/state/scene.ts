// The scene: everything the components draw, derived from the state.

import {
  type Block,
  byDescendingValue,
  coverage,
  peakValue,
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
  shownTogether,
} from "../core/evidence";
import { partDecimals, roundPart } from "../core/format";
import { type Standing, standing } from "../core/match";
import { memoize } from "../core/memo";
import type { Depth, Explanation, Region, Sign } from "../core/types";
import type { PromptRow } from "./prompts";
import { comparableMeasure, differenceMap, type ShownMap, wordsMap } from "./shown-map";
import { evidenceOfBlock, shownBlock } from "./single-block";
import type { Changes, Key, Store } from "./store";
import { REPAINTS, type Synced } from "./synced";
import { captionText, phraseLabel } from "./words/wording";

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
  sign: Sign; // of the values that are painted
  measure: string; // name of a computed measure of importance
  standing: Standing | null; // how the score stands among those of unrelated sentences, if that is known
  decimals: number; // for contributions to the score
  overview: Synced["overview"]; // what is shown while no word is chosen; "caption" if the words together cannot be
  highlights: readonly Highlight[]; // empty if the overview is the caption's map
  together: boolean; // the highlights are painted, each in its color
  words: readonly number[]; // the words whose map is shown; none: the overview
  pinned: readonly number[];
  label: string;
  map: Float64Array;
  peak: number; // the map's largest magnitude of the shown sign
  top: number; // what the end of the color scale stands for; the same for all words
  unit: number; // factor from the map's values to contributions to the score
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
  | "peak"
  | "standing"
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
  const exists = (w: number) => Number.isInteger(w) && w >= 0 && w < e.header.words.length;
  const pinned = store.get("selected_words").filter(exists);
  const hovered = store.get("hovered_word");
  const { name: measure, values } = versus
    ? comparableMeasure(e, versus, store.get("importance"))
    : importanceOf(e, store.get("importance"));
  const words = hovered !== null && exists(hovered) ? shownTogether(e, measure, hovered) : pinned;
  const asked = store.get("sign");
  const overview =
    block || versus || asked !== "positive" || hasCaptionMapOnly(e) ? "caption" : store.get("overview");
  const together = overview === "words" && words.length === 0;
  const { map, sign, peak, top } = shownMap();
  const same = previous?.evidence === e && previous.versus === versus;
  const kept = same && !REGION_KEYS.some((k) => changes.has(k));
  const region = store.view.draft ?? store.get("region");
  const part = kept ? previous.part : region && coverage(e, region);
  const [ranking, others] = kept ? [previous.ranking, previous.others] : rank(e, versus, measure, part);
  const decimals = partDecimals(Math.max(...values.map(Math.abs)));
  const caption = requestedCaption(e, store);
  return {
    explanation,
    draft:
      previous?.explanation === explanation && joinCaption(previous.draft) === caption
        ? previous.draft
        : createDraft(captionText(e), caption),
    pending: caption !== e.header.caption,
    versus,
    depth,
    block,
    evidence: e,
    erased: shownErased(store),
    reading,
    sign,
    measure,
    standing: standingOf(explanation, store.get("unrelated")[store.get("active")]),
    decimals,
    overview,
    highlights: overview === "words" ? highlights(e, measure) : [],
    together,
    words,
    pinned,
    label: phraseLabel(e, words),
    map,
    peak,
    top,
    unit: words.length > 0 || together || versus ? 1 : scaleToTotal(captionTotal(), map),
    region,
    part,
    ranking,
    others,
    silent: part !== null && [...ranking, ...others].every(({ value }) => roundPart(value, decimals) === 0),
    share:
      part && words.length > 0 ? positiveShare(sign === "negative" ? map.map((v) => -v) : map, part) : null,
  };

  function shownMap(): ShownMap {
    if (words.length > 0) return wordsMap(e, reading, measure, words, asked);
    if (versus) return ofItsOwn(differenceMap(e, versus, measure), "both");
    return ofItsOwn(together ? evidenceMap(e, measure) : Float64Array.from(e.captionMap), asked);
  }

  /** The contribution to the score that the caption's map adds up to. */
  function captionTotal(): number {
    const { score, blocks } = e.header;
    return (block && blocks[block.tower][block.index]) ?? score.cosine;
  }
}

/**
 * How a score stands among those of unrelated sentences; null if those are not known.
 *
 * @param later those that came after the explanation.
 */
export function standingOf(e: Explanation, later: readonly number[] | undefined): Standing | null {
  const unrelated = e.header.unrelated ?? later;
  return unrelated?.length ? computeStanding(e, unrelated) : null;
}

const computeStanding = memoize((e: Explanation, unrelated: readonly number[]) =>
  standing(e.header.score.cosine, unrelated),
);

/** A map with a color scale of its own. */
export function ofItsOwn(map: Float64Array, sign: Sign): ShownMap {
  const peak = peakValue(map, sign);
  return { map, sign, peak, top: peak };
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
