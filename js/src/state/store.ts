// Two kinds of state. Synced state lives in the model and is shared with Python and with every view of the widget.
// View state never leaves this view: the patch under the pointer, a drag in progress, an unfolded list.

import type { Point, Region } from "../core/types";
import type { Message, Model } from "./model/widget-model";
import { ASKS, type ControlName, DEFAULTS, type Synced } from "./synced";

export interface View {
  hoveredPatch: number | null;
  pointer: Point | null; // 0..1 of the stage's width and height
  cursor: number | null; // the patch chosen by arrow keys
  draft: Region | null; // a box or lasso being drawn
  lasso: boolean; // a drag draws a lasso instead of a box
  unfolded: boolean; // unimportant words are listed too
  kernel: Kernel;
  uploadError: string; // why a dropped, pasted or chosen file was not accepted
}

/** The kernel as far as the view knows: it works, does not respond, was lost, or never existed. */
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

/** Every key as changed, for the first frame of a view or of its first explanation. */
export const ALL_KEYS: Changes = new Set([...SYNCED_KEYS, ...(Object.keys(VIEW_DEFAULTS) as (keyof View)[])]);

/** Reads and writes both kinds of state, and reports all changes of one animation frame together. */
export class Store {
  readonly view: View = { ...VIEW_DEFAULTS };
  #model: Model;
  #listener: (changes: Changes) => void = () => {};
  #notifyRequest: () => void = () => {};
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

  /** Whether controls that need Python are shown. */
  get live(): boolean {
    return this.get("live") && this.view.kernel !== "absent";
  }

  /** Whether Python can compute something new. If live but not able to, the controls that need it are disabled. */
  get canCompute(): boolean {
    return this.live && this.view.kernel !== "lost";
  }

  /** Whether a control is to be shown: all are, unless the `controls` trait lists those that are. */
  isControlVisible(control: ControlName): boolean {
    return this.get("controls")?.includes(control) ?? true;
  }

  /** Send Python a message; for requests that are not a change of state. */
  send(message: Message, buffers: ArrayBuffer[] = []): void {
    this.#model.send?.(message, undefined, buffers);
    if (message.type !== "cancel") this.#notifyRequest();
  }

  /** Call `listener` on every request that Python has to answer. */
  onRequest(listener: () => void): void {
    this.#notifyRequest = listener;
  }

  /** Change synced state. Other views see it immediately, Python with the next animation frame. */
  set(values: Partial<Synced>): void {
    for (const key of Object.keys(values) as (keyof Synced)[]) {
      const value = values[key];
      if (ASKS.has(key) && !asksNothing(value) && value !== this.get(key)) this.#notifyRequest();
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

  /** Set the only listener, the view; it is called at most once per animation frame. */
  listen(listener: (changes: Changes) => void): void {
    this.#listener = listener;
  }

  /** Report everything as changed, immediately: for the first frame. */
  drawAll(): void {
    this.#listener(ALL_KEYS);
  }

  dispose(): void {
    if (this.#frame) cancelAnimationFrame(this.#frame);
    if (this.#unsaved) this.#save();
    for (const [key, handler] of this.#handlers) this.#model.off(`change:${key}`, handler);
    this.#handlers = [];
    this.#listener = () => {};
    this.#notifyRequest = () => {};
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

/** Whether a value of a trait that asks means that nothing is asked. */
function asksNothing(value: unknown): boolean {
  return value === "" || value === false || (Array.isArray(value) && value.length === 0);
}
