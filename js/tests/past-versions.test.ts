// Payloads of every version so far open; `tests/golden/` keeps one of each, written when the version was current.

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decodePayload, PayloadError, type RawPayload } from "../src/core/decode";
import type { Measure } from "../src/core/types";

interface Kept {
  payload: RawPayload;
  importance: Measure[]; // what is to be read from it
}

const FOLDER = new URL("../../tests/golden/", import.meta.url);
const read = (name: string): Kept => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
const names = readdirSync(FOLDER).filter((name) => /^version\d+\.json$/.test(name));
const newest = Math.max(...names.map((name) => read(name).payload.header.version));

test("every version up to the newest is kept", () => {
  expect(names.sort()).toEqual(Array.from({ length: newest }, (_, k) => `version${k + 1}.json`));
});

test.each(names)("%s opens with the caption, the maps and the importances that Python wrote", (name) => {
  const { payload, importance } = read(name);
  const e = decodePayload(payload);
  const now = decodePayload(read(`version${newest}.json`).payload);
  expect(e.header.version).toBe(newest);
  expect(e.header.caption).toBe(now.header.caption);
  expect([...e.readings]).toEqual([...now.readings]);
  expect(e.header.importance.map(({ name, label }) => [name, label])).toEqual(
    importance.map(({ name, label }) => [name, label]),
  );
  e.header.importance.forEach(({ values }, k) => {
    values.forEach((value, word) => {
      expect(value).toBeCloseTo(importance[k].values[word], 6);
    });
  });
});

test("a payload of the version after the newest is refused with what to do", () => {
  const { payload } = read(`version${newest}.json`);
  const later = { ...payload, header: { ...payload.header, version: newest + 1 } } as RawPayload;
  expect(() => decodePayload(later)).toThrow(PayloadError);
  expect(() => decodePayload(later)).toThrow(/Update gradeclip-widget, or compute the explanation again\.$/);
});
