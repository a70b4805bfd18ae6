// What a view needs of a model: anywidget's in a notebook, `MemoryModel` in a page.

import type { Synced } from "../synced";

export interface Model {
  get<K extends keyof Synced>(key: K): Synced[K];
  set<K extends keyof Synced>(key: K, value: Synced[K]): void;
  on(event: `change:${string}`, callback: () => void): void;
  off(event: `change:${keyof Synced}`, callback: () => void): void;
  save_changes(): void;
  /** Send a message to Python outside of the traits; a page without a kernel has no such method. */
  send?(content: Message, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
}

/** Messages to Python that are not state. */
export type Message =
  | { type: "cancel" }
  | { type: "free"; model: string }
  | { type: "picture"; name: string }; // its encoded bytes are the one buffer
