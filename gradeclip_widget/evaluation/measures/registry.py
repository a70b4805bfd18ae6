"""All measures, and each by its name."""

from __future__ import annotations

from ...core.errors import did_you_mean
from ..measure import Measure
from .captions import AbsentWords, TrueCaptions, WrongAttribute
from .localization import (
    BestReading,
    EnergyPointing,
    MaskIoU,
    PixelAccuracy,
    PointingGame,
    RegionToWord,
)
from .model import ExplainedShare, SilentWords, WordSeparation
from .perturbation import Deletion, Insertion, WordDeletion, WordInsertion
from .sanity import RandomizedWeights

ALL: tuple[type[Measure], ...] = (
    Deletion,
    Insertion,
    WordDeletion,
    WordInsertion,
    PointingGame,
    EnergyPointing,
    MaskIoU,
    PixelAccuracy,
    RegionToWord,
    BestReading,
    RandomizedWeights,
    WordSeparation,
    SilentWords,
    ExplainedShare,
    AbsentWords,
    WrongAttribute,
    TrueCaptions,
)


def measure_named(name: str) -> type[Measure]:
    """Return the measure of that name.

    >>> measure_named("pointing game").__name__
    'PointingGame'

    Args:
        name: a ``name`` of one of `ALL`; case is ignored, and hyphens may stand for spaces.

    Raises:
        ValueError: there is no such measure.
    """
    wanted = name.replace("-", " ").casefold()
    for measure in ALL:
        if measure.name.casefold() == wanted:
            return measure
    names = [measure.name for measure in ALL]
    known = ", ".join(map(repr, names))
    raise ValueError(f"no measure {name!r}: there are {known}{did_you_mean(name, names)}")
