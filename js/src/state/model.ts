// The model of a view: anywidget's in a notebook, `MemoryModel` in a page.

import { DEFAULTS, type Synced } from "./synced";

/** A model with the traits `T`. */
export interface SyncedModel<T> {
  get<K extends keyof T>(key: K): T[K];
  set<K extends keyof T>(key: K, value: T[K]): void;
  on(event: `change:${string}`, callback: () => void): void;
  off(event: `change:${string}`, callback: () => void): void;
  save_changes(): void;
}

export interface Model extends SyncedModel<Synced> {
  /** Send a message to Python outside of the traits; a page without a kernel has no such method. */
  send?(content: Message, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
}

/** Messages to Python that are not state. */
export type Message =
  | { type: "cancel" }
  | { type: "retry" }
  | { type: "free"; model: string }
  | { type: "picture"; name: string }; // its encoded bytes are the one buffer

/** A model without a kernel, for exported pages and tests. */
export class MemoryModel implements Model {
  #values: Synced;
  #callbacks = new Map<string, Set<() => void>>();

  constructor(values: Partial<Synced> = {}) {
    this.#values = { ...DEFAULTS, ...values };
  }

  get<K extends keyof Synced>(key: K): Synced[K] {
    return this.#values[key];
  }

  set<K extends keyof Synced>(key: K, value: Synced[K]): void {
    if (Object.is(this.#values[key], value)) return;
    this.#values[key] = value;
    for (const callback of [...(this.#callbacks.get(`change:${key}`) ?? [])]) callback();
  }

  on(event: `change:${string}`, callback: () => void): void {
    if (!this.#callbacks.has(event)) this.#callbacks.set(event, new Set());
    this.#callbacks.get(event)!.add(callback);
  }

  off(event: `change:${keyof Synced}`, callback: () => void): void {
    this.#callbacks.get(event)?.delete(callback);
  }

  save_changes(): void {}

  /** The number of registered callbacks; 0 after teardown. */
  get listeners(): number {
    return [...this.#callbacks.values()].reduce((n, set) => n + set.size, 0);
  }
}
