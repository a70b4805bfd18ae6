// Which single transformer block is shown, and its explanation.

import { type Block, blockExplanation } from "../core/arithmetic";
import { decodeDepth, type RawDepth } from "../core/decode";
import { memoize } from "../core/memo";
import type { Depth, Explanation } from "../core/types";
import type { Store } from "./store";

export interface ShownBlock {
  depth: Depth | null; // maps of single blocks, if requested and computed for this explanation
  block: Block | null; // the block whose maps are shown; null: all explained blocks
}

/** The requested block, if its maps have arrived. */
export function shownBlock(e: Explanation, store: Store): ShownBlock {
  const raw = store.get("depth") ? store.get("_depth") : null;
  const depth = raw && depthOf(e, raw);
  if (!depth) return { depth: null, block: null };
  const at = (tower: Block["tower"], index: number | null): Block | null =>
    index !== null && depth[tower][index] ? { tower, index } : null;
  return { depth, block: at("image", store.get("image_block")) ?? at("text", store.get("text_block")) };
}

const depthOf = memoize((e: Explanation, raw: RawDepth) => decodeDepth(raw, e));

/** Every block as an explanation. Cached, because results are memoized per explanation object. */
const blocksOf = memoize((depth: Depth, e: Explanation) => ({
  image: depth.image.map((_, index) => blockExplanation(e, depth, { tower: "image", index })),
  text: depth.text.map((_, index) => blockExplanation(e, depth, { tower: "text", index })),
}));

export function evidenceOfBlock(e: Explanation, depth: Depth, { tower, index }: Block): Explanation {
  return blocksOf(depth, e)[tower][index];
}
