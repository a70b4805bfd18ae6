// The values of the gallery's synced traits that are more than numbers and texts, and pairs as they come in messages.

/** The run that is shown. */
export interface About {
  label: string;
  other: string | null; // the label of the run that it is compared with
  total: number; // pairs
  sorts: string[]; // values that `sort` may have in this run
  importances: boolean; // whether its words have importances
}

/** With every new order of the rows the generation grows. Answers for an older generation are ignored. */
export interface Order {
  generation: number;
  count: number;
}

/** The histogram of the scores; without pairs, `low` and `high` are null. */
export interface Histogram {
  low: number | null;
  high: number | null;
  counts: number[];
}

/** What became of the pictures and captions of a run's source: sentences, and two of the numbers in them. */
export interface Account {
  failed: number; // pairs that could not be explained
  left_out: number; // pictures, captions and files that make no pair
  lines: string[];
}

/** How many pairs of two runs have been compared. */
export interface Comparing {
  done: number;
  total: number;
}

/** The pair whose full explanation is open. */
export interface Opened {
  id: string;
  index: number | null; // in the order; null if the filters leave it out
  status: "loading" | "ready" | "failed";
  sentence: string;
}

/** A pair in a message; `at` is a start and a length in one of the message's buffers. */
export interface RawTile {
  id: string;
  position: number;
  caption: string;
  image: string;
  words: string[];
  importances: number[] | null;
  score: number;
  concentration: number | null;
  energy: number | null;
  box_seen: number | null; // share of its box that the model saw; null: it has no box
  disagreement: number | null;
  size: [number, number];
  thumbnail: [number, number] | null;
  map: RawMap;
  other: RawMap | null;
}

export interface RawMap {
  grid: [number, number];
  cover: [number, number, number, number];
  at: [number, number];
}

export interface FailedPair {
  id: string;
  position: number;
  caption: string;
  image: string;
  stage: string;
  error: string;
  reason: string;
}
