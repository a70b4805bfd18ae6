"""Measures of explanations, on drawn scenes or on data of one's own."""

from .examples import Example, demo_examples, scene_example
from .measure import Measure, evaluate
from .measures.localization import (
    BestReading,
    EnergyPointing,
    MaskIoU,
    PixelAccuracy,
    PointingGame,
    RegionToWord,
)
from .measures.perturbation import Deletion, Insertion
from .result import Evaluation

__all__ = [
    "BestReading",
    "Deletion",
    "EnergyPointing",
    "Evaluation",
    "Example",
    "Insertion",
    "MaskIoU",
    "Measure",
    "PixelAccuracy",
    "PointingGame",
    "RegionToWord",
    "demo_examples",
    "evaluate",
    "scene_example",
]
