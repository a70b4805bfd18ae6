"""What a measure gives, and which words of a caption name which things of a scene."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..demo.scenes import Scene
from ..demo.world import counted
from ..explain.explanation import Explanation


@dataclass(frozen=True)
class Result:
    """One measured figure."""

    value: float
    n: int  # what it is a mean over


Measured = dict[str, Result]


def mean(hits: Tensor | Sequence[float]) -> Result:
    """Return the mean of what was found one by one."""
    values = np.asarray(hits, dtype=np.float64)
    return Result(float(values.mean()), values.size)


def mentions(
    scene: Scene, explanation: Explanation
) -> Iterator[tuple[NDArray[np.bool_], list[int]]]:
    """For each thing the caption names: where it is, and the indices of the words that name it."""
    texts = [word.text for word in explanation.words]
    reached = 0
    for phrase in scene.mentioned:
        masks = [thing.mask for thing in scene.objects if thing.phrase == phrase]
        naming = counted(phrase, len(masks)).split()[-len(phrase.split()) :]
        while texts[reached : reached + len(naming)] != naming:
            reached += 1
        words = list(range(reached, reached + len(naming)))
        reached += len(naming)
        if (mask := np.logical_or.reduce(masks)).any():
            yield mask, words
