"""Explained scenes, their measures, and which words of a caption name which things of a scene."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gradeclip_widget.clip import ClipModel
from gradeclip_widget.demo.scenes import Scene, sample_scene
from gradeclip_widget.evaluation.cases import Case
from gradeclip_widget.evaluation.examples import scene_example
from gradeclip_widget.explain.explainer import Explainer
from gradeclip_widget.explain.explanation import Explanation
from gradeclip_widget.explain.setup import EncodedImage


@dataclass(frozen=True)
class Result:
    """A measured value."""

    value: float
    n: int  # number of values that it is the mean of


Measured = dict[str, Result]


class ExplainedScene(NamedTuple):
    """A scene and the explanation of its caption.

    Attributes:
        scene: the scene.
        explainer: the explainer.
        encoded: the picture's pass through the image tower.
        explanation: the explanation, with integrated gradients.
    """

    scene: Scene
    explainer: Explainer
    encoded: EncodedImage
    explanation: Explanation

    @property
    def case(self) -> Case:
        """The scene as a case for the measures of `gradeclip_widget.evaluation`."""
        example = scene_example(self.scene)
        return Case(
            example, self.scene.image, self.explanation, self.explainer, self.explainer, (0, 0)
        )


Measure = Callable[[ExplainedScene], Iterable[tuple[str, float]]]  # values of one scene, by name


def measure_scenes(
    clip: ClipModel,
    seeds: Sequence[int],
    styles: Sequence[str],
    measures: Sequence[Measure],
    resolution: int | None = None,
) -> Measured:
    """Explain scenes with 2 or 3 objects, each once, and return the means of all measures.

    Args:
        clip: the model.
        seeds: seeds of the scenes.
        styles: the drawing styles to use.
        measures: functions that yield values of a scene.
        resolution: short side in pixels; the model's own when ``None``.
    """
    figures: dict[str, list[float]] = defaultdict(list)
    explainer = Explainer(clip, resolution=resolution, integrated_gradients=True)
    for seed in seeds:
        scene = sample_scene(seed, 2 + seed % 2, styles=styles)
        encoded = explainer.encode(scene.image)
        explained = ExplainedScene(scene, explainer, encoded, explainer(encoded, scene.caption))
        for measure in measures:
            for name, figure in measure(explained):
                figures[name].append(figure)
    return {name: mean(values) for name, values in figures.items()}


def mean(hits: Tensor | Sequence[float]) -> Result:
    """Return the mean of single values."""
    values = np.asarray(hits, dtype=np.float64)
    return Result(float(values.mean()), values.size)


def mentions(
    scene: Scene, explanation: Explanation
) -> Iterator[tuple[NDArray[np.bool_], list[int]]]:
    """Yield the mask of each thing that the caption names, and the indices of its words."""
    for named in scene_example(scene).phrases(explanation.words):
        yield named.mask, named.words
