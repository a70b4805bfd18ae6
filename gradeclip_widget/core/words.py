"""Split captions into words for the reader, and assign a tokenizer's tokens to them. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import regex

Span = tuple[int, int]  # [start, end) in characters of the caption

# In this order: an emoji with its modifiers; one Han character; a run of kana; a run of letters, marks and
# digits with hyphens and apostrophes inside, and decimal points between digits.
# An emoji may be followed by marks, a skin tone, and the tags that spell a flag.
_PICTURE = r"\p{Extended_Pictographic}[\p{M}\p{Emoji_Modifier}\U000E0020-\U000E007F]*"
_EMOJI = rf"(?:\p{{Regional_Indicator}}{{2}}|(?![\d#*]){_PICTURE}(?:\u200d{_PICTURE})*)"
_LETTER = r"(?:(?![\p{Han}\p{Hiragana}\p{Katakana}])[\p{L}\p{M}\p{N}\u200c\u200d])"
_WORD = regex.compile(
    rf"{_EMOJI}|\p{{Han}}\p{{M}}*|\p{{Hiragana}}[\p{{Hiragana}}ー\p{{M}}]*|[\p{{Katakana}}ー][\p{{Katakana}}ー\p{{M}}]*"
    rf"|{_LETTER}+(?:(?:['’‘\-‐‑]|(?<=\p{{N}})[.,](?=\p{{N}})){_LETTER}+)*"
)

FUNCTION_WORDS = frozenset(
    """
    a an the this that these those some any each every no all both either neither such one's its his her
    their my your our it he she they we you i him them us me who whom whose which what there here
    and or but nor so yet if than as while when where because though although
    of in on at by for with without from to into onto over under above below beneath beside besides between
    among behind before after near next off up down out through across along around against toward towards
    about inside outside within during upon via per like
    is are was were be been being am do does did has have had having can could will would may might must
    shall should not very too also just only other another
    """.split()
)
"""English words that name nothing in a picture."""

NEGATIONS = frozenset("no not nor neither without".split())
"""Function words that negate a caption."""

ATTRIBUTES = frozenset(
    """
    red orange yellow green blue purple pink brown black white gray grey golden gold silver beige turquoise
    violet dark light bright pale colorful big large huge giant small little tiny tall short long wide narrow
    thick thin round square flat curved old young new ancient modern wooden metal plastic glass stone brick
    leather paper cotton woolen striped spotted checkered plain furry fluffy smooth rough shiny dirty clean
    wet dry empty full open closed broken hot cold frozen fresh ripe rotten happy sad angry sleeping
    """.split()
)
"""English adjectives that describe the word right after them."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the caption and the tokens that spell it.

    Attributes:
        text: the word as written in the caption.
        start, end: its character span in the caption, ``caption[start:end] == text``.
        tokens: positions of its tokens in the tokens strictly between SOT and EOT; empty if the caption was
            cut off before it.
        truncated: whether some or all of its tokens lie beyond the model's context length.
        known: whether the model was trained on its tokens (``False`` only with the embedded model).
    """

    text: str
    start: int
    end: int
    tokens: tuple[int, ...] = ()
    truncated: bool = False
    known: bool = True

    @property
    def attribute(self) -> bool:
        """Whether it is an attribute of the word after it, as "red" in "red circle"; only in English."""
        return self.text.lower() in ATTRIBUTES

    @property
    def small(self) -> bool:
        """Whether it names nothing and negates nothing, as "a", "and" and "of"; only in English."""
        text = self.text.lower()
        return text in FUNCTION_WORDS and text not in NEGATIONS


def split_words(caption: str) -> list[Span]:
    """Return the character spans of the caption's words.

    Punctuation is not part of a word, except hyphens and apostrophes inside one. Scripts without spaces are
    split by character (Han), by run (kana), or at spaces (Thai and others).

    >>> [("a well-fed dog, isn't it?")[a:b] for a, b in split_words("a well-fed dog, isn't it?")]
    ['a', 'well-fed', 'dog', "isn't", 'it']
    """
    return [m.span() for m in _WORD.finditer(caption)]


def assign_tokens(
    caption: str,
    token_spans: Sequence[Span],
    read: int,
    known: Sequence[bool] | None = None,
) -> tuple[Word, ...]:
    """Assign every token to the word with which it overlaps most.

    Args:
        caption: the text that the spans refer to.
        token_spans: character span of each token without SOT and EOT, including the tokens that the context
            length cuts off.
        read: number of these tokens that fit into the context length.
        known: for each token, whether the model was trained on it; ``None`` if it was for all.

    Returns:
        The caption's words in reading order. A token that overlaps no word (punctuation) is skipped.
    """
    spans = split_words(caption)
    members: list[list[int]] = [[] for _ in spans]
    first = 0
    for k, (a, b) in enumerate(token_spans):
        while first < len(spans) and spans[first][1] <= a:
            first += 1
        best, overlap = -1, 0
        for w in range(first, len(spans)):
            if spans[w][0] >= b:
                break
            shared = min(b, spans[w][1]) - max(a, spans[w][0])
            if shared > overlap:
                best, overlap = w, shared
        if best >= 0:
            members[best].append(k)
    return tuple(
        Word(
            caption[a:b],
            a,
            b,
            tokens=tuple(k for k in ks if k < read),
            truncated=any(k >= read for k in ks),
            known=known is None or all(known[k] for k in ks),
        )
        for (a, b), ks in zip(spans, members, strict=True)
    )


def find_word(words: Sequence[Word], word: str | int) -> int:
    """Return the index of a word, which is a text (case is ignored) or an index.

    Raises:
        ValueError: the caption lacks the word, or has it several times.
        IndexError: the index is out of range.
    """
    if isinstance(word, int | np.integer) and not isinstance(word, bool):
        if not -len(words) <= word < len(words):
            raise IndexError(f"word {word}: the caption has {len(words)} words")
        return int(word) % len(words)
    matches = [n for n, w in enumerate(words) if w.text.casefold() == str(word).casefold()]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ValueError(f"{word!r} occurs {len(matches)} times; give one of the indices {matches}")
    texts = ", ".join(w.text for w in words)
    raise ValueError(f"no word {word!r} in the caption; its words are: {texts}")


def find_phrase(words: Sequence[Word], phrase: str) -> list[int]:
    """Return the indices of a phrase's words, which are consecutive in the caption; case is ignored.

    Raises:
        ValueError: the phrase is not in the caption, or occurs several times.
    """
    parts = [phrase[a:b] for a, b in split_words(phrase)]
    if len(parts) == 1:
        return [find_word(words, parts[0])]
    folded = [text.casefold() for text in parts]
    texts = [w.text.casefold() for w in words]
    starts = [n for n in range(len(texts)) if folded and texts[n : n + len(folded)] == folded]
    if len(starts) != 1:
        problem = f"occurs {len(starts)} times" if starts else "is not"
        raise ValueError(
            f"phrase {phrase!r} {problem} in the caption, whose words are: "
            f"{', '.join(w.text for w in words)}; give a list of words or indices"
        )
    return list(range(starts[0], starts[0] + len(folded)))
