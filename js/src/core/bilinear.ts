// Bilinear interpolation between the patches of a map.

import { getOrCompute } from "./memo";

/** For each sample along one axis, the two grid cells to interpolate between; the border repeats. */
export interface Axis {
  low: Int32Array; // index of the cell before each sample
  high: Int32Array; // index of the cell after it
  weight: Float32Array; // of `high`, 0..1; `low` has the rest
}

const axes = new Map<string, Axis>();

/**
 * Place samples along an axis of the grid.
 *
 * @param toEdges true: the first and last sample lie on the grid's edges; false: samples are the centers of pixels.
 */
export function axis(samples: number, cells: number, toEdges = false): Axis {
  return getOrCompute(axes, `${samples}/${cells}/${toEdges}`, () => {
    const low = new Int32Array(samples);
    const high = new Int32Array(samples);
    const weight = new Float32Array(samples);
    for (let k = 0; k < samples; k++) {
      const share = toEdges ? k / (samples - 1) : (k + 0.5) / samples;
      const u = Math.min(cells - 1, Math.max(0, share * cells - 0.5));
      low[k] = Math.floor(u);
      high[k] = Math.min(cells - 1, low[k] + 1);
      weight[k] = u - low[k];
    }
    return { low, high, weight };
  });
}

/** Interpolate vertically: write row `k` of the samples along `down` into `line`, one value per grid column. */
export function mixRows(
  line: Float32Array | Float64Array,
  map: ArrayLike<number>,
  cols: number,
  down: Axis,
  k: number,
): void {
  const above = down.low[k] * cols;
  const below = down.high[k] * cols;
  const weight = down.weight[k];
  for (let c = 0; c < cols; c++) line[c] = map[above + c] * (1 - weight) + map[below + c] * weight;
}
