// The text of a caption: splitting it into words, aligning two captions, and edits of single words.

/** Words, and the text before the first, between each two, and after the last. */
export interface CaptionText {
  words: readonly string[];
  gaps: readonly string[]; // one more than words
}

/** A requested caption, and for each of its words the matching word of the explanation that is shown. */
export interface Draft extends CaptionText {
  sources: readonly (number | null)[]; // index in the explanation; null: not explained yet
}

// The same pattern as `_WORD` in Python's words.py. Used only until the result arrives with Python's own words.
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

/** The [start, end) range of a word in the caption's text, in characters. */
export function wordSpan(caption: CaptionText, word: number): [number, number] {
  const before = joinCaption({ words: caption.words.slice(0, word), gaps: caption.gaps.slice(0, word + 1) });
  return [before.length, before.length + caption.words[word].length];
}

/**
 * Align two captions by their longest common subsequence, so that words keep their order and each is used once.
 *
 * @returns for each word of `after`, the index of the same word in `before`, or null.
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

/** Split a requested caption into words and align them with the explained caption. */
export function createDraft(explained: CaptionText, requested: string): Draft {
  if (joinCaption(explained) === requested)
    return { ...explained, sources: explained.words.map((_, k) => k) };
  const { words, gaps } = splitCaption(requested);
  return { words, gaps, sources: alignWords(explained.words, words) };
}

// The patterns below use escapes because the bundle must be ASCII, and esbuild does not escape regular expressions.

/** Remove a word, and the punctuation that would be left alone or doubled. */
export function removeWord({ words, gaps }: CaptionText, word: number): string {
  let gap = (gaps[word] + gaps[word + 1])
    .replace(/["'\u201c\u2018\u00ab([{]\s*["'\u201d\u2019\u00bb)\]}]/u, "") // brackets or quotes around nothing but the word
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
 * Negate a word. "no" replaces the article before the word ("a dog" becomes "no dog") or the word itself if it is an
 * article; a word without an article gets "no" before it ("red car" becomes "red no car"). Negating twice removes "no".
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
