// A caption's text: its words and what stands between them, and what can be done to a word. No DOM here.

/** Words and the text around them: before the first, between, after the last. */
export interface CaptionText {
  words: readonly string[];
  gaps: readonly string[]; // one more than words
}

/** A caption being explained: what stands in it, and which words of the explanation on show those are. */
export interface Draft extends CaptionText {
  sources: readonly (number | null)[]; // per word; null: not explained yet
}

// As `_WORD` in gradeclip_widget/words.py, which has the last word: this one serves until the result arrives.
const EMOJI = "\\p{Extended_Pictographic}[\\p{M}\\p{Emoji_Modifier}\\u{E0020}-\\u{E007F}]*";
const LETTER = "(?:(?![\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}])[\\p{L}\\p{M}\\p{N}\\u200c\\u200d])";
const WORD = new RegExp(
  [
    "\\p{RI}{2}",
    `(?![\\d#*])${EMOJI}(?:\\u200d${EMOJI})*`,
    "\\p{sc=Han}\\p{M}*",
    "\\p{sc=Hiragana}[\\p{sc=Hiragana}\\u30fc\\p{M}]*",
    "[\\p{sc=Katakana}\\u30fc][\\p{sc=Katakana}\\u30fc\\p{M}]*",
    `${LETTER}+(?:(?:['\\u2019\\u2018\\-\\u2010\\u2011]|(?<=\\p{N})[.,](?=\\p{N}))${LETTER}+)*`,
  ].join("|"),
  "gu",
);

export function splitCaption(text: string): CaptionText {
  const words: string[] = [];
  const gaps: string[] = [];
  let end = 0;
  for (const match of text.matchAll(WORD)) {
    gaps.push(text.slice(end, match.index));
    words.push(match[0]);
    end = match.index + match[0].length;
  }
  return { words, gaps: [...gaps, text.slice(end)] };
}

export function joinCaption({ words, gaps }: CaptionText): string {
  return gaps[0] + words.map((word, k) => word + gaps[k + 1]).join("");
}

/** Where a word stands in the caption: [start, end) in characters. */
export function wordSpan(caption: CaptionText, word: number): [number, number] {
  const before = joinCaption({ words: caption.words.slice(0, word), gaps: caption.gaps.slice(0, word + 1) });
  return [before.length, before.length + caption.words[word].length];
}

/**
 * For each word of `after` the word of `before` that it is, or null: the longest common subsequence, so that words
 * keep their order and each is used once.
 */
export function alignWords(before: readonly string[], after: readonly string[]): (number | null)[] {
  // common[i][j]: length of the longest common subsequence of before[i..] and after[j..]
  const common = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      common[i][j] =
        before[i] === after[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  let i = 0;
  return after.map((word, j) => {
    while (i < before.length && before[i] !== word && common[i + 1][j] >= common[i][j + 1]) i++;
    return i < before.length && before[i] === word ? i++ : null;
  });
}

/** A caption that is asked for, beside the one that is explained. */
export function createDraft(explained: CaptionText, asked: string): Draft {
  if (joinCaption(explained) === asked) return { ...explained, sources: explained.words.map((_, k) => k) };
  const { words, gaps } = splitCaption(asked);
  return { words, gaps, sources: alignWords(explained.words, words) };
}

// Escapes in the patterns below: the bundle is ASCII, and esbuild leaves regular expressions as they are written.

/** The caption without a word, and without the punctuation that would then stand alone or twice. */
export function removeWord({ words, gaps }: CaptionText, word: number): string {
  let gap = (gaps[word] + gaps[word + 1])
    .replace(/["'\u201c\u2018\u00ab([{]\s*["'\u201d\u2019\u00bb)\]}]/u, "") // held the word alone
    .replace(/[,;:]\s*(?=[,;:.!?])/u, "")
    .replace(/\s+(?=[,;:.!?]|\s)/gu, "");
  if (word === 0) gap = gap.replace(/^[\s,;:.!?]+/u, "");
  if (word === words.length - 1) gap = gap.replace(/[\s,;:/&+\u2013\u2014-]+$/u, "");
  return joinCaption({
    words: words.filter((_, k) => k !== word),
    gaps: [...gaps.slice(0, word), gap, ...gaps.slice(word + 2)],
  });
}

const ARTICLE = /^(an?|the)$/i;

/**
 * The caption with a word negated: "no" takes the place of the article right before the word ("a dog": "no dog"), or
 * of the word itself where that is the article; it goes right before a word without one ("red car": "red no car"). A
 * word that has its "no" already loses it.
 */
export function negateWord(caption: CaptionText, word: number): string {
  const { words, gaps } = caption;
  const neighbor = word > 0 && gaps[word].trim() === "" ? words[word - 1] : "";
  if (/^no$/i.test(neighbor)) return removeWord(caption, word - 1);
  const article = ARTICLE.test(words[word]) ? word : ARTICLE.test(neighbor) ? word - 1 : null;
  if (article !== null) return replaceWord(caption, article, matchCase("no", words[article]));
  return replaceWord(caption, word, `no ${words[word]}`);
}

export function replaceWord({ words, gaps }: CaptionText, word: number, text: string): string {
  return joinCaption({ words: words.map((w, k) => (k === word ? text : w)), gaps });
}

function matchCase(text: string, model: string): string {
  return /^\p{Lu}/u.test(model) ? text[0].toUpperCase() + text.slice(1) : text;
}
