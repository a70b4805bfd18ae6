// Two kinds of state. Synced state lives in the model and is shared with Python and with every view of the
// widget. View state never leaves this view: the patch under the pointer, a drag in progress, an open list.

import type { Sign } from "./colour";
import type { Bytes, Point, RawDepth, RawPayload, Region } from "./payload";

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

/** A word of a vocabulary and how much more a region speaks for it than the rest of the picture does. */
export interface SeenWord {
  word: string;
  value: number; // mean over the region minus mean over the rest, in units of the score
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
  theme: "auto" | "light" | "dark";
  status: "ready" | "computing" | "error";
  error: string;
}

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

export interface View {
  hoveredPatch: number | null;
  pointer: Point | null; // 0..1 across and down the stage
  cursor: number | null; // the patch that the keyboard is on
  draft: Region | null; // a box or lasso being drawn
  lasso: boolean; // a plain drag draws a lasso
  showAll: boolean; // every word has a bar
  kernel: Kernel;
  refused: string; // why what was dropped, pasted or chosen is no picture to explain
}

/** What is known of the process that answers: nothing against it, no answer for a while, gone, or never there. */
export type Kernel = "there" | "silent" | "lost" | "absent";

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
  theme: "auto",
  status: "ready",
  error: "",
};

export type Key = keyof Synced | keyof View;
export type Changes = ReadonlySet<Key>;
const KEYS = Object.keys(DEFAULTS) as (keyof Synced)[];

const VIEW_DEFAULTS: Readonly<View> = {
  hoveredPatch: null,
  pointer: null,
  cursor: null,
  draft: null,
  lasso: false,
  showAll: false,
  kernel: "there",
  refused: "",
};

/** What Python answers in any case, by a change of something that it alone writes. */
const QUESTIONS: ReadonlySet<string> = new Set([
  "prompt",
  "prompts",
  "method",
  "model",
  "resolution",
  "picture",
  "history_index",
  "vocabulary",
  "erase",
  "depth",
]);

/** For the first frame of a view, or of its first picture. */
export const EVERYTHING: Changes = new Set([...KEYS, ...(Object.keys(VIEW_DEFAULTS) as (keyof View)[])]);

/** Reads and writes both kinds of state and reports changes, all those of one animation frame together. */
export class Store {
  readonly view: View = { ...VIEW_DEFAULTS };
  #model: Model;
  #listener: (changes: Changes) => void = () => {};
  #asked: () => void = () => {};
  #changes = new Set<Key>();
  #unsaved = false;
  #frame = 0;
  #handlers: [keyof Synced, () => void][] = [];

  constructor(model: Model) {
    this.#model = model;
    for (const key of KEYS) {
      const handler = () => this.#note(key);
      this.#handlers.push([key, handler]);
      model.on(`change:${key}`, handler);
    }
  }

  get<K extends keyof Synced>(key: K): Synced[K] {
    return this.#model.get(key) ?? DEFAULTS[key];
  }

  /** Whether what needs Python is on show. */
  get live(): boolean {
    return this.get("live") && this.view.kernel !== "absent";
  }

  /** Whether Python can be asked; where it is live but cannot, what needs it is disabled. */
  get canAsk(): boolean {
    return this.live && this.view.kernel !== "lost";
  }

  /** Whether a control is wanted: all are, unless the widget names those that it shows. */
  offers(control: string): boolean {
    return this.get("controls")?.includes(control) ?? true;
  }

  /** Ask Python for something that is no state. */
  send(message: Message, buffers: ArrayBuffer[] = []): void {
    this.#model.send?.(message, undefined, buffers);
    if (message.type !== "cancel") this.#asked();
  }

  /** Be told of every question to Python. */
  onQuestion(listener: () => void): void {
    this.#asked = listener;
  }

  /** Change synced state: other views see it at once, Python within this animation frame. */
  set(values: Partial<Synced>): void {
    for (const key of Object.keys(values) as (keyof Synced)[]) {
      const value = values[key];
      if (QUESTIONS.has(key) && value !== "" && value !== false && value !== this.get(key)) this.#asked();
      this.#model.set(key, values[key] as Synced[typeof key]);
      this.#note(key);
    }
    this.#unsaved = true;
  }

  setView(values: Partial<View>): void {
    for (const key of Object.keys(values) as (keyof View)[]) {
      if (this.view[key] === values[key]) continue;
      Object.assign(this.view, { [key]: values[key] });
      this.#note(key);
    }
  }

  /** The one listener: the view, called at most once per animation frame. */
  listen(listener: (changes: Changes) => void): void {
    this.#listener = listener;
  }

  /** Report everything as changed, now: a view's first frame. */
  draw(): void {
    this.#listener(EVERYTHING);
  }

  dispose(): void {
    if (this.#frame) cancelAnimationFrame(this.#frame);
    if (this.#unsaved) this.#save();
    for (const [key, handler] of this.#handlers) this.#model.off(`change:${key}`, handler);
    this.#handlers = [];
    this.#listener = () => {};
    this.#asked = () => {};
  }

  #note(key: Key): void {
    this.#changes.add(key);
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#flush());
  }

  #flush(): void {
    this.#frame = 0;
    const changes = this.#changes;
    this.#changes = new Set();
    if (this.#unsaved) this.#save();
    this.#listener(changes);
  }

  #save(): void {
    this.#unsaved = false;
    this.#model.save_changes();
  }
}

/** Click on a word: pin it alone, or let go of it. With shift: add it to the phrase, or take it out. */
export function toggleWord(selected: readonly number[], word: number, extend: boolean): number[] {
  const held = selected.includes(word);
  if (extend) return held ? selected.filter((w) => w !== word) : [...selected, word].sort((a, b) => a - b);
  return held && selected.length === 1 ? [] : [word];
}
