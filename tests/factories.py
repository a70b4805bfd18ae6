"""Small explanations written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gradeclip_widget.core.words import Word, split_words
from gradeclip_widget.explain.explanation import Explanation

CAPTION = "a red-ish dog, running"
GRID = (3, 5)  # rows, cols
SIZE = (60, 40)  # width, height in pixels
COVER = (5.0, 2.0, 55.0, 38.0)  # a part of the picture


def picture(size: tuple[int, int] = SIZE) -> Image.Image:
    """A picture in which no two pixels of a row are equal."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    channels = [x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1), (x + y) % 256]
    return Image.fromarray(np.stack(channels, -1).astype(np.uint8))


def words_of(caption: str, tokens: Sequence[Sequence[int]] | None = None) -> tuple[Word, ...]:
    """The caption's words, with one token each by default."""
    spans = split_words(caption)
    tokens = tokens or [(n,) for n in range(len(spans))]
    return tuple(
        Word(caption[a:b], a, b, tokens=tuple(ks)) for (a, b), ks in zip(spans, tokens, strict=True)
    )


def make_explanation(
    caption: str = CAPTION, grid: tuple[int, int] = GRID, **changes: Any
) -> Explanation:
    """An explanation with fixed random numbers; word 1 has two tokens, and token 3 has no word."""
    rng = np.random.default_rng(7)
    count = len(split_words(caption))
    words = (
        words_of(caption, [(0,), (1, 2), *((n,) for n in range(4, count + 2))])
        if count > 2
        else words_of(caption)
    )
    tokens = count + 2 if count > 2 else count

    def maps(n: int) -> NDArray[np.float32]:
        # Numbers with few binary digits, so that sums are exact in any order.
        return (rng.integers(-64, 64, (n, *grid)) / 256).astype(np.float32)

    importance = rng.integers(1, 9, tokens).astype(np.float32)
    values: dict[str, Any] = {
        "image": picture(),
        "caption": caption,
        "words": words,
        "tokens": tuple(f"t{k}" for k in range(tokens)),
        "score": 0.3125,
        "logit_scale": 100.0,
        "logit_bias": None,
        "signed_map": maps(1)[0],
        "interactions": maps(tokens),
        "token_importance": importance / importance.sum(),
        "alone": maps(count),
        "left_out": maps(count),
        "cover": COVER,
        "image_block_shares": np.array([0.125, 0.25, 0.5]),
        "text_block_shares": np.array([0.25, 0.75]),
        "image_layers": 1,
        "text_layers": 2,
        "model": "made by hand",
        "method": "Grad-ECLIP",
        "notes": ("A note.",),
        "seconds": 0.5,
        "word_effects": (np.arange(count) - 1) / 64,
        "integrated_gradients": rng.integers(-16, 48, len(changes.get("tokens", range(tokens))))
        / 256,
    }
    added = changes.pop("shapley", "share")
    e = Explanation(**values | changes)
    if added is None:
        return e
    return with_values(e, None if isinstance(added, str) else added)


def with_values(e: Explanation, values: Any = None) -> Explanation:
    """The explanation with other Shapley values; by default the shares of the evidence."""
    added = e.importance("evidence") if values is None else np.asarray(values, np.float32)
    return replace(e, shapley=added, empty_score=float(e.score - added.sum(dtype=float)))
