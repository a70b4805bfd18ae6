// Where pixels lie between the patches of a map.

export interface Axis {
  low: Int32Array; // grid index under each pixel
  high: Int32Array;
  weight: Float32Array; // of `high`
}

const axes = new Map<string, Axis>();

/** Where the centres of `pixels` pixels lie between the centres of `cells` cells; the border repeats. */
export function axis(pixels: number, cells: number): Axis {
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
