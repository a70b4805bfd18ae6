// The comparison of methods: the same words, region and colors on each method's maps of the explained caption.

import { decodePayload } from "../core/decode";
import { evidenceMap, highlightsLike } from "../core/evidence";
import { getOrCompute, memoize } from "../core/memo";
import type { Explanation } from "../core/types";
import type { Curves, MethodCell, MethodEntry } from "./entries";
import { currentReading, ofItsOwn, type PictureScene, type Scene } from "./scene";
import { type ShownMap, wordsMap } from "./shown-map";
import { derived } from "./signals";
import type { Store } from "./store";

export const MOST_COMPARED = 6;

/** A compared method. */
export interface Cell {
  name: string;
  label: string;
  explanation: Explanation | null; // null: not computed yet, or for another caption
  error: string; // why there is no explanation
  curves: Curves | null; // null: not measured yet
}

/** A cell for every compared method, in the order in which they were chosen. */
export function comparedCells(store: Store, e: Explanation): Cell[] {
  const known = new Map(store.get("_comparison").map((cell) => [cell.name, cell]));
  const entries = new Map(store.get("_methods").map((method) => [method.name, method]));
  return store.get("compare").map((name) => {
    const cell = known.get(name);
    const explanation = cell?.maps === undefined ? null : explained(cell, e);
    return {
      name,
      label: explanation?.header.method ?? cell?.label ?? entries.get(name)?.label ?? name,
      explanation,
      error: cell?.error ?? "",
      curves: explanation ? (store.get("perturbation_curves")[name] ?? null) : null,
    };
  });
}

/** A method's explanation, with the picture of `e`; null if it is of another caption or grid. */
const explained = memoize((cell: MethodCell, e: Explanation): Explanation | null => {
  const other = decodePayload({ header: cell.header!, maps: cell.maps!, image: e.image, things: e.things });
  const fits =
    other.header.caption === e.header.caption &&
    other.header.model === e.header.model &&
    other.rows === e.rows &&
    other.cols === e.cols;
  return fits ? other : null;
});

/** The scene with another method's explanation; the scene itself while there is none. */
export function sceneOf(cell: () => Cell, scene: Scene): PictureScene {
  const own: { shown: ShownMap } = derived({
    shown: () => {
      const { explanation: e } = cell();
      if (!e) return scene;
      const { measure, words } = scene;
      if (words.length > 0) return wordsMap(e, currentReading(e, scene.reading), measure, words, scene.sign);
      const map = scene.together ? evidenceMap(e, measure) : Float64Array.from(e.captionMap);
      return ofItsOwn(map, scene.sign);
    },
  });
  const picture: PictureScene = derived(
    {
      explanation: () => cell().explanation ?? scene.explanation,
      evidence: () => cell().explanation ?? scene.evidence,
      highlights: () => {
        const { explanation: e } = cell();
        if (!e) return scene.highlights;
        return scene.together ? sameHues(e, scene.measure, scene.highlights) : [];
      },
      map: () => own.shown.map,
      peak: () => own.shown.peak,
      top: () => own.shown.top,
      sign: () => own.shown.sign,
    },
    scene,
  );
  return picture;
}

type Highlights = Scene["highlights"];

/** Cached, because the pixels painted for a list of highlights are cached with the list. */
function sameHues(e: Explanation, measure: string, highlights: Highlights): Highlights {
  return getOrCompute(knownHues(e), highlights, () => highlightsLike(e, measure, highlights));
}

const knownHues = memoize((_: Explanation) => new WeakMap<Highlights, Highlights>());

/** The methods to choose from: all, or without a kernel those that were computed. */
export function comparableMethods(store: Store): readonly MethodEntry[] {
  return store.canCompute ? store.get("_methods") : store.get("_comparison");
}

/** The compared methods after one was added or removed; the current method is the first to be compared with. */
export function toggleCompared(store: Store, name: string): string[] {
  const compared = store.get("compare");
  if (compared.includes(name)) return compared.filter((other) => other !== name);
  const first = compared.length === 0 && store.canCompute ? [store.get("method")] : [];
  return [...new Set([...first, ...compared, name])];
}

/** What a method is for and what it cannot show, or why it cannot explain this model. */
export function describeMethod({ purpose, limits, refusal }: MethodEntry): string {
  if (refusal) return refusal;
  return [purpose, limits && `Cannot show: ${limits.charAt(0).toLowerCase()}${limits.slice(1)}`]
    .filter(Boolean)
    .join("\n");
}
