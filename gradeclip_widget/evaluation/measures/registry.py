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
        name: the ``name`` of one of `ALL`, in upper or lower case, with spaces or hyphens.

    Raises:
        ValueError: there is no such measure.
    """
    plain = name.replace("-", " ").casefold()
    for measure in ALL:
        if measure.name.casefold() == plain:
            return measure
    names = [measure.name for measure in ALL]
    listed = ", ".join(map(repr, names))
    raise ValueError(f"no measure {name!r}: there are {listed}{did_you_mean(name, names)}")
