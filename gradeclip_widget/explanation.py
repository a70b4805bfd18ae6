"""An explanation and its arithmetic, in NumPy and PIL alone: it needs no model and no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import regions
from .words import Word

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from .regions import Region

Maps = NDArray[np.float32]

IN_CAPTION, ALONE, LEFT_OUT = "in caption", "alone", "left out"
READINGS = (IN_CAPTION, ALONE, LEFT_OUT)


@dataclass(frozen=True, slots=True)
class RegionWord:
    """What a region of the picture gives to one word.

    Attributes:
        index: position among the caption's words.
        text: the word.
        value: signed sum of its map over the region, in units of the score.
        share: the part of its positive evidence that lies in the region, 0 to 1.
    """

    index: int
    text: str
    value: float
    share: float


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a model matched one picture with one caption.

    Maps lie on the patch grid, (rows, cols) float32 in reading order, and are signed: positive where a
    patch speaks for the words. Pixels are those of ``image``. Arrays are read-only.

    Attributes:
        image: the picture as the user sees it, upright RGB.
        caption: the caption as given.
        words: its words.
        tokens: the T tokens strictly between SOT and EOT, as text.
        score: cosine similarity of the explained pair.
        logit_scale, logit_bias: the model's; ``logit = logit_scale * score + (logit_bias or 0)``.
        signed_map: (rows, cols) the whole caption's map before the ReLU.
        interactions: (T, rows, cols) token x patch interactions.
        token_importance: (T,) share of each token in the caption's positive evidence, summing to 1
            (all zeros where there is none).
        alone: (W, rows, cols) maps along "a photo of a {word}", or ``None``.
        left_out: (W, rows, cols) maps along t minus t without the word, or ``None``.
        cover: box of the picture (x0, y0, x1, y1) that the grid spreads over.
        image_block_shares, text_block_shares: (L,) first-order contribution of every block's attention
            output to the score, shallowest first, along the pooled token's own stream.
        image_layers, text_layers: how many of the last blocks the maps explain.
        model, method: names to show. ``reference``: whether computed as the authors' code does.
        notes: what a reader should know, as sentences.
        seconds: what computing it took.
        word_effects: (W,) what the score loses when a word is left out: x.t minus x.t without it; or
            ``None``.
    """

    image: Image.Image = field(repr=False)
    caption: str
    words: tuple[Word, ...] = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)
    score: float
    logit_scale: float
    logit_bias: float | None
    signed_map: Maps = field(repr=False)
    interactions: Maps = field(repr=False)
    token_importance: Maps = field(repr=False)
    alone: Maps | None = field(repr=False)
    left_out: Maps | None = field(repr=False)
    cover: regions.Box
    image_block_shares: Maps = field(repr=False)
    text_block_shares: Maps = field(repr=False)
    image_layers: int
    text_layers: int
    model: str
    method: str
    reference: bool = False
    notes: tuple[str, ...] = field(default=(), repr=False)
    seconds: float | None = field(default=None, repr=False)
    word_effects: Maps | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Freeze the arrays and check that they fit each other."""
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, np.ndarray):
                frozen = np.array(value, dtype=np.float32)
                frozen.flags.writeable = False
                object.__setattr__(self, f.name, frozen)
        self._check_shapes()

    def _check_shapes(self) -> None:
        grid, tokens, words = self.signed_map.shape, len(self.tokens), len(self.words)
        if len(grid) != 2:
            raise ValueError(f"signed_map must be (rows, cols), not {grid}")
        shapes = {
            "interactions": (tokens, *grid),
            "token_importance": (tokens,),
            "alone": (words, *grid),
            "left_out": (words, *grid),
            "word_effects": (words,),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, not {array.shape}")
        if any(not 0 <= k < tokens for w in self.words for k in w.tokens):
            raise ValueError(f"the words name tokens that are not among the {tokens} there are")

    @property
    def patch_grid(self) -> tuple[int, int]:
        """(rows, cols) of patches."""
        return self.signed_map.shape[0], self.signed_map.shape[1]

    @property
    def image_map(self) -> Maps:
        """(rows, cols) the whole caption's Grad-ECLIP map: the ReLU of ``signed_map``."""
        return np.maximum(self.signed_map, 0)

    @property
    def logit(self) -> float:
        """What the model feeds to its softmax or sigmoid."""
        return self.logit_scale * self.score + (self.logit_bias or 0.0)

    @property
    def probability(self) -> float | None:
        """Sigmoid of the logit for models trained with a bias, else ``None``."""
        # By way of tanh, which does not overflow.
        return None if self.logit_bias is None else (1 + math.tanh(self.logit / 2)) / 2

    @property
    def readings(self) -> tuple[str, ...]:
        """Readings of a word that were computed, the default first."""
        present = {IN_CAPTION: True, ALONE: self.alone is not None}
        present[LEFT_OUT] = self.left_out is not None
        return tuple(name for name in READINGS if present[name])

    @property
    def word_importance(self) -> Maps:
        """(W,) importance of each word: its tokens' summed."""
        return np.array(
            [self.token_importance[list(w.tokens)].sum() for w in self.words], np.float32
        )

    @property
    def no_image_evidence(self) -> bool:
        """Whether no patch speaks for the caption."""
        return not bool((self.signed_map > 0).any())

    @property
    def no_text_evidence(self) -> bool:
        """Whether no token speaks for the picture."""
        return not bool((self.token_importance > 0).any())

    def word_maps(self, reading: str = IN_CAPTION) -> Maps:
        """(W, rows, cols) signed maps of all words in one reading.

        Raises:
            ValueError: there is no such reading, or it was not computed.
        """
        if reading not in self.readings:
            raise ValueError(
                f"no reading {reading!r} here: there are {', '.join(map(repr, self.readings))}"
            )
        if reading == ALONE:
            assert self.alone is not None
            return self.alone
        if reading == LEFT_OUT:
            assert self.left_out is not None
            return self.left_out
        rows = [self.interactions[list(w.tokens)].sum(0, dtype=np.float32) for w in self.words]
        return np.stack(rows)

    def word_map(self, word: str | int, reading: str = IN_CAPTION) -> Maps:
        """(rows, cols) signed map of one word.

        Args:
            word: the word as written (case aside), or its index, needed where it occurs twice.
            reading: ``"in caption"``, ``"alone"`` or ``"left out"``.

        Raises:
            ValueError: no such word, several of it, or no such reading.
            IndexError: the index is out of range.
        """
        maps: Maps = self.word_maps(reading)[self.word_index(word)]
        return maps

    def phrase_map(self, phrase: str | Sequence[str | int], reading: str = IN_CAPTION) -> Maps:
        """(rows, cols) signed map of several words: the sum of theirs.

        Args:
            phrase: words as they follow each other in the caption (``"red car"``), or a list of words and
                indices from anywhere in it.
            reading: as in `word_map`.

        Raises:
            ValueError: the phrase is not in the caption.
        """
        if isinstance(phrase, str):
            indices = self._find_phrase(phrase)
        else:
            indices = [self.word_index(w) for w in phrase]
        total: Maps = self.word_maps(reading)[indices].sum(0, dtype=np.float32)
        return total

    def region_words(self, region: Region, reading: str = IN_CAPTION) -> list[RegionWord]:
        """Words ranked by what a region of the picture gives to each, most first.

        Args:
            region: a box (x0, y0, x1, y1), a polygon [(x, y), ...] of three points or more, or a boolean
                mask (height, width), in image pixels; or a widget's ``region``.
            reading: as in `word_map`.

        Raises:
            ValueError: the region is malformed or lies outside the picture.
        """
        covered = self.coverage(region).astype(np.float64)
        maps = self.word_maps(reading).astype(np.float64)
        values = (maps * covered).sum((1, 2))
        order = sorted(range(len(self.words)), key=lambda w: -values[w])
        return [
            RegionWord(w, self.words[w].text, float(values[w]), _share(maps[w], covered))
            for w in order
        ]

    def region_share(
        self, region: Region, phrase: str | int | Sequence[str | int], reading: str = IN_CAPTION
    ) -> float:
        """The part of a phrase's positive evidence that lies in a region, 0 to 1; 0 where there is none.

        Args:
            region: as in `region_words`.
            phrase: as in `phrase_map`, or one word's index.
            reading: as in `word_map`.

        Raises:
            ValueError: no such region or phrase.
        """
        return _share(self.map_of(phrase, reading).astype(np.float64), self.coverage(region))

    def coverage(self, region: Region) -> Maps:
        """(rows, cols) the fraction of each patch that a region covers."""
        return regions.coverage(region, self.image.size, self.patch_grid, self.cover)

    def word_index(self, word: str | int) -> int:
        """Index of a word of the caption; see `word_map`."""
        if isinstance(word, int | np.integer) and not isinstance(word, bool):
            if not -len(self.words) <= word < len(self.words):
                raise IndexError(f"word {word}: the caption has {len(self.words)} words")
            return int(word) % len(self.words)
        found = [n for n, w in enumerate(self.words) if w.text.casefold() == str(word).casefold()]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"{word!r} occurs {len(found)} times; give one of the indices {found}")
        texts = ", ".join(w.text for w in self.words)
        raise ValueError(f"no word {word!r} in the caption; its words are: {texts}")

    def overlay(
        self,
        phrase: str | int | Sequence[str | int] | None = None,
        *,
        reading: str = IN_CAPTION,
        opacity: float = 0.72,
        color_scale: str = "inferno",
        sign: str = "positive",
    ) -> Image.Image:
        """The picture with the map of a word, a phrase, or (``None``) the whole caption painted on.

        Args:
            phrase: what to paint.
            reading: as in `word_map`.
            opacity: of the strongest evidence, 0 to 1.
            color_scale: a sequential plotly colour scale by name.
            sign: ``"positive"``, ``"negative"`` or ``"both"`` (a diverging scale).

        Raises:
            ValueError: no such word, reading, scale or sign.
        """
        from .plots import paint

        return paint(self, self.map_of(phrase, reading), opacity, color_scale, sign)

    def map_of(
        self, phrase: str | int | Sequence[str | int] | None = None, reading: str = IN_CAPTION
    ) -> Maps:
        """(rows, cols) signed map of a word, a phrase, or (``None``) the whole caption."""
        if phrase is None:
            return self.signed_map
        if isinstance(phrase, int | np.integer):
            return self.word_map(int(phrase), reading)
        return self.phrase_map(phrase, reading)

    def figure(
        self, phrase: str | int | Sequence[str | int] | None = None, *, reading: str = IN_CAPTION
    ) -> go.Figure:
        """A plotly figure: the picture, the picture with the map, and bars of word importance."""
        from .plots import figure

        return figure(self, phrase, reading)

    def to_frame(self) -> pd.DataFrame:
        """A table with a row per word.

        Columns: word, importance, effect (what the score loses without it, NaN where not computed), sum and
        peak of its map in the caption, the peak's place in image pixels, and whether the model read and knew
        the word.
        """
        from .plots import table

        return table(self)

    def save(self, path: str | Path) -> Path:
        """Write the explanation to one ``.npz`` file that `load` and `gradeclip_widget.show` read.

        Raises:
            ValueError: the name does not end in ``.npz``.
        """
        from .archive import save

        return save(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> Explanation:
        """Read what `save` wrote. Nothing in the file is executed.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is damaged, or from another program or a later version.
        """
        from .archive import load

        return load(Path(path))

    def to_html(self, path: str | Path | None = None, *, title: str | None = None) -> str:
        """One self-contained page with the same interaction as the widget, needing no network.

        Args:
            path: where to write it besides; nowhere when ``None``.
            title: of the page; the caption when ``None``.

        Returns:
            The page's HTML.
        """
        from .export import page

        return page([self], path, title)

    def _repr_html_(self) -> str:
        """The page in a frame, for notebooks that have no kernel."""
        from .export import frame

        return frame([self])

    def _find_phrase(self, phrase: str) -> list[int]:
        from .words import split_words

        wanted = [phrase[a:b].casefold() for a, b in split_words(phrase)]
        texts = [w.text.casefold() for w in self.words]
        if len(wanted) == 1:
            return [self.word_index(phrase[slice(*split_words(phrase)[0])])]
        starts = [n for n in range(len(texts)) if wanted and texts[n : n + len(wanted)] == wanted]
        if len(starts) != 1:
            problem = f"occurs {len(starts)} times" if starts else "is not"
            raise ValueError(
                f"phrase {phrase!r} {problem} in the caption {self.caption!r}; give a list of words"
                " or indices"
            )
        return list(range(starts[0], starts[0] + len(wanted)))


def _share(values: NDArray[np.float64], covered: NDArray[np.floating]) -> float:
    positive = np.maximum(values, 0)
    whole = float(positive.sum())
    return float((positive * covered).sum()) / whole if whole > 0 else 0.0
