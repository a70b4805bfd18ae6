// Made-up pairs, as Python sends them, and a model with a Python behind it that answers.

import type { RawTile } from "../../src/gallery/entries";
import type { Answer, Buffers, GalleryModel, Request } from "../../src/gallery/messages";
import { GALLERY_DEFAULTS, type GallerySynced } from "../../src/gallery/synced";

export function rawTile(n: number): RawTile {
  return {
    id: `pair-${n}`,
    position: n,
    caption: `a dog number ${n}`,
    image: `${n}.jpg`,
    words: ["a", "dog", "number", String(n)],
    importances: [0.001, 0.1, -0.05, 0],
    score: 0.2 + n / 1e6,
    concentration: 0.5,
    energy: null,
    box_seen: null,
    disagreement: null,
    size: [64, 48],
    thumbnail: [0, 3],
    map: { grid: [2, 2], cover: [0, 0, 64, 48], at: [0, 4] },
    other: null,
  };
}

/** The answer with the rows from `start` to `stop`. */
export function message(start: number, stop: number, generation: number) {
  const count = stop - start;
  const pictures = new Uint8Array(3 * count);
  const maps = new Float32Array(4 * count);
  const tiles = Array.from({ length: count }, (_, k) => {
    pictures.set([0xff, 0xd8, start + k], 3 * k);
    maps.set([start + k, start + k + 1, start + k + 2, start + k + 3], 4 * k);
    const tile = rawTile(start + k);
    return {
      ...tile,
      thumbnail: [3 * k, 3] as [number, number],
      map: { ...tile.map, at: [4 * k, 4] as [number, number] },
    };
  });
  const content = { kind: "rows" as const, generation, start, tiles };
  return { content, buffers: [pictures.buffer, maps.buffer] as Buffers };
}

const STATE: GallerySynced = {
  ...GALLERY_DEFAULTS,
  about: {
    label: "Grad-ECLIP · demo",
    other: null,
    total: 1000,
    sorts: ["position", "score"],
    importances: true,
  },
  order: { generation: 1, count: 1000 },
  histogram: { low: 0.1, high: 0.4, counts: [1, 5, 9, 2] },
  account: { failed: 2, left_out: 3, lines: ["1,000 pairs explained.", "2 failed: reading the <picture>."] },
  theme: "light",
};

export class FakeModel implements GalleryModel {
  readonly state: GallerySynced;
  readonly sent: Request[] = [];
  saved = 0;
  answers = true; // whether rows are answered at once
  #callbacks = new Map<string, Set<(...all: never[]) => void>>();

  constructor(values: Partial<GallerySynced> = {}) {
    this.state = { ...STATE, ...values };
  }

  get<K extends keyof GallerySynced>(key: K): GallerySynced[K] {
    return this.state[key];
  }

  set<K extends keyof GallerySynced>(key: K, value: GallerySynced[K]): void {
    this.state[key] = value;
    this.#call(`change:${key}`);
  }

  save_changes(): void {
    this.saved += 1;
  }

  send(request: Request): void {
    this.sent.push(request);
    if (request.kind === "rows" && this.answers) queueMicrotask(() => this.answer(request));
  }

  answer(request: Request): void {
    if (request.kind !== "rows") return;
    const { content, buffers } = message(request.start, request.stop, request.generation);
    this.receive(content, buffers);
  }

  receive(content: Answer, buffers: Buffers = []): void {
    this.#call("msg:custom", content, buffers);
  }

  on(event: string, callback: (...all: never[]) => void): void {
    if (!this.#callbacks.has(event)) this.#callbacks.set(event, new Set());
    this.#callbacks.get(event)!.add(callback);
  }

  off(event: string, callback: (...all: never[]) => void): void {
    this.#callbacks.get(event)?.delete(callback);
  }

  get listeners(): number {
    return [...this.#callbacks.values()].reduce((n, set) => n + set.size, 0);
  }

  #call(event: string, ...all: unknown[]): void {
    for (const callback of [...(this.#callbacks.get(event) ?? [])])
      (callback as (...a: unknown[]) => void)(...all);
  }
}
