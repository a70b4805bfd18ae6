// The thing around each patch, as a region. Python's things.py finds the things and computes the same regions.

import { places } from "./evidence";
import { memoize } from "./memo";
import type { Explanation, Point, Region } from "./types";

type Thing = Extract<Region, { kind: "thing" }>;
type Corner = readonly [col: number, row: number];

const STEPS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const; // right, down, left, up

/**
 * The thing around a patch; null where the explanation has none. If the patch lies in the place of a word, the
 * patches in places of other words do not belong to its thing.
 */
export const thingAround = memoize((e: Explanation, patch: number): Thing | null => {
  const { rows, cols, things } = e;
  if (things.length === 0) return null;
  const start = patch * Math.ceil((rows * cols) / 8);
  const place = places(e);
  const belongs = (at: number) =>
    ((things[start + (at >> 3)] >> (7 - (at & 7))) & 1) === 1 &&
    (place[patch] < 0 || place[at] < 0 || place[at] === place[patch]);
  const within = (col: number, row: number) => col >= 0 && row >= 0 && col < cols && row < rows;
  const connected = new Set([patch]);
  for (const at of connected) {
    for (const [across, down] of STEPS) {
      const [col, row] = [(at % cols) + across, Math.floor(at / cols) + down];
      if (within(col, row) && belongs(row * cols + col)) connected.add(row * cols + col);
    }
  }
  const inside = (col: number, row: number) => within(col, row) && connected.has(row * cols + col);
  const [x0, y0, x1, y1] = e.cover;
  const [width, height] = [(x1 - x0) / cols, (y1 - y0) / rows];
  const [points, ...holes] = outlines(rows, cols, inside).map((ring) =>
    ring.map(([col, row]): Point => [x0 + col * width, y0 + row * height]),
  );
  return { kind: "thing", points, holes };
});

/**
 * The outlines of connected patches: the outer one first, then the holes. They run clockwise around the patches. Where
 * two patches touch at a corner, a ring stays with its patch.
 */
function outlines(rows: number, cols: number, inside: (col: number, row: number) => boolean): Corner[][] {
  /** Whether there is an edge from a corner in a direction, with a patch to its right and none to its left. */
  const isEdge = ([col, row]: Corner, direction: number) => {
    const [dx, dy] = STEPS[direction];
    const right = [col - (dx - dy < 0 ? 1 : 0), row - (dx + dy < 0 ? 1 : 0)] as const;
    return inside(...right) && !inside(right[0] + dy, right[1] - dx);
  };
  const done = new Set<number>(); // corners where an edge to the right starts
  const rings: Corner[][] = [];
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      if (!isEdge([col, row], 0) || done.has(row * cols + col)) continue;
      const ring: Corner[] = [];
      let at: Corner = [col, row];
      let direction = 0;
      let before = -1;
      do {
        if (direction !== before) ring.push(at);
        if (direction === 0) done.add(at[1] * cols + at[0]);
        before = direction;
        const next: Corner = [at[0] + STEPS[direction][0], at[1] + STEPS[direction][1]];
        at = next;
        direction = [1, 0, 3].map((turn) => (before + turn) % 4).find((d) => isEdge(next, d))!;
      } while (direction !== 0 || at[0] !== col || at[1] !== row);
      rings.push(ring);
    }
  }
  return rings;
}
