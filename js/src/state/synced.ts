// The state that lives in the model: shared with Python and with every view of the widget.

import type { Bytes, RawDepth, RawPayload } from "../core/decode";
import type { Region, Sign } from "../core/types";

/** A picture of the strip. */
export interface PictureEntry {
  name: string;
  thumbnail: Bytes; // WebP, at most 96 pixels on its long side
}

/** A model of the menu. */
export interface ModelEntry {
  name: string;
  loaded: boolean;
  bytes: number; // of its weights in memory; 0 where it is not loaded
}

/** One step of the history. */
export interface HistoryEntry {
  prompts: string[];
  active: number;
  score: number; // cosine of the active prompt
  model: string;
  method: string;
}

/** What the worker is doing. */
export interface Progress {
  stage: string; // "loading weights", "image tower", "maps"
  done: number; // bytes, or steps
  total: number | null;
  unit: "bytes" | "steps";
}

/** A word of a vocabulary, and how well a region by itself fits it. */
export interface SeenWord {
  word: string;
  value: number; // the score of the region by itself with the word, a cosine
}

/** What erasing the region does to every prompt's score. */
export interface Erased {
  how: string;
  image: Bytes; // WebP of the erased picture, as large as the one on show
  scores: number[]; // cosine per prompt
}

/** The traits of gradeclip_widget/widget.py. */
export interface Synced {
  _payloads: RawPayload[];
  live: boolean; // a kernel with a model stands behind: prompts can be edited
  controls: string[] | null; // names of those on show; all by default
  prompt: string; // asked for; what is shown is in the payload's header
  prompts: string[];
  versus: number | null; // the prompt that is subtracted from the active one
  method: string;
  _methods: { name: string; label: string; blocks?: boolean }[]; // blocks: whether there are maps of single ones
  model: string;
  _models: ModelEntry[];
  resolution: number | null; // short side in pixels; the model's own when null
  _resolutions: number[];
  picture: number;
  _pictures: PictureEntry[];
  history: HistoryEntry[];
  history_index: number;
  _code: string; // what is on show, as Python
  vocabulary: string; // name of the list that a region is asked about; "" for none
  _vocabularies: string[];
  seen: SeenWord[];
  erase: string; // "", "blur", "mean" or "noise"
  erased: Erased | null;
  depth: boolean; // maps of single blocks are wanted
  _depth: RawDepth | null;
  image_block: number | null; // the block whose maps are shown; as explained when null
  text_block: number | null;
  progress: Progress | null;
  active: number;
  reading: string;
  selected_words: number[];
  hovered_word: number | null;
  region: Region | null;
  opacity: number;
  color_scale: string;
  contour: boolean;
  sign: Sign;
  importance: string; // name of the measure on show; "" for the explanation's default
  overview: Overview; // what is shown while no word is
  theme: "auto" | "light" | "dark";
  status: "ready" | "computing" | "error";
  error: string;
}

/** The words together, each in its hue; or the map along the whole caption, as in the paper. */
export type Overview = "words" | "caption";

/** What the view needs of a model: anywidget's in a notebook, `MemoryModel` in a page. */
export interface Model {
  get<K extends keyof Synced>(key: K): Synced[K];
  set<K extends keyof Synced>(key: K, value: Synced[K]): void;
  on(event: `change:${string}`, callback: () => void): void;
  off(event: `change:${keyof Synced}`, callback: () => void): void;
  save_changes(): void;
  /** A message to Python outside the traits; a page without a kernel has none. */
  send?(content: Message, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
}

/** What the view asks of Python that is no state. */
export type Message =
  | { type: "cancel" }
  | { type: "free"; model: string }
  | { type: "picture"; name: string }; // its encoded bytes are the one buffer

export const DEFAULTS: Readonly<Synced> = {
  _payloads: [],
  live: false,
  controls: null,
  prompt: "",
  prompts: [],
  versus: null,
  method: "",
  _methods: [],
  model: "",
  _models: [],
  resolution: null,
  _resolutions: [],
  picture: 0,
  _pictures: [],
  history: [],
  history_index: -1,
  _code: "",
  vocabulary: "",
  _vocabularies: [],
  seen: [],
  erase: "",
  erased: null,
  depth: false,
  _depth: null,
  image_block: null,
  text_block: null,
  progress: null,
  active: 0,
  reading: "in caption",
  selected_words: [],
  hovered_word: null,
  region: null,
  opacity: 0.72,
  color_scale: "inferno",
  contour: true,
  sign: "positive",
  importance: "",
  overview: "words",
  theme: "auto",
  status: "ready",
  error: "",
};
