// The types of a decoded explanation. Python's payload.py documents the fields.

/** x0, y0, x1, y1 in pixels of the original picture. */
export type Box = readonly [number, number, number, number];
export type Point = readonly [number, number];
/** A thing consists of whole patches; its holes are not part of it. */
export type Region =
  | { kind: "box"; box: Box }
  | { kind: "polygon"; points: readonly Point[] }
  | { kind: "thing"; points: readonly Point[]; holes: readonly (readonly Point[])[] };

/** Which evidence a map shows: for the match, against it, or both. */
export type Sign = "positive" | "negative" | "both";

export interface WordHeader {
  text: string;
  truncated: boolean; // the model did not read it
  known: boolean; // the model was trained on it
  attribute: boolean; // of the word after it, as "red" in "red circle"
  small: boolean; // an English function word, as "a" and "of"
}

/** The words' importance by one measure, in units of the score. */
export interface Measure {
  name: string; // "leave-one-out"
  label: string; // "what the score loses without the word"
  values: readonly number[]; // one per word; 0 for words that are unknown or were not read
  base: number | null; // what the values add up from, to the score; null if they do not add up
}

/** The model to use in place of one that does not know such pictures. */
export interface Foreign {
  model: string;
  megabytes: number; // of its download
}

export interface Header {
  version: number; // 1
  caption: string;
  words: WordHeader[];
  importance: Measure[]; // all computed measures, the default first
  gaps: string[]; // the caption between words: before the first, between, after the last
  score: {
    cosine: number;
    logit: number | null;
    scale: number | null;
    bias: number | null;
    probability: number | null;
  };
  grid: [number, number]; // rows, cols
  image: { mime: string; width: number; height: number; cover: Box };
  maps: { name: string; rows: number }[];
  blocks: { image: number[]; text: number[]; image_layers: number; text_layers: number };
  no_evidence: { image: boolean; text: boolean };
  notes: string[];
  unrelated: readonly number[] | null; // scores of unrelated sentences with the picture, ascending; null: not computed
  foreign: Foreign | null; // the picture is unlike what the model was trained on
  model: string;
  method: string;
  reference: boolean;
  seconds: number | null;
}

/** Decoded maps of single transformer blocks, first block first. */
export interface Depth {
  /** Per image block: the maps of the caption and of its words; the text tower as explained. */
  image: readonly { caption: Float32Array; words: Float32Array }[];
  /** Per text block: the words' maps and their shares of the score; the image tower as explained. */
  text: readonly { words: Float32Array; importance: Float32Array }[];
}

/** A decoded payload. */
export interface Explanation {
  header: Header;
  rows: number;
  cols: number;
  cover: Box;
  /** The signed map of the whole caption: rows x cols values in row-major order. */
  captionMap: Float32Array;
  /** Per reading (kind of word map), the signed maps of all words: words x rows x cols values. */
  readings: ReadonlyMap<string, Float32Array>;
  image: Uint8Array;
  /** The patches of the thing around each patch, one bit each, in rows of whole bytes; empty if not known. */
  things: Uint8Array;
}
