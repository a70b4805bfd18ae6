import { expect, test } from "vitest";
import { layTrack } from "../../src/ui/bar";

test("bars begin at zero, and the longest fills its side", () => {
  const track = layTrack([4, 1, 0]);
  expect(track.zero).toBe(0);
  expect(track.bar(4)).toEqual({ start: 0, length: 1 });
  expect(track.bar(1)).toEqual({ start: 0, length: 0.25 });
});

test("values for and against share one zero", () => {
  const track = layTrack([0.5, -0.5, 0.25]);
  expect(track.zero).toBe(0.5);
  expect(track.bar(-0.5)).toEqual({ start: 0, length: 0.5 });
  expect(track.bar(0.25)).toEqual({ start: 0.5, length: 0.25 });
});

test("values too small for the whole track take a part of it", () => {
  const track = layTrack([0.001, -0.001], 0.01);
  expect(track.bar(0.001).length).toBeCloseTo(0.1);
  expect(track.zero).toBeCloseTo(0.1);
  expect(layTrack([0.02], 0.01).bar(0.02).length).toBe(1);
});

test("zeros have no bar", () => {
  expect(layTrack([0, 0]).bar(0)).toEqual({ start: 0, length: 0 });
  expect(layTrack([]).zero).toBe(0);
});
