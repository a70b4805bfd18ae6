// The types of a decoded explanation. Python's payload.py documents the fields.

/** x0, y0, x1, y1 in pixels of the original picture. */
export type Box = readonly [number, number, number, number];
export type Point = readonly [number, number];
export type Region = { kind: "box"; box: Box } | { kind: "polygon"; points: readonly Point[] };

/** Which evidence a map shows: for the match, against it, or both. */
export type Sign = "positive" | "negative" | "both";

export interface WordHeader {
  text: string;
  truncated: boolean;
  known: boolean;
}

/** The words' importance by one measure, in units of the score. */
export interface Measure {
  name: string; // "leave-one-out"
  label: string; // "what the score loses without the word"
  values: readonly number[]; // one per word
}

export interface Header {
  version: number;
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
  foreign: boolean; // unlike what the model was trained on: the first note says so
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
}
