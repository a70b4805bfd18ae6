// Contour lines: marching squares over the bilinearly upsampled map, drawn as smooth curves.
//
// Not d3-contour: measured on maps of 14 x 14 to 24 x 24 it is no faster and adds 2.6 kB to the compressed bundle, and
// its rings would have to be cut open where they follow the picture's border.

import { axis, mixRows } from "./bilinear";
import type { Point } from "./types";

export type Polyline = Point[]; // closed if the first and last points are equal

const SAMPLES_PER_CELL = 3; // lattice points per grid cell and axis
const MIN_AREA = 0.4; // in patches; closed lines around a smaller area are dropped as noise

/**
 * Find the lines where a map crosses a level.
 *
 * @returns polylines in grid units: x in 0..cols, y in 0..rows. Lines that end at the border are open.
 */
export function contourLines(map: ArrayLike<number>, rows: number, cols: number, level: number): Polyline[] {
  const width = cols * SAMPLES_PER_CELL + 1;
  const height = rows * SAMPLES_PER_CELL + 1;
  const field = sampleField(map, rows, cols, width, height);
  return joinSegments(findSegments(field, width, height, level), width * height)
    .map((line) => line.map(([x, y]) => [x / SAMPLES_PER_CELL, y / SAMPLES_PER_CELL] as const))
    .filter((line) => !isClosed(line) || enclosedArea(line) >= MIN_AREA);
}

export function isClosed(line: Polyline): boolean {
  const [[ax, ay], [bx, by]] = [line[0], line[line.length - 1]];
  return line.length > 3 && ax === bx && ay === by;
}

/** The area inside a closed line, in patches. */
export function enclosedArea(line: Polyline): number {
  let twice = 0;
  for (let i = 1; i < line.length; i++) twice += line[i - 1][0] * line[i][1] - line[i][0] * line[i - 1][1];
  return Math.abs(twice) / 2;
}

/** An SVG path with rounded corners: quadratic curves between edge midpoints, with the vertices as control points. */
export function smoothPath(lines: readonly Polyline[]): string {
  let path = "";
  for (const line of lines) {
    const n = line.length;
    if (isClosed(line)) {
      path += `M${formatPoint(midpoint(line[0], line[1]))}`;
      for (let i = 1; i < n; i++) {
        const next = i === n - 1 ? line[1] : line[i + 1];
        path += `Q${formatPoint(line[i])} ${formatPoint(midpoint(line[i], next))}`;
      }
      path += "Z";
    } else {
      path += `M${formatPoint(line[0])}`;
      for (let i = 1; i < n - 1; i++)
        path += `Q${formatPoint(line[i])} ${formatPoint(midpoint(line[i], line[i + 1]))}`;
      path += `L${formatPoint(line[n - 1])}`;
    }
  }
  return path;
}

/** Upsample the map to a lattice that reaches from edge to edge. */
function sampleField(
  map: ArrayLike<number>,
  rows: number,
  cols: number,
  width: number,
  height: number,
): Float64Array {
  const across = axis(width, cols, true);
  const down = axis(height, rows, true);
  const field = new Float64Array(width * height);
  const line = new Float64Array(cols);
  for (let y = 0, k = 0; y < height; y++) {
    mixRows(line, map, cols, down, y);
    for (let x = 0; x < width; x++, k++) {
      const left = line[across.low[x]];
      field[k] = left + (line[across.high[x]] - left) * across.weight[x];
    }
  }
  return field;
}

interface Crossing {
  edge: number; // id of the lattice edge: 2 * corner for the edge to its right, 2 * corner + 1 for the edge below it
  point: Point;
}

/** Find the line segments of every lattice cell, as pairs of crossings on its edges. */
function findSegments(
  field: Float64Array,
  width: number,
  height: number,
  level: number,
): [Crossing, Crossing][] {
  const segments: [Crossing, Crossing][] = [];
  const cross = (a: number, b: number, edge: number): Crossing => {
    const t = (level - field[a]) / (field[b] - field[a]);
    const [ax, ay] = [a % width, Math.floor(a / width)];
    return { edge, point: edge % 2 === 0 ? [ax + t, ay] : [ax, ay + t] };
  };
  for (let y = 0; y < height - 1; y++) {
    for (let x = 0; x < width - 1; x++) {
      const nw = y * width + x;
      const [ne, sw, se] = [nw + 1, nw + width, nw + width + 1];
      const [a, b, c, d] = [field[nw] > level, field[ne] > level, field[se] > level, field[sw] > level];
      if (a === b && b === c && c === d) continue;
      const hits: Crossing[] = []; // in this order: top, right, bottom, left
      if (a !== b) hits.push(cross(nw, ne, 2 * nw));
      if (b !== c) hits.push(cross(ne, se, 2 * ne + 1));
      if (d !== c) hits.push(cross(sw, se, 2 * sw));
      if (a !== d) hits.push(cross(nw, sw, 2 * nw + 1));
      if (hits.length === 2) segments.push([hits[0], hits[1]]);
      else {
        // A saddle: the mean of the corners decides which two are connected.
        const joined = (field[nw] + field[ne] + field[se] + field[sw]) / 4 > level === a;
        segments.push(joined ? [hits[0], hits[1]] : [hits[0], hits[3]]);
        segments.push(joined ? [hits[2], hits[3]] : [hits[1], hits[2]]);
      }
    }
  }
  return segments;
}

/** Join segments that share an edge into lines, open lines first. */
function joinSegments(pieces: [Crossing, Crossing][], corners: number): Polyline[] {
  const at = new Int32Array(4 * corners).fill(-1); // at most two segments per edge
  const ends = (edge: number) => [at[2 * edge], at[2 * edge + 1]];
  pieces.forEach((piece, k) => {
    for (const { edge } of piece) at[at[2 * edge] < 0 ? 2 * edge : 2 * edge + 1] = k;
  });
  const used = new Uint8Array(pieces.length);
  const walk = (k: number, from: 0 | 1): Polyline => {
    const line: Polyline = [pieces[k][from].point];
    let [piece, side] = [k, from];
    for (;;) {
      used[piece] = 1;
      const exit = pieces[piece][1 - side];
      line.push(exit.point);
      const next = ends(exit.edge).find((p) => p >= 0 && !used[p]);
      if (next === undefined) break;
      side = pieces[next][0].edge === exit.edge ? 0 : 1;
      piece = next;
    }
    return line;
  };
  const lines: Polyline[] = [];
  pieces.forEach((piece, k) => {
    const open = piece.findIndex(({ edge }) => at[2 * edge + 1] < 0);
    if (!used[k] && open >= 0) lines.push(walk(k, open as 0 | 1));
  });
  pieces.forEach((_, k) => {
    if (!used[k]) lines.push(walk(k, 0));
  });
  return lines;
}

function midpoint([ax, ay]: Point, [bx, by]: Point): Point {
  return [(ax + bx) / 2, (ay + by) / 2];
}

function formatPoint([x, y]: Point): string {
  return `${x.toFixed(2)} ${y.toFixed(2)}`;
}
