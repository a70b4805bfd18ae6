// Decodes the pairs that the gallery shows from messages.

import type { RawMap, RawTile } from "./entries";
import type { Buffers } from "./messages";

export interface HeatMap {
  rows: number;
  cols: number;
  values: Float32Array; // signed, row by row
  cover: readonly [number, number, number, number]; // of the picture, in shares of its sides
}

export interface Pair extends Omit<RawTile, "thumbnail" | "map" | "other"> {
  thumbnail: Uint8Array | null; // encoded
  map: HeatMap;
  other: HeatMap | null;
}

/** The pairs of a message. Its buffers are all thumbnails, and all maps as float32. */
export function decodeTiles(tiles: readonly RawTile[], buffers: Buffers): Pair[] {
  const pictures = bytesOf(buffers[0]);
  const values = new Float32Array(bytesOf(buffers[1]).slice().buffer); // a part of a message may be unaligned
  return tiles.map((tile) => ({
    ...tile,
    // A copy: a part of the message's buffer would keep all of it.
    thumbnail: tile.thumbnail && pictures.slice(tile.thumbnail[0], tile.thumbnail[0] + tile.thumbnail[1]),
    map: decodeMap(tile.map, tile.size, values),
    other: tile.other && decodeMap(tile.other, tile.size, values),
  }));
}

function bytesOf(data: Buffers[number]): Uint8Array {
  return data instanceof ArrayBuffer
    ? new Uint8Array(data)
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function decodeMap(
  { grid, cover, at }: RawMap,
  [width, height]: RawTile["size"],
  values: Float32Array,
): HeatMap {
  const [x0, y0, x1, y1] = cover;
  return {
    rows: grid[0],
    cols: grid[1],
    values: values.slice(at[0], at[0] + at[1]),
    cover: [x0 / width, y0 / height, x1 / width, y1 / height],
  };
}

export interface Piece {
  text: string;
  word: number | null; // index among the caption's words; null between them
}

/** The caption in pieces: its words, one after the other, and the text between them. */
export function piecesOf(caption: string, words: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  words.forEach((text, word) => {
    const start = findWord(caption, text, at);
    if (start < 0) return;
    if (start > at) pieces.push({ text: caption.slice(at, start), word: null });
    at = start + text.length;
    pieces.push({ text: caption.slice(start, at), word });
  });
  if (at < caption.length) pieces.push({ text: caption.slice(at), word: null });
  return pieces;
}

const LETTER = /[\p{L}\p{N}]/u;

/** Return the index of a word in a caption from `at` on, in any case; -1 if it is not in it. */
function findWord(caption: string, text: string, at: number): number {
  const folded = caption.toLowerCase();
  // Lowering the case of some letters changes the length of a text, and with it all places after them.
  const [where, what] = folded.length === caption.length ? [folded, text.toLowerCase()] : [caption, text];
  if (what === "") return -1;
  for (let start = where.indexOf(what, at); start >= 0; start = where.indexOf(what, start + 1)) {
    const follows = !LETTER.test(caption.slice(at, start)); // the word after the one before
    const apart =
      !LETTER.test(caption.charAt(start - 1)) && !LETTER.test(caption.charAt(start + text.length));
    if (follows || apart) return start;
  }
  return -1;
}
