"""Models, pictures and true scores that the attempts share."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import gradeclip_widget as gw

from ..dataset.conftest import make_small

CAPTIONS = (
    "a dog", "a cat on a table", "two small birds", "a red car", "the brown dog in a green field",
    "a bird near the water", "one blue circle", "a table with a cup", "small green bird", "a car and a dog",
)  # fmt: skip
PICTURES = 12


def make_picture(number: int) -> Image.Image:
    """Return a picture that no other number gives; numbers 2n and 2n + 1 have one size."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 255, (4, 5, 3), np.uint8))
    return coarse.resize((40 + number // 2, 36))


@functools.cache
def picture_bytes(number: int, form: str = "PNG") -> bytes:
    """Return a picture of `make_picture` as an encoded file."""
    buffer = io.BytesIO()
    make_picture(number).save(buffer, form)
    return buffer.getvalue()


@dataclass(eq=False)
class Shared:
    """What all areas share.

    Attributes:
        folder: of files that attempts read and copy, but do not change.
        demo: the embedded model.
        small: a fast model of random weights.
        explainer: of the fast model.
        scene: a picture that the embedded model knows.
    """

    folder: Path
    demo: gw.ClipModel
    small: gw.ClipModel
    explainer: gw.Explainer
    scene: gw.demo.Scene

    @classmethod
    def make(cls, folder: Path) -> Shared:
        """Load the models, and write the files."""
        folder.mkdir(parents=True)
        small = make_small()
        return cls(
            folder,
            gw.load("demo", device="cpu"),
            small,
            gw.Explainer(small, fit="crop"),
            gw.demo.scenes()[0],
        )

    @functools.cached_property
    def scores(self) -> dict[tuple[int, str], float]:
        """The score of every picture with every caption, each computed alone."""
        scores: dict[tuple[int, str], float] = {}
        for number in range(PICTURES):
            for e in self.explainer(make_picture(number), list(CAPTIONS)):
                scores[number, e.caption] = e.score
        return scores
