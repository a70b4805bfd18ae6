// Paints maps into a canvas: bilinear upsampling, then a color table. CSS scales the canvas to the picture.

import { axis, mixRows } from "../core/bilinear";
import { alphaAt, type Lut, type Rgb } from "../core/color-scale";
import { getOrCompute } from "../core/memo";
import type { Sign } from "../core/types";

const LONG_SIDE = 256; // approximate pixels of the canvas's longer side; the browser interpolates beyond that
const DIM_ALPHA = 0.18; // dims the picture where there is no evidence, so that the colors are easy to see
const MAX_ALPHA = 0.8; // opacity at full strength; the picture stays visible

/** The size of the canvas for a grid. */
export function heatSize(rows: number, cols: number): [width: number, height: number] {
  const step = Math.max(4, Math.round(LONG_SIDE / Math.max(rows, cols)));
  return [cols * step, rows * step];
}

/** Paint a map into RGBA pixels. Values beyond `top` get the last color of the scale. */
export function paintMap(
  pixels: Uint32Array,
  width: number,
  height: number,
  map: ArrayLike<number>,
  rows: number,
  cols: number,
  sign: Sign,
  top: number,
  lut: Lut,
): void {
  const across = axis(width, cols);
  const down = axis(height, rows);
  const line = new Float32Array(cols); // one row of the map, as indices into the color table
  const scale = top > 0 ? (sign === "both" ? 127.5 : 255) / top : 0;
  const factor = sign === "negative" ? -scale : scale;
  const offset = sign === "both" ? 128 : 0.5; // half a step, because the index is truncated
  for (let y = 0, k = 0; y < height; y++) {
    mixRows(line, map, cols, down, y);
    for (let c = 0; c < cols; c++) line[c] = factor * line[c] + offset;
    for (let x = 0; x < width; x++, k++) {
      const left = line[across.low[x]];
      const v = left + (line[across.high[x]] - left) * across.weight[x];
      pixels[k] = lut[v <= 0 ? 0 : v >= 255 ? 255 : v | 0];
    }
  }
}

/** A map that is painted together with others. */
export interface Layer {
  strength: ArrayLike<number>; // 0..1 per patch
  color: Rgb;
}

/**
 * Paint layers into RGBA pixels, bilinearly upsampled. Colors mix in proportion to their strengths; the strongest
 * layer sets the opacity.
 */
export function paintLayers(
  pixels: Uint32Array,
  width: number,
  height: number,
  layers: readonly Layer[],
  rows: number,
  cols: number,
): void {
  const across = axis(width, cols);
  const down = axis(height, rows);
  const lines = layers.map(() => new Float32Array(cols)); // one row of each layer
  const bytes = new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  for (let y = 0, k = 0; y < height; y++) {
    layers.forEach(({ strength }, n) => {
      mixRows(lines[n], strength, cols, down, y);
    });
    for (let x = 0; x < width; x++, k += 4) {
      const [left, right, p] = [across.low[x], across.high[x], across.weight[x]];
      let [red, green, blue, total, top] = [0, 0, 0, 0, 0];
      for (let n = 0; n < layers.length; n++) {
        const strength = lines[n][left] + (lines[n][right] - lines[n][left]) * p;
        const { color } = layers[n];
        red += strength * color[0];
        green += strength * color[1];
        blue += strength * color[2];
        total += strength;
        if (strength > top) top = strength;
      }
      const cover = MAX_ALPHA * alphaAt(top, 0);
      const alpha = cover + DIM_ALPHA * (1 - cover); // the color over the dimming
      const share = total > 0 ? cover / alpha / total : 0;
      bytes[k] = red * share;
      bytes[k + 1] = green * share;
      bytes[k + 2] = blue * share;
      bytes[k + 3] = 255 * alpha;
    }
  }
}

/** Paints the heat canvas of one picture, reusing its pixel buffer. */
export class HeatPainter {
  #context: CanvasRenderingContext2D | null;
  #image: ImageData | null = null;
  #pixels = new Uint32Array(0);
  #layered = new WeakMap<object, Uint32Array>();

  constructor(
    readonly canvas: HTMLCanvasElement,
    readonly rows: number,
    readonly cols: number,
  ) {
    [canvas.width, canvas.height] = heatSize(rows, cols);
    this.#context = canvas.getContext("2d", { willReadFrequently: true });
    if (this.#context) {
      this.#image = this.#context.createImageData(canvas.width, canvas.height);
      this.#pixels = new Uint32Array(this.#image.data.buffer);
    }
  }

  paint(map: ArrayLike<number>, sign: Sign, top: number, lut: Lut): void {
    if (!this.#context || !this.#image) return;
    const { width, height } = this.#image;
    paintMap(this.#pixels, width, height, map, this.rows, this.cols, sign, top, lut);
    this.#context.putImageData(this.#image, 0, 0);
  }

  /** Paint several layers. The pixels are cached for the lifetime of `of`, so that leaving a word is fast. */
  paintTogether(of: object, layers: () => readonly Layer[]): void {
    if (!this.#context || !this.#image) return;
    const { width, height } = this.#image;
    const painted = getOrCompute(this.#layered, of, () => {
      const pixels = new Uint32Array(this.#pixels.length);
      paintLayers(pixels, width, height, layers(), this.rows, this.cols);
      return pixels;
    });
    this.#pixels.set(painted);
    this.#context.putImageData(this.#image, 0, 0);
  }
}
