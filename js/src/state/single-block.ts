// The single block whose maps are shown, where they were asked for. No DOM here.

import { type Block, ofBlock } from "../core/arithmetic";
import { decodeDepth, type RawDepth } from "../core/decode";
import type { Depth, Explanation } from "../core/types";
import type { Store } from "./store";

export interface ShownBlock {
  depth: Depth | null; // maps of single blocks, where they were asked for and belong to the explanation
  block: Block | null; // the one whose maps are shown; null: all explained blocks
}

/** The block that is asked for, where there are maps of it. */
export function shownBlock(e: Explanation, store: Store): ShownBlock {
  const raw = store.get("depth") ? store.get("_depth") : null;
  const depth = raw && depthOf(e, raw);
  if (!depth) return { depth: null, block: null };
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

/** The same object for the same block, so that what is derived from it is kept too. */
export function evidenceOfBlock(e: Explanation, depth: Depth, block: Block): Explanation {
  const known = blocks.get(depth) ?? new Map<string, Explanation>();
  blocks.set(depth, known);
  const key = `${block.tower} ${block.index}`;
  if (!known.has(key)) known.set(key, ofBlock(e, depth, block));
  return known.get(key)!;
}

const blocks = new WeakMap<Depth, Map<string, Explanation>>();
