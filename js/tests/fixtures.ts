// A small explanation to test with: 4 words on a 2 x 3 grid, its cover a part of the picture.

import type { RawDepth, RawPayload } from "../src/core/decode";
import { decodePayload } from "../src/core/decode";
import type { Explanation, Header, WordHeader } from "../src/core/types";

export const READINGS = ["in caption", "alone", "left out"] as const;

export const LOSS = { name: "leave-one-out", label: "what the score loses without the word", base: null };
export const SHARE = { name: "grad-eclip", label: "Grad-ECLIP share (never negative)", base: null };
export const SHAPLEY = { name: "shapley", label: "what the word adds to the score" };

interface Options {
  words?: string[];
  gaps?: string[];
  grid?: [number, number];
  size?: [number, number]; // width, height
  cover?: [number, number, number, number];
  rows?: number[][]; // per word, the reading "in caption"; the others are multiples of it
  importance?: number[]; // what the score loses without each word
  shares?: number[]; // Grad-ECLIP's, as a second measure
  adding?: { base: number; values: number[] }; // Shapley values, as the first measure
  things?: number[]; // a byte per patch, with a bit for each patch of the thing around it
  flags?: Partial<WordHeader>[];
  header?: Partial<Header>;
}

export function payload(options: Options = {}): RawPayload & { header: Header } {
  const words = options.words ?? ["a", "dog", "in", "snow"];
  const grid = options.grid ?? [2, 3];
  const [width, height] = options.size ?? [60, 40];
  const size = grid[0] * grid[1];
  const rows =
    options.rows ?? words.map((_, w) => Array.from({ length: size }, (_, i) => (i === w ? w + 1 : -0.25)));
  const caption = Array.from({ length: size }, (_, i) => rows.reduce((sum, row) => sum + row[i], 0));
  const values = [
    caption,
    ...rows,
    ...rows.map((r) => r.map((v) => 2 * v)),
    ...rows.map((r) => r.map((v) => 3 * v)),
  ];
  const gaps = options.gaps ?? ["", ...words.slice(1).map(() => " "), "."];
  return {
    header: {
      version: 1,
      caption: gaps[0] + words.map((w, k) => w + gaps[k + 1]).join(""),
      words: words.map((text, k) => ({
        text,
        truncated: false,
        known: true,
        small: false,
        attribute: false,
        ...options.flags?.[k],
      })),
      importance: [
        ...(options.adding ? [{ ...SHAPLEY, ...options.adding }] : []),
        { ...LOSS, values: options.importance ?? words.map((_, k) => (k + 1) / 10) },
        ...(options.shares ? [{ ...SHARE, values: options.shares }] : []),
      ],
      gaps,
      score: { cosine: 0.3421, logit: 34.21, scale: 100, bias: null, probability: null },
      grid,
      image: { mime: "image/webp", width, height, cover: options.cover ?? [0, 0, width, height] },
      maps: [{ name: "caption", rows: 1 }, ...READINGS.map((name) => ({ name, rows: words.length }))],
      blocks: { image: [0.1, 0.2, 0.3], text: [0.1, 0.2], image_layers: 1, text_layers: 2 },
      no_evidence: { image: false, text: false },
      notes: [],
      unrelated: null,
      foreign: null,
      model: "demo",
      method: "Grad-ECLIP",
      reference: false,
      seconds: 0.04,
      ...options.header,
    },
    image: new Uint8Array([1, 2, 3]),
    maps: Float32Array.from(values.flat()).buffer,
    things: new Uint8Array(options.things ?? []),
  };
}

/** Maps of single blocks for the payload of the same options: block k gives k + 1 parts of the whole. */
export function depth(raw: RawPayload = payload(), blocks = { image: 3, text: 2 }): RawDepth {
  const e = decodePayload(raw);
  const words = [...e.readings.get("in caption")!];
  const share = (k: number, n: number) => (2 * (k + 1)) / (n * (n + 1));
  const image = Array.from({ length: blocks.image }, (_, k) =>
    [...e.captionMap, ...words].map((v) => v * share(k, blocks.image)),
  );
  const text = Array.from({ length: blocks.text }, (_, k) => words.map((v) => v * share(k, blocks.text)));
  const importance = Array.from({ length: blocks.text }, (_, k) => e.header.words.map((_, w) => k + w / 10));
  return {
    caption: raw.header.caption,
    image_blocks: blocks.image,
    text_blocks: blocks.text,
    words: e.header.words.length,
    maps: Float32Array.from([...image, ...text].flat()).buffer,
    importance: Float32Array.from(importance.flat()).buffer,
  };
}

export function explanation(options: Options = {}): Explanation {
  return decodePayload(payload(options));
}

/** Repeatable numbers 0..1, for properties that must hold for any. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

/** An explanation with random maps on a random grid, cover and caption. */
export function randomExplanation(next: () => number): Explanation {
  const grid: [number, number] = [1 + Math.floor(6 * next()), 1 + Math.floor(6 * next())];
  const words = Array.from({ length: 1 + Math.floor(5 * next()) }, (_, k) => `w${k}`);
  const [width, height] = [20 + Math.floor(200 * next()), 20 + Math.floor(200 * next())];
  const [left, top] = [next() * 0.4 * width, next() * 0.4 * height];
  return explanation({
    words,
    grid,
    size: [width, height],
    cover: [left, top, left + 0.5 * width, top + 0.5 * height],
    rows: words.map(() => Array.from({ length: grid[0] * grid[1] }, () => 2 * next() - 1)),
  });
}
