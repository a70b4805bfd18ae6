// Decodes what Python sends: one payload per explanation. Python's payload.py documents the fields.

import type { Depth, Explanation, Header, Measure } from "./types";

const PAYLOAD_VERSION = 1;

/** Buffers arrive as DataViews from a kernel, as base64 text in saved pages and notebooks. */
export type Bytes = DataView | ArrayBuffer | Uint8Array | string;

export interface RawPayload {
  header: Header;
  image: Bytes;
  maps: Bytes;
  things: Bytes;
}

/** Maps of single transformer blocks, as sent. */
export interface RawDepth {
  caption: string;
  image_blocks: number;
  text_blocks: number;
  words: number;
  maps: Bytes; // float32: image blocks x (1 + words) x rows x cols, then text blocks x words x rows x cols
  importance: Bytes; // float32: text blocks x words, shares of the score
}

/** A payload cannot be shown; the message is a sentence for the user. */
export class PayloadError extends Error {
  override name = "PayloadError";
}

/**
 * Decode one payload.
 *
 * @throws PayloadError if the version is unknown, or the buffers do not have the lengths that the header states.
 */
export function decodePayload(raw: RawPayload): Explanation {
  const header = checkedHeader(raw?.header);
  const [rows, cols] = header.grid;
  const blockRows = header.maps.reduce((sum, block) => sum + block.rows, 0);
  const maps = toFloats(toBytes(raw.maps));
  if (maps.length !== blockRows * rows * cols) {
    throw new PayloadError(
      `This explanation is incomplete: ${maps.length} map values where its header promises ` +
        `${blockRows * rows * cols}. Compute it again.`,
    );
  }
  const things = toBytes(raw.things);
  if (things.length !== 0 && things.length !== rows * cols * Math.ceil((rows * cols) / 8)) {
    throw new PayloadError(
      `This explanation is incomplete: its things have ${things.length} bytes. Compute it again.`,
    );
  }
  const readings = new Map<string, Float32Array>();
  let captionMap: Float32Array = new Float32Array(rows * cols);
  let start = 0;
  for (const { name, rows: count } of header.maps) {
    const block = maps.subarray(start, start + count * rows * cols);
    start += block.length;
    if (name === "caption") captionMap = block;
    else readings.set(name, block);
  }
  return {
    header,
    rows,
    cols,
    cover: header.image.cover,
    captionMap,
    readings,
    image: toBytes(raw.image),
    things,
  };
}

/** Check that there is a header, of a version that this viewer reads, with the words' importance. */
function checkedHeader(header: Header | undefined): Header {
  if (!header || typeof header !== "object") {
    throw new PayloadError("This explanation has no header, so there is nothing to show. Compute it again.");
  }
  if (header.version !== PAYLOAD_VERSION) {
    throw new PayloadError(
      `This explanation has format version ${String(header.version)}, but this viewer reads versions up to ` +
        `${PAYLOAD_VERSION}. Update gradeclip-widget, or compute the explanation again.`,
    );
  }
  const complete = ({ values }: Measure) => values.length === header.words.length;
  if (!(header.importance?.length > 0 && header.importance.every(complete))) {
    throw new PayloadError("This explanation lacks the importance of its words. Compute it again.");
  }
  return header;
}

/**
 * Decode the maps of single blocks that belong to an explanation.
 *
 * @returns null if they belong to another caption or grid, as while newer ones are being computed.
 */
export function decodeDepth(raw: RawDepth, e: Explanation): Depth | null {
  const size = e.rows * e.cols;
  const words = e.header.words.length;
  const maps = toFloats(toBytes(raw.maps));
  const importance = toFloats(toBytes(raw.importance));
  const perImage = (1 + words) * size;
  const perText = words * size;
  const fits =
    raw.caption === e.header.caption &&
    raw.words === words &&
    maps.length === raw.image_blocks * perImage + raw.text_blocks * perText &&
    importance.length === raw.text_blocks * words;
  if (!fits) return null;
  return {
    image: Array.from({ length: raw.image_blocks }, (_, k) => ({
      caption: maps.subarray(k * perImage, k * perImage + size),
      words: maps.subarray(k * perImage + size, (k + 1) * perImage),
    })),
    text: Array.from({ length: raw.text_blocks }, (_, k) => {
      const start = raw.image_blocks * perImage + k * perText;
      return {
        words: maps.subarray(start, start + perText),
        importance: importance.subarray(k * words, (k + 1) * words),
      };
    }),
  };
}

/** The bytes of a buffer in any of the forms it may arrive in. */
export function toBytes(data: Bytes): Uint8Array {
  if (typeof data === "string") return Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Read little-endian float32 values. Copies, because a view into a message may be unaligned. */
function toFloats(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const floats = new Float32Array(Math.floor(bytes.byteLength / 4));
  for (let i = 0; i < floats.length; i++) floats[i] = view.getFloat32(4 * i, true);
  return floats;
}
