// Two kinds of state. Synced state is in the model and is shared with Python and with every view of the widget. View
// state is known to this view only: where the pointer is, a drag in progress, an unfolded list.

import type { Point, Region } from "../core/types";
import type { Message, Model, SyncedModel } from "./model";
import { Drawings, derived, observable } from "./signals";
import { ASKS, type ControlName, DEFAULTS, type Synced } from "./synced";

export interface ViewState {
  pointer: Point | null; // 0..1 of the stage's width and height
  cursor: number | null; // the patch chosen by arrow keys
  draft: Region | null; // a box or lasso being drawn
  tool: "box" | "lasso" | null; // what a drag draws; null: a box, unless a finger scrolls the page
  touch: boolean; // the last press was a finger's; before the first, whether the main pointer is one
  unfolded: boolean; // unimportant words are listed too
  settings: boolean; // the settings are open
  kernel: Kernel;
  uploadError: string; // why a dropped, pasted or chosen file was not accepted
}

/** The state of the kernel: it works, does not respond, was lost, or never existed. */
export type Kernel = "there" | "silent" | "lost" | "absent";

export const VIEW_DEFAULTS: Readonly<ViewState> = {
  pointer: null,
  cursor: null,
  draft: null,
  tool: null,
  touch: false,
  unfolded: false,
  settings: false,
  kernel: "there",
  uploadError: "",
};

/** Reads and writes the traits of a model, and runs the drawings that depend on them. */
export class SyncedStore<T extends object> {
  #model: SyncedModel<T>;
  #values: T;
  #unsaved = false;
  #drawings: Drawings;
  #handlers: [keyof T & string, () => void][];

  /** Called in every frame, after the drawings. */
  afterDrawing: () => void = () => {};

  /** @param defaults the values of traits that the model does not have */
  constructor(model: SyncedModel<T>, defaults: Readonly<T>) {
    this.#model = model;
    this.#values = observable(defaults);
    this.#drawings = new Drawings(
      () => this.#save(),
      () => this.afterDrawing(),
    );
    this.#handlers = (Object.keys(defaults) as (keyof T & string)[]).map((key) => {
      const read = () => {
        this.#values[key] = model.get(key) ?? defaults[key];
      };
      read();
      model.on(`change:${key}`, read);
      return [key, read];
    });
  }

  get<K extends keyof T>(key: K): T[K] {
    return this.#values[key];
  }

  /** Change traits. Other views see it immediately, Python with the next animation frame. */
  set(values: Partial<T>): void {
    for (const [key, read] of this.#handlers) {
      if (!(key in values)) continue;
      this.#model.set(key, values[key] as T[typeof key]);
      read(); // a model may report no change, as of a list with equal items
    }
    this.#unsaved = true;
    this.#drawings.request();
  }

  /** Add a drawing, as to `Drawings`. */
  draw(draw: () => void, signal: AbortSignal): void {
    this.#drawings.add(draw, signal);
  }

  /** Run all drawings. */
  start(): void {
    this.#drawings.start();
  }

  dispose(): void {
    this.#drawings.stop();
    this.#save();
    for (const [key, read] of this.#handlers) this.#model.off(`change:${key}`, read);
  }

  #save(): void {
    if (this.#unsaved) this.#model.save_changes();
    this.#unsaved = false;
  }
}

/** The state of the widget's view. */
export class Store extends SyncedStore<Synced> {
  readonly view = observable({ ...VIEW_DEFAULTS, touch: window.matchMedia("(pointer: coarse)").matches });
  #derived = derived({
    live: () => this.get("live") && this.view.kernel !== "absent",
    canCompute: () => this.live && this.view.kernel !== "lost",
    comparing: () => this.get("compare").length > 0 && (this.live || this.get("_comparison").length > 0),
  });
  #send: Model["send"];
  #notifyRequest: () => void = () => {};

  constructor(model: Model) {
    super(model, DEFAULTS);
    this.#send = model.send?.bind(model);
  }

  /** Whether controls that need Python are shown. */
  get live(): boolean {
    return this.#derived.live;
  }

  /** Whether Python can compute something new. If live but not able to, the controls that need it are disabled. */
  get canCompute(): boolean {
    return this.#derived.canCompute;
  }

  /** Whether methods are compared: some are chosen, and there are maps, or a kernel to compute them. */
  get comparing(): boolean {
    return this.#derived.comparing;
  }

  /** Whether a control is to be shown: all are, unless the `controls` trait lists those that are. */
  isControlVisible(control: ControlName): boolean {
    return this.get("controls")?.includes(control) ?? true;
  }

  /** Send Python a message; for requests that are not a change of state. */
  send(message: Message, buffers: ArrayBuffer[] = []): void {
    this.#send?.(message, undefined, buffers);
    if (message.type !== "cancel") this.#notifyRequest();
  }

  /** Call `listener` on every request that Python has to answer. */
  onRequest(listener: () => void): void {
    this.#notifyRequest = listener;
  }

  override set(values: Partial<Synced>): void {
    const requests = Object.entries(values).filter(
      ([key, value]) => ASKS.has(key) && !isEmpty(value) && value !== this.get(key as keyof Synced),
    );
    // An erasure belongs to the region that was erased.
    super.set("region" in values && values.region !== this.get("region") ? { erase: "", ...values } : values);
    if (requests.length > 0) this.#notifyRequest();
  }

  override dispose(): void {
    super.dispose();
    this.#notifyRequest = () => {};
  }
}

/** Whether a value of a trait in `ASKS` requests nothing. */
function isEmpty(value: unknown): boolean {
  return value === "" || value === false || (Array.isArray(value) && value.length === 0);
}
