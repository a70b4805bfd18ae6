// The values of synced traits that are more than numbers and texts.

import type { Bytes, RawPayload } from "../core/decode";

/** The picture that is shown until it is explained. */
export interface Preview {
  image: Bytes; // WebP, as in a payload
  width: number; // of the original, in pixels
  height: number;
}

/** A picture of the strip. */
export interface PictureEntry {
  name: string;
  thumbnail: Bytes; // WebP, at most 96 pixels on its long side
}

/** A method of the menu. */
export interface MethodEntry {
  name: string;
  label: string;
  purpose?: string; // a sentence on what it is for
  limits?: string; // a sentence on what it cannot see
  blocks?: boolean; // whether there are maps of single blocks
  refusal?: string; // why it cannot explain this model; empty if it can explain it
}

/** A compared method: without maps until they are computed, or with the reason why there are none. */
export interface MethodCell extends Partial<Pick<RawPayload, "header" | "maps">> {
  name: string;
  label: string;
  error?: string;
}

/** A point of a curve: the part of the pixels that is altered, and the score relative to the whole picture's. */
export type CurvePoint = readonly [altered: number, score: number];

/** The perturbation curves of a method's map, the points measured so far, or why there are none. */
export interface Curves {
  source?: "words" | "caption"; // of the map: a value of `overview`
  deletion: readonly CurvePoint[];
  insertion: readonly CurvePoint[];
  error?: string;
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

/** The progress of the computation. */
export interface Progress {
  stage: string; // "loading PyTorch", "loading weights", "image tower", "maps"
  done: number; // bytes, or steps
  total: number | null;
  unit: "bytes" | "steps";
}
