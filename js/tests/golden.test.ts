// The numbers that Python computed for one payload, computed again here.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { coverage, phraseMap, regionShare, regionWords, wordMap } from "../src/explanation";
import { decodePayload, type RawPayload, type Region } from "../src/payload";

interface Case {
  fn: "wordMap" | "phraseMap" | "coverage" | "regionWords" | "regionShare";
  args: { reading?: string; words?: number[]; region?: Region };
  value: number | number[] | [number, number][];
}

const file = new URL("../../tests/golden/golden.json", import.meta.url);
const golden: { payload: RawPayload; cases: Case[] } = JSON.parse(readFileSync(file, "utf8"));
const e = decodePayload(golden.payload);

function compute({ fn, args: { reading = "in caption", words = [], region } }: Case): number[] {
  const part = region ? coverage(e, region) : new Float64Array();
  switch (fn) {
    case "wordMap":
      return [...wordMap(e, reading, words[0])];
    case "phraseMap":
      return [...phraseMap(e, reading, words)];
    case "coverage":
      return [...part];
    case "regionWords":
      return regionWords(e, reading, part).flatMap(({ word, value }) => [word, value]);
    case "regionShare":
      return [regionShare(e, reading, words, part)];
  }
}

test.each(golden.cases.map((c, k) => [`${c.fn} ${k}`, c] as const))("%s equals Python's", (_, golden) => {
  const expected = [golden.value].flat(2) as number[];
  const computed = compute(golden);
  const scale = Math.max(...expected.map(Math.abs), 1e-30);
  expect(computed).toHaveLength(expected.length);
  computed.forEach((value, i) => {
    expect(Math.abs(value - expected[i]) / scale).toBeLessThan(1e-6);
  });
});
