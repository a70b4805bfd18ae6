// From a map on the token grid to pixels: bilinear, through a colour table, at a modest resolution that CSS scales.

import type { Lut, Sign } from "./colour";

const LONG_SIDE = 256; // pixels of the heat canvas; the browser smooths the rest

interface Axis {
  low: Int32Array; // grid index under each pixel
  high: Int32Array;
  weight: Float32Array; // of `high`
}

/** What a map's values are divided by when painted: its strongest value of the given sign, never below 0. */
export function peak(map: ArrayLike<number>, sign: Sign): number {
  let [low, high] = [0, 0];
  for (let i = 0; i < map.length; i++) {
    if (map[i] > high) high = map[i];
    else if (map[i] < low) low = map[i];
  }
  return sign === "positive" ? high : sign === "negative" ? -low : Math.max(high, -low);
}

/** The size of the heat canvas for a grid. */
export function heatSize(rows: number, cols: number): [width: number, height: number] {
  const step = Math.max(4, Math.round(LONG_SIDE / Math.max(rows, cols)));
  return [cols * step, rows * step];
}

/** Paint a map into RGBA pixels. Values beyond `top` take the scale's last colour. */
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
  const line = new Float32Array(cols); // one pixel row of the map, as table positions
  const scale = top > 0 ? (sign === "both" ? 127.5 : 255) / top : 0;
  const factor = sign === "negative" ? -scale : scale;
  const offset = sign === "both" ? 128 : 0.5; // half a step: the index is cut, not rounded
  for (let y = 0, k = 0; y < height; y++) {
    const a = down.low[y] * cols;
    const b = down.high[y] * cols;
    const q = down.weight[y];
    for (let c = 0; c < cols; c++) line[c] = factor * (map[a + c] * (1 - q) + map[b + c] * q) + offset;
    for (let x = 0; x < width; x++, k++) {
      const left = line[across.low[x]];
      const v = left + (line[across.high[x]] - left) * across.weight[x];
      pixels[k] = lut[v <= 0 ? 0 : v >= 255 ? 255 : v | 0];
    }
  }
}

/** The heat canvas of one picture; keeps its pixels between paints. */
export class HeatPainter {
  #context: CanvasRenderingContext2D | null;
  #image: ImageData | null = null;
  #pixels = new Uint32Array(0);

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
}

const axes = new Map<string, Axis>();

/** Where the centres of `pixels` pixels lie between the centres of `cells` cells; the border repeats. */
function axis(pixels: number, cells: number): Axis {
  const key = `${pixels}/${cells}`;
  const known = axes.get(key);
  if (known) return known;
  const made: Axis = {
    low: new Int32Array(pixels),
    high: new Int32Array(pixels),
    weight: new Float32Array(pixels),
  };
  for (let k = 0; k < pixels; k++) {
    const u = Math.min(cells - 1, Math.max(0, ((k + 0.5) / pixels) * cells - 0.5));
    made.low[k] = Math.floor(u);
    made.high[k] = Math.min(cells - 1, made.low[k] + 1);
    made.weight[k] = u - made.low[k];
  }
  axes.set(key, made);
  return made;
}
