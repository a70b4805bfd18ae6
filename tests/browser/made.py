"""An explanation written by hand: a fox on the left, a whale on the right."""

from __future__ import annotations

import numpy as np
from PIL import Image

from gradeclip_widget.explain.explanation import Explanation

from ..factories import make_explanation, words_of

CAPTION = "a red fox beside the blue whale"
LONG_CAPTION = (
    "a red fox beside the blue whale and a tree and a lamp and a chair and a table and a boat and a kite "
    "and a drum and a bell and a shoe"
)
FOX, WHALE = (0.25, 0.5), (0.75, 0.5)  # fractions of the picture's width and height
FOX_COLOR, WHALE_COLOR = (210, 100, 40), (50, 90, 200)
GRID = (10, 14)  # rows, cols
SIZE = (560, 400)  # width, height in pixels
_FOX_PATCHES = np.s_[3:7, 2:5]
_WHALE_PATCHES = np.s_[3:7, 9:12]
HOSTILE = '</script><img src=x onerror="window.hacked = true"><b>fox</b>'


def made_explanation(caption: str = CAPTION) -> Explanation:
    """Return an explanation written by hand.

    The maps of "fox" and "red" are positive on the fox, those of "whale" and "blue" on the whale. The map of
    "fox" is negative on the whale, that of "beside" on the fox.
    """
    words = words_of(caption)
    interactions = np.full((len(words), *GRID), 0.001, np.float32)
    for row, word in zip(interactions, words, strict=True):
        row[_FOX_PATCHES] = {"fox": 1.0, "red": 0.5, "beside": -0.4}.get(word.text, 0.002)
        row[_WHALE_PATCHES] = {"whale": 0.8, "blue": 0.5, "fox": -0.3}.get(word.text, 0.002)
    pixels = np.full((*GRID, 3), (120, 160, 140), np.uint8)
    pixels[_FOX_PATCHES], pixels[_WHALE_PATCHES] = FOX_COLOR, WHALE_COLOR
    image = Image.fromarray(pixels).resize(SIZE, Image.Resampling.NEAREST)
    importance = np.array([{"fox": 4, "whale": 3, "red": 2}.get(w.text, 1) for w in words], float)
    lost = [
        {"fox": 0.09, "red": 0.03, "whale": 0.06, "blue": 0.02, "beside": -0.004}.get(w.text, 0.001)
        for w in words
    ]
    return make_explanation(
        caption,
        GRID,
        image=image,
        words=words,
        tokens=tuple(word.text for word in words),
        signed_map=interactions.sum(0),
        interactions=interactions,
        token_importance=importance / importance.sum(),
        alone=interactions[:, :, ::-1],  # mirrored, to tell the readings apart
        left_out=np.where(interactions > 0.1, interactions, 0),  # only on its object
        word_effects=np.array(lost),
        cover=(0, 0, *map(float, SIZE)),
        notes=(),
    )
