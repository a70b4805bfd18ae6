// Paints a pair into a canvas: its picture, and over it the map in the colors of the widget.

import { lookupTable } from "../core/color-scale";
import { paintMap } from "../stage/heat-painter";
import type { Side } from "./messages";
import type { HeatMap, Pair } from "./tiles";

const OPACITY = 0.72; // of the strongest evidence, as in the widget
const SCALE = "inferno";
const MOST_BITMAPS = 400; // decoded thumbnails, 64 kB each
const MARGIN = "rgb(127 127 127 / 0.55)"; // over what the model does not see
const APART = 2; // pixels between two pictures

type Box = readonly [x: number, y: number, width: number, height: number];

/** Decoded thumbnails; the least recently used ones are freed. */
export class Bitmaps {
  #known = new Map<Pair, ImageBitmap>();
  #waiting = new Map<Pair, (() => void)[]>(); // to be called when a thumbnail is decoded
  #onColor: (color: string) => void;
  #seen = 0;

  /** @param onColor is told the mean color of a thumbnail now and then. */
  constructor(onColor: (color: string) => void) {
    this.#onColor = onColor;
  }

  /** The picture of a pair if it is decoded; else undefined, and `then` is called once it is. */
  get(pair: Pair, then: () => void): ImageBitmap | null | undefined {
    if (!pair.thumbnail) return null;
    const bitmap = this.#known.get(pair);
    if (bitmap) {
      this.#known.delete(pair); // and to the end of the map: it was used last
      this.#known.set(pair, bitmap);
      return bitmap;
    }
    const waiting = this.#waiting.get(pair);
    if (waiting) waiting.push(then);
    else {
      this.#waiting.set(pair, [then]);
      decode(pair.thumbnail)
        .then((decoded) => this.#keep(pair, decoded))
        .catch(() => {
          pair.thumbnail = null; // shown like a pair without a thumbnail
        })
        .then(() => {
          const told = this.#waiting.get(pair) ?? [];
          this.#waiting.delete(pair);
          for (const tell of told) tell();
        });
    }
    return undefined;
  }

  clear(): void {
    for (const bitmap of this.#known.values()) bitmap.close();
    this.#known.clear();
  }

  #keep(pair: Pair, bitmap: ImageBitmap): void {
    this.#known.set(pair, bitmap);
    for (const [oldest, old] of this.#known) {
      if (this.#known.size <= MOST_BITMAPS) break;
      if (oldest === pair) continue;
      old.close();
      this.#known.delete(oldest);
    }
    if (this.#seen++ % 16 === 0) {
      const color = meanColor(bitmap);
      if (color) this.#onColor(color);
    }
  }
}

/** The type of an encoded picture, by its first bytes: JPEG, as in stored runs, PNG or WebP. */
export function typeOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return "image/jpeg";
  return bytes[0] === 0x89 && bytes[1] === 0x50 ? "image/png" : "image/webp";
}

/** Decode a picture without a blob URL, if the browser can. */
async function decode(bytes: Uint8Array): Promise<ImageBitmap> {
  const type = typeOf(bytes);
  if (!("ImageDecoder" in globalThis)) return createImageBitmap(new Blob([bytes as BlobPart], { type }));
  const decoder = new ImageDecoder({ data: bytes as BufferSource, type });
  try {
    const { image } = await decoder.decode();
    const bitmap = await createImageBitmap(image);
    image.close();
    return bitmap;
  } finally {
    decoder.close();
  }
}

export interface Painting {
  heat: boolean;
  side: Side;
  /** Pixels of the canvas for one of the page. */
  density: number;
}

/** Paint a pair at a size in pixels of the page; without a bitmap the map lies on a plain ground. */
export function paintPair(
  canvas: HTMLCanvasElement,
  pair: Pair,
  bitmap: ImageBitmap | null,
  [width, height]: readonly [number, number],
  { heat, side, density }: Painting,
): void {
  const [w, h] = [Math.max(1, Math.round(width * density)), Math.max(1, Math.round(height * density))];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.clearRect(0, 0, w, h);
  const maps = mapsOf(pair, side);
  const apart = APART * density;
  const each = (w - apart * (maps.length - 1)) / maps.length;
  maps.forEach((map, n) => {
    const box = fit(pair.size, [n * (each + apart), 0, each, h]);
    if (bitmap) context.drawImage(bitmap, ...box);
    else {
      context.fillStyle = "rgb(127 127 127 / 0.3)";
      context.fillRect(...box);
    }
    if (map && (heat || !bitmap)) paintHeat(context, map, box);
  });
}

/** The maps that a tile shows side by side; null if the other run does not have the pair. */
export function mapsOf(pair: Pair, side: Side): (HeatMap | null)[] {
  if (side === "this") return [pair.map];
  return side === "other" ? [pair.other] : [pair.map, pair.other];
}

/** The largest box of a picture's shape within another one, in its middle. */
export function fit([width, height]: readonly [number, number], [x, y, w, h]: Box): Box {
  const scale = Math.min(w / width, h / height);
  const [inner, tall] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  return [Math.round(x + (w - inner) / 2), Math.round(y + (h - tall) / 2), inner, tall];
}

const scratch = { canvas: null as HTMLCanvasElement | null, pixels: null as ImageData | null };

function paintHeat(context: CanvasRenderingContext2D, map: HeatMap, [x, y, width, height]: Box): void {
  const [x0, y0, x1, y1] = map.cover;
  const box: Box = [x + x0 * width, y + y0 * height, (x1 - x0) * width, (y1 - y0) * height];
  let top = 0;
  for (const value of map.values) if (value > top) top = value;
  // As many pixels as a patch takes up on the screen; the browser interpolates the rest.
  const step = Math.min(16, Math.max(2, Math.ceil(box[2] / map.cols / 2)));
  const [cols, rows] = [map.cols * step, map.rows * step];
  scratch.canvas ??= document.createElement("canvas");
  const inner = scratch.canvas.getContext("2d", { willReadFrequently: true });
  if (!inner) return;
  if (scratch.pixels?.width !== cols || scratch.pixels.height !== rows) {
    [scratch.canvas.width, scratch.canvas.height] = [cols, rows];
    scratch.pixels = inner.createImageData(cols, rows);
  }
  const pixels = new Uint32Array(scratch.pixels.data.buffer);
  const colors = lookupTable(SCALE, "positive");
  paintMap(pixels, cols, rows, map.values, map.rows, map.cols, "positive", top, colors);
  inner.putImageData(scratch.pixels, 0, 0);
  context.save();
  if (x0 > 0.001 || y0 > 0.001 || x1 < 0.999 || y1 < 0.999) {
    context.fillStyle = MARGIN;
    context.beginPath();
    context.rect(x, y, width, height);
    context.rect(...box);
    context.fill("evenodd");
  }
  context.globalAlpha = OPACITY;
  context.imageSmoothingQuality = "high";
  context.drawImage(scratch.canvas, ...box);
  context.restore();
}

const dot = { context: null as CanvasRenderingContext2D | null };

function meanColor(bitmap: ImageBitmap): string | null {
  dot.context ??= Object.assign(document.createElement("canvas"), { width: 4, height: 4 }).getContext("2d", {
    willReadFrequently: true,
  });
  if (!dot.context) return null;
  dot.context.drawImage(bitmap, 0, 0, 4, 4);
  const { data } = dot.context.getImageData(0, 0, 4, 4);
  const mean = [0, 1, 2].map((c) => {
    let sum = 0;
    for (let k = c; k < data.length; k += 4) sum += data[k];
    return Math.round(sum / (data.length / 4));
  });
  return `rgb(${mean.join(" ")})`;
}
