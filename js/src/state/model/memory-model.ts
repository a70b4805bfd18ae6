// A model without a kernel, for exported pages and tests.

import { DEFAULTS, type Synced } from "../synced";
import type { Model } from "./widget-model";

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
