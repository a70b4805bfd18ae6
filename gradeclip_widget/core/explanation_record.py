"""The fields of an explanation, checked to fit each other, and what follows from them directly."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .evidence import (
    EVIDENCE,
    GRAD_ECLIP,
    INTEGRATED_GRADIENTS,
    LEAVE_ONE_OUT,
    MEASURES,
    SHAPLEY,
    picture_shares,
    sum_tokens,
)
from .regions import Box
from .words import Word

Maps = NDArray[np.float32]

IN_CAPTION, ALONE, LEFT_OUT = "in caption", "alone", "left out"
READINGS = (IN_CAPTION, ALONE, LEFT_OUT)


@dataclass(frozen=True, eq=False)
class ExplanationRecord:
    """The fields of an explanation; `ExplanationData` documents them."""

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
    cover: Box
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
    integrated_gradients: Maps | None = field(default=None, repr=False)
    shapley: Maps | None = field(default=None, repr=False)
    empty_score: float | None = None
    unrelated_scores: Maps | None = field(default=None, repr=False)
    foreign: bool = False

    def __post_init__(self) -> None:
        """Freeze the arrays and check that they fit each other."""
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, f.name, _read_only(np.array(value, dtype=np.float32)))
        self._check_shapes()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make a copy of what was pickled or copied, which brings arrays that can be written to."""
        for name, value in state.items():
            frozen = _read_only(value) if isinstance(value, np.ndarray) else value
            object.__setattr__(self, name, frozen)

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
            "integrated_gradients": (tokens,),
            "shapley": (words,),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, not {array.shape}")
        if self.shapley is not None and self.empty_score is None:
            raise ValueError("shapley needs empty_score, which its values add up from")
        if any(not 0 <= k < tokens for w in self.words for k in w.tokens):
            raise ValueError(f"the words name tokens that are not among the {tokens} there are")

    @property
    def patch_grid(self) -> tuple[int, int]:
        """(rows, cols) of patches."""
        return self.signed_map.shape[0], self.signed_map.shape[1]

    @property
    def warning(self) -> str | None:
        """What to say before anything else: that the picture is foreign to the model; else ``None``."""
        return self.notes[0] if self.foreign and self.notes else None

    @property
    def image_map(self) -> Maps:
        """(rows, cols) the paper's map of the whole caption: the ReLU of ``signed_map``."""
        return np.maximum(self.signed_map, 0)

    @property
    def logit(self) -> float:
        """The input of the model's softmax or sigmoid."""
        return self.logit_scale * self.score + (self.logit_bias or 0.0)

    @property
    def probability(self) -> float | None:
        """Sigmoid of the logit for models trained with a bias, else ``None``."""
        # tanh does not overflow where the exponential of a sigmoid would.
        return None if self.logit_bias is None else (1 + math.tanh(self.logit / 2)) / 2

    @property
    def no_image_evidence(self) -> bool:
        """Whether no patch has positive evidence for the caption."""
        return not bool((self.signed_map > 0).any())

    @property
    def no_text_evidence(self) -> bool:
        """Whether no token has positive evidence for the picture."""
        return not bool((self.token_importance > 0).any())

    @property
    def readings(self) -> tuple[str, ...]:
        """Readings of a word that were computed, the default of `word_map` first."""
        present = {IN_CAPTION: True, ALONE: self.alone is not None}
        present[LEFT_OUT] = self.left_out is not None
        return tuple(name for name in READINGS if present[name])

    @property
    def evidence_reading(self) -> str:
        """The reading that the evidence of words is spread by: "left out" where it was computed."""
        return LEFT_OUT if LEFT_OUT in self.readings else IN_CAPTION

    def word_maps(self, reading: str = IN_CAPTION) -> Maps:
        """Return the signed maps of all words in one reading, (W, rows, cols).

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
        return sum_tokens(self.interactions, [w.tokens for w in self.words])

    @property
    def importance_measures(self) -> tuple[str, ...]:
        """Measures of a word's importance that were computed, the default first; see `importance`."""
        present = {
            SHAPLEY: self.shapley is not None,
            EVIDENCE: True,
            LEAVE_ONE_OUT: self.word_effects is not None,
            GRAD_ECLIP: True,
            INTEGRATED_GRADIENTS: self.integrated_gradients is not None,
        }
        names = [name for name in MEASURES if present[name]]
        # An explanation computed as the authors' code does shows that code's measure first.
        return tuple(sorted(names, key=lambda n: n != GRAD_ECLIP) if self.reference else names)

    def importance(self, measure: str | None = None) -> Maps:
        """Return how much each word contributes to the score, (W,), negative where it lowers the score.

        Args:
            measure: ``"shapley"``, the Shapley values of the words, which with ``empty_score`` add up to the
                score; ``"evidence"``, the score divided among the words in proportion to the positive sums of
                their maps in ``evidence_reading``; ``"leave-one-out"``, the score minus the score without the
                word; ``"grad-eclip"``, the sum of its ``token_importance`` times the score, zero where the
                score is negative; or ``"integrated-gradients"``, the sum of its tokens' attributions. The
                first of ``importance_measures`` when ``None``.

        Raises:
            ValueError: there is no such measure, or it was not computed.
        """
        name = self._measure(measure)
        if name == SHAPLEY:
            assert self.shapley is not None
            return self.shapley
        if name == EVIDENCE:
            return picture_shares(self.word_maps(self.evidence_reading), self.score, self.known)
        if name == LEAVE_ONE_OUT:
            assert self.word_effects is not None
            return self.word_effects
        tokens = [w.tokens for w in self.words]
        if name == GRAD_ECLIP:
            shares = sum_tokens(self.token_importance, tokens)
            in_score: Maps = shares * np.float32(max(self.score, 0.0))
            return in_score
        assert self.integrated_gradients is not None
        return sum_tokens(self.integrated_gradients, tokens)

    def base(self, measure: str | None = None) -> float | None:
        """Return the score that the words' importance adds up from, or ``None`` where it does not add up.

        With the base, the importance of all words sums to the score, except for what words change that the
        model was never trained on.

        Args:
            measure: as in `importance`.

        Raises:
            ValueError: there is no such measure, or it was not computed.
        """
        name = self._measure(measure)
        if name == SHAPLEY:
            return self.empty_score
        parts = float(self.importance(name).sum(dtype=np.float64))
        shares = name in (EVIDENCE, GRAD_ECLIP) and math.isclose(parts, self.score, abs_tol=1e-6)
        return 0.0 if shares else None

    def _measure(self, measure: str | None) -> str:
        """Return the name of a measure that was computed, the default's for ``None``."""
        names = self.importance_measures
        if measure is None:
            return names[0]
        if measure not in names:
            known = ", ".join(map(repr, names))
            raise ValueError(f"no measure of importance {measure!r} here: there are {known}")
        return measure

    @property
    def known(self) -> list[bool]:
        """Of each word, whether the model was trained on it."""
        return [word.known for word in self.words]

    @property
    def word_importance(self) -> Maps:
        """(W,) importance of each word by the default measure, in units of the score."""
        return self.importance()


def _read_only(array: Maps) -> Maps:
    array.flags.writeable = False
    return array
