// The values of synced traits that are more than numbers and texts.

import type { Bytes } from "../core/decode";

/** A picture of the strip. */
export interface PictureEntry {
  name: string;
  thumbnail: Bytes; // WebP, at most 96 pixels on its long side
}

/** A method of the menu. */
export interface MethodEntry {
  name: string;
  label: string;
  blocks?: boolean; // whether there are maps of single blocks
}

/** A model of the menu. */
export interface ModelEntry {
  name: string;
  loaded: boolean;
  bytes: number; // of its weights in memory; 0 if it is not loaded
}

/** One step of the history. */
export interface HistoryEntry {
  prompts: string[];
  active: number;
  score: number; // cosine of the active prompt
  model: string;
  method: string;
}

/** How far the worker is. */
export interface Progress {
  stage: string; // "loading weights", "image tower", "maps"
  done: number; // bytes, or steps
  total: number | null;
  unit: "bytes" | "steps";
}
