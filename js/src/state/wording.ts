// Names, labels and sentences about words, phrases, places and contributions to the score.

import type { CaptionText } from "../core/caption";
import { argMax, importanceOf, scoreWithout } from "../core/evidence";
import { formatPart, formatPercent } from "../core/format";
import { memoize } from "../core/memo";
import type { Explanation, Measure } from "../core/types";

const MOST_LETTERS = 24; // of a caption's name in the legend

interface Meaning {
  is: string; // describes the value of any word
  adds(word: string): string; // describes one word's value, after "what" or "that"
  takes(word: string): string; // the same for a negative value
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  shapley: {
    is: "what the word adds to the score",
    adds: (word) => `${word} adds to the score`,
    takes: (word) => `${word} takes from the score`,
  },
  evidence: {
    is: "the word’s share of the evidence, never negative",
    adds: (word) => `${word} has of the evidence`,
    takes: (word) => `${word} has of the evidence`,
  },
  "leave-one-out": {
    is: "what the score loses without the word",
    adds: (word) => `the score loses without ${word}`,
    takes: (word) => `the score gains without ${word}`,
  },
  "grad-eclip": {
    is: "the word’s share of the score by Grad-ECLIP, never negative",
    adds: (word) => `Grad-ECLIP gives to ${word}`,
    takes: (word) => `Grad-ECLIP takes from ${word}`,
  },
  "integrated-gradients": {
    is: "what the word adds to the score by integrated gradients",
    adds: (word) => `${word} adds to the score by integrated gradients`,
    takes: (word) => `${word} takes from the score by integrated gradients`,
  },
};

function meaningOf({ name, label }: Measure): Meaning {
  const unnamed = (word: string) => `${word} has by “${label}”`;
  return MEANINGS[name] ?? { is: label, adds: unnamed, takes: unnamed };
}

function clause(measure: Measure, value: number, word: string): string {
  return meaningOf(measure)[value < 0 ? "takes" : "adds"](`“${word}”`);
}

/** "what the score loses without the word". */
export function formatMeasure(measure: Measure): string {
  return meaningOf(measure).is;
}

/** "without it 0.531"; empty if that was not computed. */
export function formatWithout(e: Explanation, word: number, decimals: number): string {
  const score = scoreWithout(e, word);
  return score === null ? "" : `without it ${formatPart(score, decimals)}`;
}

/** "“green” takes 0.126 from the score. Without “green” the score would be 0.531." */
export function formatStep(e: Explanation, measure: string, word: number, decimals: number): string {
  const shown = importanceOf(e, measure);
  if (shown.name !== "shapley") return formatImportance(e, measure, word, decimals);
  const value = shown.values[word];
  const name = `“${nameOf(e, word)}”`;
  const amount = formatPart(Math.abs(value), decimals);
  const step = value < 0 ? `${name} takes ${amount} from the score.` : `${name} adds ${amount} to the score.`;
  const score = scoreWithout(e, word);
  return score === null ? step : `${step} Without ${name} the score would be ${formatPart(score, decimals)}.`;
}

/** "0.099 of the score 0.626: what the score loses without “sun”." */
export function formatImportance(e: Explanation, measure: string, word: number, decimals: number): string {
  const shown = importanceOf(e, measure);
  const value = shown.values[word];
  const score = formatPart(e.header.score.cosine, decimals);
  const part = `${formatPart(Math.abs(value), decimals)} ${value < 0 ? "beside" : "of"} the score ${score}`;
  return `${part}: what ${clause(shown, value, nameOf(e, word))}.`;
}

/** "0.081 of the 0.099 that the score loses without “sun” lies in this region." */
export function formatRegionPart(
  e: Explanation,
  measure: string,
  word: number,
  value: number,
  decimals: number,
): string {
  const shown = importanceOf(e, measure);
  const whole = shown.values[word];
  const [part, of] = [value, whole].map((v) => formatPart(Math.abs(v), decimals));
  return `${part} of the ${of} that ${clause(shown, whole, nameOf(e, word))} lies in this region.`;
}

const NEARLY_ALL = 0.995; // share of a region from which no sentence says that the rest was not seen

/** The sentence about a region that the model saw only in part, or in which every value rounds to zero; else "". */
export function formatSilence({
  versus,
  seen,
  silent,
}: {
  versus: Explanation | null;
  seen: number;
  silent: boolean;
}): string {
  if (seen === 0) return "The model did not see this place: its preprocessing cut the picture.";
  if (seen < NEARLY_ALL) return `The model saw ${formatPercent(seen)} of this region.`;
  if (!silent) return "";
  return versus ? "The two prompts do not differ in this region." : "This region supports no word.";
}

/** "What the score loses without the word". */
export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The label of a phrase: adjacent words as in the caption, others joined by a plus sign. */
export function phraseLabel(e: Explanation, words: readonly number[]): string {
  if (words.length === 1) return nameOf(e, words[0]);
  return words
    .map((w, k) => {
      const text = e.header.words[w].text;
      if (k === 0) return text;
      return (words[k - 1] === w - 1 ? e.header.gaps[w] : " + ") + text;
    })
    .join("");
}

/** "orange: speaks for “bicycle, sun” · purple: for “dog”": the words that each caption has and the other lacks. */
export function formatDifference(e: Explanation, versus: Explanation): string {
  return `orange: speaks for “${distinction(e, versus)}” · purple: for “${distinction(versus, e)}”`;
}

/** The words that only one of two captions has, without small words; if there are none, the caption. */
function distinction({ header }: Explanation, other: Explanation): string {
  const theirs = new Set(other.header.words.map(({ text }) => text.toLowerCase()));
  const words = header.words.filter(({ text, small }) => !small && !theirs.has(text.toLowerCase()));
  return shorten(words.map(({ text }) => text).join(", ") || header.caption);
}

/** A text cut to its first words. */
export function shorten(caption: string): string {
  if (caption.length <= MOST_LETTERS) return caption;
  return `${caption.slice(0, MOST_LETTERS).replace(/\s+\S*$/u, "")} …`;
}

/** The sentence about a word that the model was never trained on. */
export function formatUnknown(text: string): string {
  return `Not in this model’s vocabulary: “${text}”. Its map means nothing.`;
}

/** The name of a model; of the embedded one, what it is and is limited to. */
export function modelLabel(model: string): string {
  return model === "demo" ? "embedded model (drawings only)" : model;
}

export function captionText(e: Explanation): CaptionText {
  return { words: e.header.words.map(({ text }) => text), gaps: e.header.gaps };
}

/** Where a map's strongest patch lies: "upper left", "in the center". */
export function formatLocation(e: Explanation, map: ArrayLike<number>): string {
  const best = argMax(map);
  const third = (k: number, n: number) => Math.min(2, Math.floor((3 * (k + 0.5)) / n));
  const vertical = ["upper", "", "lower"][third(Math.floor(best / e.cols), e.rows)];
  const horizontal = ["left", "", "right"][third(best % e.cols, e.cols)];
  if (!vertical && !horizontal) return "in the center";
  return `${[vertical || "middle", horizontal || "center"].join(" ")}`;
}

/** A word, and what distinguishes it from its repetitions: "a" and "bicycle"; "" for a word that occurs once. */
export interface WordName {
  text: string;
  beside: string;
}

/**
 * Distinguish repeated words: by the next word that occurs once, else by the one before, else by number.
 * "a bicycle and a tree": a (bicycle), bicycle, and, a (tree), tree.
 */
export function disambiguate(words: readonly string[]): WordName[] {
  const folded = words.map((word) => word.toLowerCase());
  const counts = countOf(folded);
  const single = (k: number) => counts.get(folded[k]) === 1;
  const names = words.map((text, k): WordName => {
    if (single(k)) return { text, beside: "" };
    let next = k + 1;
    while (next < words.length && !single(next)) next++;
    let before = k - 1;
    while (before >= 0 && !single(before)) before--;
    return { text, beside: words[next] ?? words[before] ?? "" };
  });
  const keys = names.map(({ beside }, k) => `${folded[k]} ${beside}`);
  const same = countOf(keys);
  const seen = new Map<string, number>();
  return names.map((name, k) => {
    if (same.get(keys[k]) === 1) return name;
    const number = (seen.get(folded[k]) ?? 0) + 1;
    seen.set(folded[k], number);
    return { ...name, beside: `no. ${number}` };
  });
}

/** The names of all words of an explanation. */
export const wordNames = memoize((e: Explanation) => disambiguate(e.header.words.map(({ text }) => text)));

/** "a (bicycle)". */
export function nameOf(e: Explanation, word: number): string {
  const { text, beside } = wordNames(e)[word];
  return beside ? `${text} (${beside})` : text;
}

function countOf(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

interface ReadingName {
  label: string; // after "read"
  help: string;
}

const NAMES: Readonly<Record<string, ReadingName>> = {
  "in caption": {
    label: "in the sentence",
    help: "Where the part of the score comes from that the word brings within this sentence",
  },
  alone: {
    label: "alone",
    help: "Where the model finds the word by itself, in a sentence of this word alone",
  },
  "left out": {
    label: "by leaving it out",
    help: "Where the part of the score comes from that is lost when the word is left out",
  },
};

/** The display name of a reading; its own name if it is unknown here. */
export function readingName(reading: string): ReadingName {
  return NAMES[reading] ?? { label: reading, help: "" };
}
