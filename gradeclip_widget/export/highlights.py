"""The words that a picture shows, as highlights, and a description of the picture in words."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.evidence import HUES, Highlight, hue_of
from ..core.explanation_data import ExplanationData
from ..core.match import describe_match

Phrase = str | int | Sequence[str | int]
_DOWN, _ACROSS = ("top", "middle", "bottom"), ("left", "center", "right")


def words_of(explanation: ExplanationData, phrase: Phrase) -> tuple[int, ...]:
    """Return the positions of a phrase's words, ascending; see `Explanation.phrase_map`.

    Raises:
        ValueError: the phrase is not in the caption.
    """
    return tuple(sorted(set(explanation.phrase_words(phrase))))


def highlight_of(explanation: ExplanationData, phrase: Phrase, hue: int | None = None) -> Highlight:
    """Return a word or phrase as a highlight, even if it does not count.

    Raises:
        ValueError: the phrase is not in the caption.
    """
    words = words_of(explanation, phrase)
    importance = float(explanation.word_importance[list(words)].sum())
    evidence = explanation.word_evidence()[list(words)].sum(0)
    row, column = divmod(int(evidence.argmax()), evidence.shape[1])
    return Highlight(words, importance, hue, (row, column))


def chosen_highlights(
    explanation: ExplanationData, words: str | Sequence[str | int] | None
) -> tuple[Highlight, ...]:
    """Return a highlight for each given word or phrase, or the highlights of the explanation.

    Args:
        explanation: the explanation.
        words: words or phrases of its caption. Each has its own color, or another one if it has none or
            shares it; from the seventh on the neutral color. ``None`` for the words that count.

    Raises:
        ValueError: the caption lacks one of them, or the list is empty.
    """
    if words is None:
        return explanation.highlights()
    phrases = [words] if isinstance(words, str) else list(words)
    if not phrases:
        raise ValueError("words=[]: give at least one word, or None for those that count")
    own, chosen = explanation.word_hues(), []
    free = list(range(HUES))
    for phrase in phrases:
        hue = hue_of(words_of(explanation, phrase), own)
        if hue not in free:
            hue = free[0] if free else None
        if hue is not None:
            free.remove(hue)
        chosen.append(highlight_of(explanation, phrase, hue))
    return tuple(chosen)


def text_of(explanation: ExplanationData, words: Sequence[int]) -> str:
    """Return the words at these positions as text."""
    return " ".join(explanation.words[w].text for w in words)


def alt_text(explanation: ExplanationData, phrase: Phrase | None = None) -> str:
    """Describe a picture of an explanation in sentences, for readers who cannot see it.

    They are: a warning if the picture is foreign to the model; the caption and its score; the words that
    raise it, and where in the picture; the words that lower it.

    Args:
        explanation: the explanation that the picture shows.
        phrase: the word or phrase whose map is painted; ``None`` for all words that count.

    Raises:
        ValueError: the caption lacks the word.
    """
    e = explanation
    head = "" if e.warning is None else f"{e.warning} "
    head += (
        f'Picture explained for the caption "{" ".join(e.caption.split())}", score {e.score:.3f}.'
    )
    if phrase is not None:
        one = highlight_of(e, phrase)
        name, place = text_of(e, one.words), _place_of(e, one.peak)
        return (
            f'{head} Lit up is where the model reads "{name}" ({one.importance:.3f}): most {place}.'
        )
    if e.unrelated_scores is not None:
        head = f"{head[:-1]}, {describe_match(e.score, e.unrelated_scores)}."
    highlights = sorted(e.highlights(), key=lambda h: -h.importance)
    parts = ", ".join(
        f'"{text_of(e, h.words)}" {h.importance:.3f} ({_place_of(e, h.peak)})' for h in highlights
    )
    raise_it = f"Words that raise the score, and where the model reads them: {parts}."
    lowers = [f'"{e.words[w].text}" {e.importance()[w]:.3f}' for w in e.lowering_words()]
    lower_it = f" Words that lower it: {', '.join(lowers)}." if lowers else ""
    return f"{head} {raise_it if parts else 'No word raises the score.'}{lower_it}"


def _place_of(e: ExplanationData, peak: tuple[int, int]) -> str:
    """Return the ninth of the picture in which a patch lies, such as "at the top left"."""
    x0, y0, x1, y1 = e.cover
    across = (x0 + (peak[1] + 0.5) * (x1 - x0) / e.patch_grid[1]) / e.image.width
    down = (y0 + (peak[0] + 0.5) * (y1 - y0) / e.patch_grid[0]) / e.image.height
    row, column = _DOWN[min(2, int(3 * down))], _ACROSS[min(2, int(3 * across))]
    return "at the center" if (row, column) == ("middle", "center") else f"at the {row} {column}"
