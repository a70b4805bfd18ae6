// The scene: everything the components draw, derived from the state.

import { untracked } from "@preact/signals-core";
import {
  type Block,
  byDescendingValue,
  coverage,
  patchAtShare,
  peakValue,
  positiveShare,
  type RankedWord,
  rankDifference,
  seenShare,
} from "../core/arithmetic";
import { alignWords, createDraft, type Draft } from "../core/caption";
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
import type { Depth, Explanation, Measure, Region, Sign } from "../core/types";
import type { PromptRow, Prompts } from "./prompts";
import {
  comparableMeasure,
  differenceMap,
  evidenceOfBlock,
  type ShownBlock,
  type ShownMap,
  shownBlock,
  wordsMap,
} from "./shown-map";
import { derived } from "./signals";
import type { Store } from "./store";
import type { Synced } from "./synced";
import { captionText, phraseLabel } from "./wording";

export interface Scene {
  rows: readonly PromptRow[];
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
  standing: Standing | null; // the rank of the score among those of unrelated sentences, if these are known
  decimals: number; // for contributions to the score
  overview: Synced["overview"]; // what is shown while no word is chosen; "caption" if the words together cannot be
  highlights: readonly Highlight[]; // empty if the words have no colors: in a difference, and in reference mode
  together: boolean; // the highlights are painted, each in its color
  words: readonly number[]; // the words whose map is shown; none: the overview
  pinned: readonly number[];
  label: string;
  map: Float64Array;
  peak: number; // the map's largest magnitude of the shown sign
  top: number; // the value at the end of the color scale; the same for all words
  unit: number; // factor from the map's values to contributions to the score
  cursor: number | null; // the patch chosen by arrow keys
  patch: number | null; // the patch under the cursor or the pointer; null if there is none, or while a region is drawn
  region: Region | null;
  seen: number; // fraction of the region that the model saw; 1 without a region
  part: Float64Array | null; // covered fraction of each patch
  ranking: readonly RankedWord[]; // contributions to the score, in the region if any, minus those of `versus`
  others: readonly RankedWord[]; // words that only `versus` has, with negated values
  silent: boolean; // whether all of it rounds to zero, in a region
  share: number | null; // fraction of the shown words' positive evidence that lies in the region
}

/** The part of the scene that a painted picture depends on. */
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
  | "cursor"
  | "patch"
  | "region"
>;

/** The argument of every component. */
export interface View {
  store: Store;
  scene: Scene;
  signal: AbortSignal; // ends the view
  /** Add a drawing, as to `Drawings`. It does nothing until there is an explanation. */
  draw(draw: () => void): void;
}

/** The view as a component gets it that ends with another signal. */
export function viewUntil(signal: AbortSignal, view: View): View {
  return { ...view, signal, draw: (draw) => view.store.draw(draw, signal) };
}

/** Call `act` in the frame after a change of a value: for announcements and the like, which depend on the change. */
export function onChange(view: View, read: () => unknown, act: () => void): void {
  let before: unknown;
  let first = true;
  view.draw(() => {
    const now = read();
    if (!first && now !== before) untracked(act);
    [before, first] = [now, false];
  });
}

/** Derive the scene from the state. It can be read once there is an explanation. */
export function deriveScene(store: Store, prompts: Prompts): Scene {
  const more: { single: ShownBlock; measured: Measure; caption: string; ranked: Ranked; shown: ShownMap } =
    derived({
      single: () => shownBlock(scene.explanation, store),
      measured: () =>
        scene.versus
          ? comparableMeasure(scene.evidence, scene.versus, store.get("importance"))
          : importanceOf(scene.evidence, store.get("importance")),
      caption: () => requestedCaption(scene.explanation, store),
      ranked: () => rank(scene.evidence, scene.versus, scene.measure, scene.part),
      shown: () => {
        const { evidence: e, versus, measure, words } = scene;
        const sign = store.get("sign");
        if (words.length > 0) return wordsMap(e, scene.reading, measure, words, sign);
        if (versus) return ofItsOwn(differenceMap(e, versus, measure), "both");
        return ofItsOwn(scene.together ? evidenceMap(e, measure) : Float64Array.from(e.captionMap), sign);
      },
    });
  const exists = (w: number) => Number.isInteger(w) && w >= 0 && w < scene.evidence.header.words.length;
  const scene: Scene = derived({
    rows: () => prompts.rows,
    explanation: () => prompts.explanation!,
    draft: () => createDraft(captionText(scene.explanation), more.caption),
    pending: () => more.caption !== scene.explanation.header.caption,
    versus: () =>
      // Only one prompt is compared among methods, and maps of single blocks exist for one caption only.
      store.comparing || scene.block ? null : subtractedExplanation(scene.rows, store, scene.explanation),
    depth: () => more.single.depth,
    block: () => more.single.block,
    evidence: () =>
      scene.block && scene.depth
        ? evidenceOfBlock(scene.explanation, scene.depth, scene.block)
        : scene.explanation,
    erased: () => shownErased(store),
    reading: () => currentReading(scene.evidence, store.get("reading")),
    sign: () => more.shown.sign,
    measure: () => more.measured.name,
    standing: () => standingOf(scene.explanation, store.get("unrelated")[store.get("active")]),
    decimals: () => partDecimals(Math.max(...more.measured.values.map(Math.abs))),
    overview: () =>
      scene.block || scene.versus || store.get("sign") !== "positive" || hasCaptionMapOnly(scene.evidence)
        ? "caption"
        : store.get("overview"),
    highlights: () =>
      scene.versus || hasCaptionMapOnly(scene.explanation)
        ? []
        : highlights(scene.explanation, scene.measure),
    together: () => scene.overview === "words" && scene.words.length === 0,
    words: () => {
      const hovered = store.get("hovered_word");
      if (hovered === null || !exists(hovered)) return scene.pinned;
      return shownTogether(scene.evidence, scene.measure, hovered);
    },
    pinned: () => store.get("selected_words").filter(exists),
    label: () => phraseLabel(scene.evidence, scene.words),
    map: () => more.shown.map,
    peak: () => more.shown.peak,
    top: () => more.shown.top,
    unit: () =>
      scene.words.length > 0 || scene.together || scene.versus
        ? 1
        : scaleToTotal(captionTotal(scene), scene.map),
    cursor: () => {
      const { cursor } = store.view;
      const { rows, cols } = scene.explanation;
      return cursor !== null && cursor < rows * cols ? cursor : null;
    },
    patch: () => {
      const { pointer, draft } = store.view;
      if (scene.cursor !== null || !pointer || draft) return scene.cursor;
      return patchAtShare(scene.explanation, pointer);
    },
    region: () => store.view.draft ?? store.get("region"),
    seen: () => (scene.region ? seenShare(scene.explanation, scene.region) : 1),
    part: () => scene.region && coverage(scene.evidence, scene.region),
    ranking: () => more.ranked.words,
    others: () => more.ranked.others,
    silent: () =>
      scene.part !== null &&
      [...scene.ranking, ...scene.others].every(({ value }) => roundPart(value, scene.decimals) === 0),
    share: () => {
      const { part, map } = scene;
      if (!part || scene.words.length === 0 || scene.seen === 0) return null;
      return positiveShare(scene.sign === "negative" ? map.map((v) => -v) : map, part);
    },
  });
  return scene;
}

/** The contribution to the score that the caption's map adds up to. */
function captionTotal({ evidence, block }: Scene): number {
  const { score, blocks } = evidence.header;
  return (block && blocks[block.tower][block.index]) ?? score.cosine;
}

/**
 * The rank of a score among those of unrelated sentences; null if those are not known.
 *
 * @param later those that arrived after the explanation.
 */
export function standingOf(e: Explanation, later: readonly number[] | undefined): Standing | null {
  const unrelated = e.header.unrelated ?? later;
  return unrelated?.length ? computeStanding(e, unrelated) : null;
}

const computeStanding = memoize((e: Explanation, unrelated: readonly number[]) =>
  standing(e.header.score.cosine, unrelated),
);

/** A map whose color scale ends at its own peak. */
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
  const selected = store.get("region") !== null && store.view.draft === null;
  return selected && erased?.how === store.get("erase") ? erased : null;
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
  const requested = store.canCompute && store.get("status") !== "error" ? store.get("prompt") : "";
  return requested || e.header.caption;
}

interface Ranked {
  words: readonly RankedWord[];
  others: readonly RankedWord[];
}

function rank(
  e: Explanation,
  versus: Explanation | null,
  measure: string,
  part: Float64Array | null,
): Ranked {
  const ranked = (of: Explanation) =>
    part ? regionWords(of, evidenceReading(of), measure, part) : byImportance(of, measure);
  if (!versus) return { words: ranked(e), others: [] };
  const [words, others] = rankDifference(
    ranked(e),
    ranked(versus),
    alignWords(captionText(e).words, captionText(versus).words),
  );
  return { words, others };
}

/** The requested reading, or the first available one. */
export function currentReading(e: Explanation, requested: string): string {
  return e.readings.has(requested) ? requested : (e.readings.keys().next().value ?? requested);
}

function byImportance(e: Explanation, measure: string): RankedWord[] {
  return importanceOf(e, measure)
    .values.map((value, word) => ({ word, value }))
    .sort(byDescendingValue);
}
