"""Measures of explanations, on drawn scenes or on your own data."""

from .examples import Example, FailedExample, demo_examples, scene_example
from .measure import LeftOutWarning, Measure, evaluate
from .measures.captions import AbsentWords, TrueCaptions, WrongAttribute
from .measures.localization import (
    BestReading,
    EnergyPointing,
    MaskIoU,
    PixelAccuracy,
    PointingGame,
    RegionToWord,
)
from .measures.model import ExplainedShare, SilentWords, WordSeparation
from .measures.perturbation import Deletion, Insertion, WordDeletion, WordInsertion
from .measures.registry import ALL, measure_named
from .measures.sanity import RandomizedWeights, RandomMap
from .result import Evaluation

__all__ = [
    "ALL",
    "AbsentWords",
    "BestReading",
    "Deletion",
    "EnergyPointing",
    "Evaluation",
    "Example",
    "ExplainedShare",
    "FailedExample",
    "Insertion",
    "LeftOutWarning",
    "MaskIoU",
    "Measure",
    "PixelAccuracy",
    "PointingGame",
    "RandomMap",
    "RandomizedWeights",
    "RegionToWord",
    "SilentWords",
    "TrueCaptions",
    "WordDeletion",
    "WordInsertion",
    "WordSeparation",
    "WrongAttribute",
    "demo_examples",
    "evaluate",
    "measure_named",
    "scene_example",
]
