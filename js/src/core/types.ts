// What an explanation is made of, once decoded.

/** x0, y0, x1, y1 in pixels of the original picture. */
export type Box = readonly [number, number, number, number];
export type Point = readonly [number, number];
export type Region = { kind: "box"; box: Box } | { kind: "polygon"; points: readonly Point[] };

/** The evidence that a map shows: for the match, against it, or both. */
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
  importance: Measure[]; // every measure that was computed, the default first
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
  model: string;
  method: string;
  reference: boolean;
  seconds: number | null;
}

/** Decoded maps of single blocks, shallowest block first. */
export interface Depth {
  /** Per image block: the caption's map and the words' maps, as along the explained text blocks. */
  image: readonly { caption: Float32Array; words: Float32Array }[];
  /** Per text block: the words' maps and their shares of the score, as along the explained image blocks. */
  text: readonly { words: Float32Array; importance: Float32Array }[];
}

/** A decoded payload: everything the front end reads. */
export interface Explanation {
  header: Header;
  rows: number;
  cols: number;
  cover: Box;
  /** The whole caption's signed map, rows x cols in reading order. */
  captionMap: Float32Array;
  /** Per reading, one row of rows x cols values per word. */
  readings: ReadonlyMap<string, Float32Array>;
  image: Uint8Array;
}
