"""What a picture is to show: words that a user names, as highlights in their colors."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.evidence import HUES, Highlight
from ..core.explanation_data import ExplanationData
from ..core.match import describe_match

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


_DOWN, _ACROSS = ("top", "middle", "bottom"), ("left", "center", "right")


def alt_text(explanation: ExplanationData, phrase: Phrase | None = None) -> str:
    """Return sentences: the caption and its score; which words raise it, and where; which lower it.

    A warning that the picture is foreign to the model comes before them.

    Args:
        explanation: what the picture shows.
        phrase: the word or phrase whose map is painted; ``None`` for all words that count.

    Raises:
        ValueError: no such word.
    """
    e = explanation
    head = "" if e.warning is None else f"{e.warning} "
    head += (
        f'Picture explained for the caption "{" ".join(e.caption.split())}", score {e.score:.3f}.'
    )
    if phrase is not None:
        one = highlight_of(e, phrase)
        name, place = text_of(e, one.words), _whereabouts(e, one.peak)
        return (
            f'{head} Lit up is where the model reads "{name}" ({one.importance:.3f}): most {place}.'
        )
    if e.unrelated_scores is not None:
        head = f"{head[:-1]}, {describe_match(e.score, e.unrelated_scores)}."
    highlights = sorted(e.highlights(), key=lambda h: -h.importance)
    parts = ", ".join(
        f'"{text_of(e, h.words)}" {h.importance:.3f} ({_whereabouts(e, h.peak)})'
        for h in highlights
    )
    raise_it = f"Words that raise the score, and where the model reads them: {parts}."
    lowers = [f'"{e.words[w].text}" {e.importance()[w]:.3f}' for w in e.lowering_words()]
    lower_it = f" Words that lower it: {', '.join(lowers)}." if lowers else ""
    return f"{head} {raise_it if parts else 'No word raises the score.'}{lower_it}"


def _whereabouts(e: ExplanationData, peak: tuple[int, int]) -> str:
    """Return in which ninth of the picture a patch lies, such as "at the top left"."""
    x0, y0, x1, y1 = e.cover
    across = (x0 + (peak[1] + 0.5) * (x1 - x0) / e.patch_grid[1]) / e.image.width
    down = (y0 + (peak[0] + 0.5) * (y1 - y0) / e.patch_grid[0]) / e.image.height
    row, column = _DOWN[min(2, int(3 * down))], _ACROSS[min(2, int(3 * across))]
    return "at the center" if (row, column) == ("middle", "center") else f"at the {row} {column}"
