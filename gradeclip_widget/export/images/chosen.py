"""What a picture is to show: words that a user names, as highlights in their colors."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.evidence import HUES, Highlight
from ...core.explanation_data import ExplanationData

Phrase = str | int | Sequence[str | int]


def words_of(explanation: ExplanationData, phrase: Phrase) -> tuple[int, ...]:
    """Return the positions of a phrase's words, ascending; see `Explanation.phrase_map`.

    Raises:
        ValueError: the phrase is not in the caption.
    """
    return tuple(sorted(set(explanation.phrase_words(phrase))))


def highlight_of(explanation: ExplanationData, phrase: Phrase, hue: int | None = None) -> Highlight:
    """Return a word or phrase as a highlight, whether it counts or not.

    Raises:
        ValueError: it is not in the caption.
    """
    words = words_of(explanation, phrase)
    importance = float(explanation.word_importance[list(words)].sum())
    evidence = explanation.word_evidence()[list(words)].sum(0)
    row, column = divmod(int(evidence.argmax()), evidence.shape[1])
    return Highlight(words, importance, hue, (row, column))


def chosen_highlights(
    explanation: ExplanationData, words: str | Sequence[str | int] | None
) -> tuple[Highlight, ...]:
    """Return a highlight for each word or phrase given, or those of the explanation.

    Args:
        explanation: whose words they are.
        words: one or more, each a word or a phrase, each in a color of its own as long as there are any;
            ``None`` for the words that count.

    Raises:
        ValueError: one is not in the caption, or there are none.
    """
    if words is None:
        return explanation.highlights()
    phrases = [words] if isinstance(words, str) else list(words)
    if not phrases:
        raise ValueError("words=[]: give at least one word, or None for those that count")
    return tuple(
        highlight_of(explanation, phrase, n if n < HUES else None)
        for n, phrase in enumerate(phrases)
    )


def text_of(explanation: ExplanationData, words: Sequence[int]) -> str:
    """Return words by their positions as text."""
    return " ".join(explanation.words[w].text for w in words)
