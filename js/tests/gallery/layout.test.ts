import { describe, expect, test } from "vitest";
import { layOut, linesBetween, lineTop, MOST_HEIGHT, ScrollMap } from "../../src/gallery/layout";

describe("tiles fill the width", () => {
  test.each([320, 521, 800, 1110, 2400])("of %i pixels", (width) => {
    const { columns, tileWidth, pictureHeight } = layOut(width, 1000, false);
    const taken = columns * tileWidth + (columns - 1) * 12 + 28;
    expect(taken).toBeLessThanOrEqual(width);
    expect(taken).toBeGreaterThan(width - columns);
    expect(tileWidth).toBeGreaterThanOrEqual(Math.min(148, width - 28));
    expect(pictureHeight).toBe(tileWidth);
  });

  test("two pictures in a tile take the space of one and a half", () => {
    const [one, two] = [layOut(1110, 1000, false), layOut(1110, 1000, true)];
    expect(two.columns).toBeLessThan(one.columns);
    expect(two.pictureHeight).toBe(Math.round(two.tileWidth / 2));
  });

  test("the last line may be incomplete, and no pairs have no lines", () => {
    expect(layOut(1110, 13, false).lines).toBe(Math.ceil(13 / layOut(1110, 13, false).columns));
    expect(layOut(1110, 0, false)).toMatchObject({ lines: 0, height: 0 });
  });
});

describe("the lines in view", () => {
  const layout = layOut(1110, 100_000, false);

  test("are those that overlap the view", () => {
    for (const place of [0, 13, 500, 12_345, 2_000_001, layout.height - 700]) {
      const [first, end] = linesBetween(layout, place, place + 700);
      expect(lineTop(layout, first) + layout.pitch).toBeGreaterThan(place);
      expect(lineTop(layout, first)).toBeLessThanOrEqual(place + 14);
      expect(lineTop(layout, end - 1)).toBeLessThan(place + 700);
      expect(end === layout.lines || lineTop(layout, end) >= place + 700 - 12).toBe(true);
    }
  });

  test("end with the last one", () => {
    expect(linesBetween(layout, layout.height - 100, layout.height + 5000)[1]).toBe(layout.lines);
    expect(linesBetween(layout, -5000, 100)[0]).toBe(0);
  });
});

describe("scrolling", () => {
  test("is exact at heights that browsers support", () => {
    const map = new ScrollMap();
    map.resize(4_000_000, 700);
    expect(map.scrollHeight).toBe(4_000_000);
    for (const top of [0, 3, 1_999_999, 3_999_300]) expect(map.placeOf(top)).toBe(top);
    expect(map.scrollTopFor(123_456)).toBe(123_456);
  });

  test("reaches the ends of content that is taller than browsers scroll", () => {
    const map = new ScrollMap();
    map.resize(60_000_000, 700);
    expect(map.scrollHeight).toBe(MOST_HEIGHT);
    expect(map.placeOf(0)).toBe(0);
    expect(map.placeOf(MOST_HEIGHT - 700)).toBe(60_000_000 - 700);
    expect(map.placeOf((MOST_HEIGHT - 700) / 2)).toBeCloseTo((60_000_000 - 700) / 2);
  });

  test("moves taller content by as many pixels as the wheel does", () => {
    const map = new ScrollMap();
    map.resize(60_000_000, 700);
    const place = map.placeOf(7_000_000);
    expect(map.placeOf(7_000_120) - place).toBe(120);
    expect(map.placeOf(7_000_000) - place).toBe(0);
  });

  test("goes to a place chosen by keys", () => {
    const map = new ScrollMap();
    map.resize(60_000_000, 700);
    for (const place of [0, 1234, 30_000_001, 59_999_300]) {
      expect(map.placeOf(map.scrollTopFor(place))).toBeCloseTo(place);
    }
  });
});
