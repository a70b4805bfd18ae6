import { describe, expect, test } from "vitest";
import { decodePayload, PayloadError } from "../../src/core/decode";
import type { Header } from "../../src/core/types";
import { LOSS, payload } from "../fixtures";

const bytes = (data: unknown) => new Uint8Array(data as ArrayBuffer);

describe("decoding a payload", () => {
  test("splits the buffer into the caption's map and one block per reading", () => {
    const e = decodePayload(payload());
    expect([e.rows, e.cols]).toEqual([2, 3]);
    expect([...e.readings.keys()]).toEqual(["in caption", "alone", "left out"]);
    expect(e.captionMap).toHaveLength(6);
    expect(e.readings.get("alone")![4 * 0]).toBe(2 * e.readings.get("in caption")![0]);
  });

  test("gives the same from binary views at any offset and from base64 text", () => {
    const raw = payload();
    const shifted = new Uint8Array(1 + bytes(raw.maps).length);
    shifted.set(bytes(raw.maps), 1);
    const view = { ...raw, maps: new DataView(shifted.buffer, 1) };
    const text = { ...raw, maps: btoa(String.fromCharCode(...bytes(raw.maps))), image: btoa("\x01\x02\x03") };
    const expected = decodePayload(raw);
    for (const e of [decodePayload(view), decodePayload(text)]) {
      expect(e.readings.get("left out")).toEqual(expected.readings.get("left out"));
      expect(e.image).toEqual(expected.image);
    }
  });

  test("tells what to do about another version", () => {
    const raw = payload({ header: { version: 3 } });
    expect(() => decodePayload(raw)).toThrow(PayloadError);
    expect(() => decodePayload(raw)).toThrow(/version 3.*reads versions up to 1.*Update gradeclip-widget/);
  });

  test("fails for a buffer that is shorter than in its header", () => {
    const raw = payload();
    expect(() => decodePayload({ ...raw, maps: bytes(raw.maps).slice(0, 40) })).toThrow(
      /10 map values .* 78/,
    );
  });

  test("fails for a header without the words' importance, or with too few values", () => {
    for (const importance of [undefined, [], [{ ...LOSS, values: [0.1] }]]) {
      const raw = payload({ header: { importance } as Partial<Header> });
      expect(() => decodePayload(raw)).toThrow(/lacks the importance of its words/);
    }
  });

  test("fails without a header", () => {
    expect(() => decodePayload({} as never)).toThrow(/no header/);
  });
});
