// Two kinds of state. Synced state lives in the model and is shared with Python and with every view of the
// widget. View state never leaves this view: the patch under the pointer, a drag in progress, an open list.

import type { Point, Region } from "../core/types";
import { DEFAULTS, type Message, type Model, type Synced } from "./synced";

export interface View {
  hoveredPatch: number | null;
  pointer: Point | null; // 0..1 across and down the stage
  cursor: number | null; // the patch that the keyboard is on
  draft: Region | null; // a box or lasso being drawn
  lasso: boolean; // a plain drag draws a lasso
  unfolded: boolean; // words that carry little have bars too
  kernel: Kernel;
  uploadError: string; // why what was dropped, pasted or chosen is no picture to explain
}

/** What is known of the process that answers: nothing against it, no answer for a while, gone, or never there. */
export type Kernel = "there" | "silent" | "lost" | "absent";

export type Key = keyof Synced | keyof View;
export type Changes = ReadonlySet<Key>;
const SYNCED_KEYS = Object.keys(DEFAULTS) as (keyof Synced)[];

const VIEW_DEFAULTS: Readonly<View> = {
  hoveredPatch: null,
  pointer: null,
  cursor: null,
  draft: null,
  lasso: false,
  unfolded: false,
  kernel: "there",
  uploadError: "",
};

/** What Python answers in any case, by a change of something that it alone writes. */
const REQUEST_KEYS: ReadonlySet<string> = new Set([
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
export const ALL_KEYS: Changes = new Set([...SYNCED_KEYS, ...(Object.keys(VIEW_DEFAULTS) as (keyof View)[])]);

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
    for (const key of SYNCED_KEYS) {
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
  get canCompute(): boolean {
    return this.live && this.view.kernel !== "lost";
  }

  /** Whether a control is wanted: all are, unless the widget names those that it shows. */
  isControlVisible(control: string): boolean {
    return this.get("controls")?.includes(control) ?? true;
  }

  /** Ask Python for something that is no state. */
  send(message: Message, buffers: ArrayBuffer[] = []): void {
    this.#model.send?.(message, undefined, buffers);
    if (message.type !== "cancel") this.#asked();
  }

  /** Be told of every question to Python. */
  onRequest(listener: () => void): void {
    this.#asked = listener;
  }

  /** Change synced state: other views see it at once, Python within this animation frame. */
  set(values: Partial<Synced>): void {
    for (const key of Object.keys(values) as (keyof Synced)[]) {
      const value = values[key];
      if (REQUEST_KEYS.has(key) && value !== "" && value !== false && value !== this.get(key)) this.#asked();
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
  drawAll(): void {
    this.#listener(ALL_KEYS);
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
