// Values that record where they are read: after a change, everything computed or drawn from them is updated.
// The dependencies follow from reading, so no list of them can be incomplete.

import { computed, effect, Signal } from "@preact/signals-core";

/** Return an object with the same properties, whose changes are followed. */
export function observable<T extends object>(values: Readonly<T>): T {
  const result = {} as T;
  for (const key of Object.keys(values) as (keyof T)[]) {
    const signal = new Signal(values[key]);
    Object.defineProperty(result, key, {
      get: () => signal.value,
      set: (value) => {
        signal.value = value;
      },
      enumerable: true,
    });
  }
  return result;
}

/**
 * Return an object whose properties are computed when they are read, and again only after a change of their inputs.
 *
 * @param base an object that has the other properties.
 */
export function derived<T extends object, B extends object = object>(
  formulas: { readonly [K in keyof T]: () => T[K] },
  base?: B,
): Readonly<T & B> {
  const result = Object.create(base ?? null);
  for (const key of Object.keys(formulas) as (keyof T)[]) {
    const signal = computed(formulas[key]);
    Object.defineProperty(result, key, { get: () => signal.value, enumerable: true });
  }
  return result;
}

/**
 * Runs drawings: all of them in order at the start, and each again in the next animation frame after a change of a value
 * that it has read.
 */
export class Drawings {
  #due = new Map<number, () => void>(); // by the order in which they were added
  #count = 0;
  #frame = 0;
  #started = false;

  /**
   * @param before called in every frame before the drawings
   * @param after called in every frame after them
   */
  constructor(
    readonly before: () => void = () => {},
    readonly after: () => void = () => {},
  ) {}

  /** Add a drawing, until the signal ends it. A drawing may change state; that is drawn in the next frame. */
  add(draw: () => void, signal: AbortSignal): void {
    const order = this.#count++;
    let stop = () => {};
    const run = () => {
      stop();
      if (signal.aborted) return;
      let drawn = false;
      stop = effect(() => {
        // The second call reports the first change since. It reads nothing, so there is no third.
        if (drawn) {
          this.#due.set(order, run);
          this.request();
          return;
        }
        drawn = true;
        try {
          draw();
        } catch (error) {
          queueMicrotask(() => {
            throw error; // to the console; the other drawings go on
          });
        }
      });
    };
    if (this.#started) run();
    else this.#due.set(order, run);
    signal.addEventListener("abort", () => stop());
  }

  start(): void {
    this.#started = true;
    this.#run();
  }

  /** Request an animation frame. */
  request(): void {
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#run());
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
  }

  #run(): void {
    this.#frame = 0;
    this.before();
    const due = [...this.#due].sort(([a], [b]) => a - b);
    this.#due.clear();
    for (const [, run] of due) run();
    this.after();
  }
}
