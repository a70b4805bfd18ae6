// Paints several maps at once, each in its own color.

import { axis, mixRows } from "../../core/bilinear";
import { alphaAt, type Rgb } from "../../core/color-scale";

export interface Layer {
  strength: ArrayLike<number>; // 0..1 per patch
  color: Rgb;
}

const DIM_ALPHA = 0.18; // dims the picture where there is no evidence, so that the colors stand out
const MAX_ALPHA = 0.8; // opacity at full strength; the picture stays visible

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
