"""Examples and explainers made by hand, whose measures are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gradeclip_widget.evaluation import Example
from gradeclip_widget.explain.explanation import Explanation

from ..factories import make_explanation, words_of

SIDE, GRID = 32, 8
Mask = NDArray[np.bool_]


def box_mask(x0: int, y0: int, x1: int, y1: int) -> Mask:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[y0:y1, x0:x1] = True
    return mask


LEFT, RIGHT = box_mask(4, 8, 12, 24), box_mask(20, 8, 28, 24)
CAPTION = "a dog and a cat"


def example(name: str = "", **masks: Mask) -> Example:
    image = Image.new("RGB", (SIDE, SIDE), "gray")
    return Example(image, CAPTION, name, masks or {"dog": LEFT, "cat": RIGHT})


def patches(mask: Mask) -> NDArray[np.float32]:
    """A mask of whole patches on the patch grid."""
    step = SIDE // GRID
    return mask.reshape(GRID, step, GRID, step).mean((1, 3), dtype=np.float32)


def explained(
    image: Any, caption: str, maps: Mapping[str, NDArray[Any]], **more: Any
) -> Explanation:
    """An explanation with these maps of words; those of other words are zero."""
    words = words_of(caption)
    rows = np.stack([maps.get(word.text, np.zeros((GRID, GRID))) for word in words])
    rows = rows.astype(np.float32)
    values = {
        "image": image,
        "words": words,
        "tokens": tuple(word.text for word in words),
        "signed_map": rows.sum(0),
        "interactions": rows,
        "token_importance": np.full(len(words), 1 / len(words)),
        "alone": None,
        "left_out": None,
        "word_effects": None,
        "integrated_gradients": None,
        "cover": (0.0, 0.0, float(image.width), float(image.height)),
    }
    return make_explanation(caption, (GRID, GRID), **values | more)


def by_hand(maps: Mapping[str, NDArray[Any]], **more: Any) -> Callable[[Any, str], Explanation]:
    return lambda image, caption: explained(image, caption, maps, **more)


RIGHT_MAPS = {"dog": patches(LEFT), "cat": patches(RIGHT)}
WRONG_MAPS = {"dog": patches(RIGHT), "cat": patches(LEFT)}
