// What Python shares with the gallery, and the messages in which rows travel.

export const SORTS = ["position", "score", "concentration", "energy", "disagreement"] as const;
export type Sort = (typeof SORTS)[number];
export type Role = "any" | "counts" | "ignored";
export type Side = "both" | "this" | "other";

/** The traits of `GalleryGrid`. */
export interface GalleryState {
  about: { label: string; other: string | null; total: number; sorts: Sort[]; importances: boolean };
  /** Another generation is another order: rows of an older one are not asked for any more. */
  order: { generation: number; count: number };
  histogram: { low: number | null; high: number | null; counts: number[] };
  failed: { count: number; kinds: { stage: string; error: string; count: number }[] };
  opened: Opened | null;
  progress: { done: number; total: number } | null;
  error: string;
  sort: Sort;
  descending: boolean;
  text: string;
  word: string;
  word_role: Role;
  score_range: [number, number] | null;
  heat: boolean;
  side: Side;
  selected: string | null;
  theme: "auto" | "light" | "dark";
}

/** The pair whose full explanation is open. */
export interface Opened {
  id: string;
  index: number | null; // in the order; null where the filters leave it out
  status: "loading" | "ready" | "failed";
  sentence: string;
}

/** A pair as it stands in a message; `at` are a start and a length in one of the message's buffers. */
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

export type Answer =
  | { kind: "rows"; generation: number; start: number; tiles: RawTile[] }
  | { kind: "pair"; tiles: RawTile[] }
  | { kind: "errors"; start: number; errors: FailedPair[] };

export type Request =
  | { kind: "rows"; generation: number; start: number; stop: number }
  | { kind: "pair"; id: string }
  | { kind: "errors"; start: number; stop: number }
  | { kind: "step"; by: number };

export type Buffers = readonly (DataView | ArrayBuffer | Uint8Array)[];

/** What the view needs of anywidget's model. */
export interface GalleryModel {
  get<K extends keyof GalleryState>(key: K): GalleryState[K];
  set<K extends keyof GalleryState>(key: K, value: GalleryState[K]): void;
  save_changes(): void;
  send(content: Request): void;
  on(event: `change:${string}`, callback: () => void): void;
  on(event: "msg:custom", callback: (content: Answer, buffers: Buffers) => void): void;
  off(event: string, callback: (...all: never[]) => void): void;
}
