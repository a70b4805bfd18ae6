import { describe, expect, test } from "vitest";
import { fit, mapsOf, typeOf } from "../../src/gallery/paint";
import { valueFor } from "../../src/gallery/tile";
import { decodeTiles, piecesOf } from "../../src/gallery/tiles";
import { message, rawTile } from "./pairs";

describe("a message", () => {
  test("has each pair's picture and maps in its buffers", () => {
    const { content, buffers } = message(0, 3, 1);
    const pairs = decodeTiles(content.tiles, buffers);
    expect(pairs.map(({ id }) => id)).toEqual(["pair-0", "pair-1", "pair-2"]);
    pairs.forEach(({ thumbnail, map }, n) => {
      expect([...thumbnail!]).toEqual([0xff, 0xd8, n]);
      expect([...map.values]).toEqual([n, n + 1, n + 2, n + 3]);
      expect([map.rows, map.cols]).toEqual([2, 2]);
    });
  });

  test("may begin at any byte of a buffer", () => {
    const { content, buffers } = message(0, 2, 1);
    const shifted = buffers.map((buffer) => {
      const bytes = new Uint8Array(buffer as ArrayBuffer);
      const wire = new Uint8Array(bytes.length + 3);
      wire.set(bytes, 3);
      return new DataView(wire.buffer, 3);
    });
    expect([...decodeTiles(content.tiles, shifted)[1].map.values]).toEqual([1, 2, 3, 4]);
  });

  test("gives the part of the picture that a map covers in shares", () => {
    const tile = { ...rawTile(0), size: [200, 100] as [number, number] };
    tile.map = { grid: [2, 2], cover: [50, 0, 150, 100], at: [0, 4] };
    const [pair] = decodeTiles([tile], message(0, 1, 1).buffers);
    expect(pair.map.cover).toEqual([0.25, 0, 0.75, 1]);
  });
});

describe("a caption in pieces", () => {
  const words = (caption: string, of: string[]) =>
    piecesOf(caption, of)
      .filter(({ word }) => word !== null)
      .map(({ text, word }) => [text, word]);

  test("joined, is the caption", () => {
    const caption = "A dog, a “red” hat & a dog!";
    const pieces = piecesOf(caption, ["a", "dog", "a", "red", "hat", "a", "dog"]);
    expect(pieces.map(({ text }) => text).join("")).toBe(caption);
    expect(pieces.filter(({ word }) => word !== null)).toHaveLength(7);
  });

  test("finds words, not the same letters inside other words", () => {
    expect(words("the cat has a hat", ["the", "a", "hat"])).toEqual([
      ["the", 0],
      ["a", 1],
      ["hat", 2],
    ]);
    expect(piecesOf("the cat has a hat", ["a"])[0].text).toBe("the cat has ");
    expect(words("一只红狗", ["一只", "红", "狗"])).toHaveLength(3); // no spaces between words
  });

  test("finds each occurrence of a repeated word, and skips words that are not in the caption", () => {
    expect(words("a dog and a dog", ["a", "dog", "cat", "a", "dog"])).toEqual([
      ["a", 0],
      ["dog", 1],
      ["a", 3],
      ["dog", 4],
    ]);
    expect(words("", [])).toEqual([]);
  });
});

test("the type of a picture follows from its first bytes", () => {
  expect(typeOf(new Uint8Array([0xff, 0xd8, 0xff]))).toBe("image/jpeg");
  expect(typeOf(new Uint8Array([0x89, 0x50, 0x4e]))).toBe("image/png");
  expect(typeOf(new TextEncoder().encode("RIFF----WEBP"))).toBe("image/webp");
});

test("a picture keeps its shape, in the middle of a tile", () => {
  expect(fit([640, 480], [0, 0, 160, 160])).toEqual([0, 20, 160, 120]);
  expect(fit([100, 400], [10, 0, 160, 160])).toEqual([70, 0, 40, 160]);
});

test("two runs are side by side, also if the other does not have the pair", () => {
  const [pair] = decodeTiles([rawTile(0)], message(0, 1, 1).buffers);
  expect(mapsOf(pair, "both")).toEqual([pair.map, null]);
  expect(mapsOf(pair, "this")).toEqual([pair.map]);
  expect(mapsOf(pair, "other")).toEqual([null]);
});

test("a tile shows the value that is sorted by, or why there is none", () => {
  const [pair] = decodeTiles([rawTile(6)], message(0, 1, 1).buffers);
  expect(valueFor(pair, "position")).toBe("No. 7");
  expect(valueFor({ ...pair, concentration: 0.42 }, "concentration")).toBe("42 % in a tenth");
  expect(valueFor(pair, "energy")).toBe("no box");
  expect(valueFor({ ...pair, box_seen: 0 }, "energy")).toBe("box not seen by the model");
  expect(valueFor({ ...pair, disagreement: 0.3 }, "disagreement")).toBe("30 % apart");
  expect(valueFor(pair, "disagreement")).toBe("not in the other run");
  expect(valueFor({ ...pair, other: pair.map }, "disagreement")).toBe("a map without positive patch");
});
