// The numbers that Python computed for its payloads, computed again here.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { coverage, phraseMap, positiveShare, seenShare } from "../src/core/arithmetic";
import { lookupTable } from "../src/core/color-scale";
import { decodePayload, type RawPayload } from "../src/core/decode";
import {
  evidenceMap,
  type Highlight,
  highlights,
  lowering,
  regionWords,
  scaleToTotal,
  wordEvidence,
} from "../src/core/evidence";
import { thingAround } from "../src/core/things";
import type { Region, Sign } from "../src/core/types";
import { wordsMap } from "../src/state/shown-map";

interface Case {
  fn: "rawMap" | "wordsMap" | "captionMap" | "coverage" | "regionWords" | "regionShare" | "seenShare";
  args: { reading?: string; words?: number[]; region?: Region };
  value: number | number[] | [number, number][];
}

interface Evidence {
  payload: RawPayload;
  word_evidence: Record<string, number[]>;
  evidence_map: number[];
  highlights: Highlight[];
  lowering: number[];
}

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../tests/golden/${name}`, import.meta.url), "utf8"));
interface Golden extends Evidence {
  many: Evidence & { things: Region[] };
  cases: Case[];
  diverging_colors: Record<Sign, string[]>;
  things: Region[]; // around the patches of the first row
}
const golden: Golden = read("golden.json");
const e = decodePayload(golden.payload);

function compute({ fn, args: { reading = "in caption", words = [], region } }: Case): number[] {
  const part = region ? coverage(e, region) : new Float64Array();
  switch (fn) {
    case "rawMap":
      return [...phraseMap(e, reading, words)];
    case "wordsMap":
      return [...wordsMap(e, reading, "", words, "both").map];
    case "captionMap":
      return [...e.captionMap].map((value) => value * scaleToTotal(e.header.score.cosine, e.captionMap));
    case "coverage":
      return [...part];
    case "regionWords":
      return regionWords(e, reading, "", part)
        .filter(({ word }) => !e.header.words[word].truncated)
        .flatMap(({ word, value }) => [word, value]);
    case "seenShare":
      return [seenShare(e, region!)];
    case "regionShare":
      return [positiveShare(phraseMap(e, reading, words), part)];
  }
}

function expectEqual(computed: ArrayLike<number>, expected: readonly number[]): void {
  const scale = Math.max(...expected.map(Math.abs), 1e-30);
  expect(computed).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(computed[i] - value) / scale).toBeLessThan(1e-6);
  });
}

test.each(golden.cases.map((c, k) => [`${c.fn} ${k}`, c] as const))("%s equals Python's", (_, golden) => {
  expectEqual(compute(golden), [golden.value].flat(2) as number[]);
});

test.each([
  ["a picture of things", golden],
  ["a picture that only the words' places divide", golden.many],
])("in %s, the things are the same regions as Python's", (_, { payload, things }) => {
  const e = decodePayload(payload);
  expect(things.map((_, patch) => thingAround(e, patch))).toEqual(things);
});

describe.each([
  ["of a short caption", golden],
  ["of more words that count than hues", golden.many],
])("the evidence %s", (_, expected) => {
  const shown = decodePayload(expected.payload);

  test.each(Object.keys(expected.word_evidence))("of each word equals Python's, %s", (reading) => {
    const computed = wordEvidence(shown, reading).flatMap((map) => [...map]);
    expectEqual(computed, expected.word_evidence[reading]);
  });

  test("of all words together equals Python's", () => {
    expectEqual(evidenceMap(shown), expected.evidence_map);
  });

  test("has the same words that lower the score as Python", () => {
    expect([...lowering(shown)]).toEqual(expected.lowering);
  });

  test("has Python's highlights", () => {
    const computed = highlights(shown);
    expect(computed.map(({ importance, ...rest }) => rest)).toEqual(
      expected.highlights.map(({ importance, ...rest }) => rest),
    );
    expectEqual(
      computed.map(({ importance }) => importance),
      expected.highlights.map(({ importance }) => importance),
    );
  });
});

test.each(["negative", "both"] as const)("the colors of sign %s equal Python's", (sign) => {
  const bytes = new Uint8Array(lookupTable("inferno", sign).buffer);
  const hex = (k: number) => `#${Buffer.from(bytes.slice(4 * k, 4 * k + 3)).toString("hex")}`;
  expect(golden.diverging_colors[sign].map((_, k) => hex(5 * k))).toEqual(golden.diverging_colors[sign]);
});
