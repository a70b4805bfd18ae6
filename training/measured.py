"""Scenes explained and held against measures, and which words of a caption name which things of a scene."""

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
    """One measured figure."""

    value: float
    n: int  # what it is a mean over


Measured = dict[str, Result]


class ExplainedScene(NamedTuple):
    """A scene, and what an explainer says of its own caption.

    Attributes:
        scene: what is in view, and where.
        explainer: that explained it.
        encoded: the picture's pass through the image tower.
        explanation: of the scene's caption, integrated gradients included.
    """

    scene: Scene
    explainer: Explainer
    encoded: EncodedImage
    explanation: Explanation

    @property
    def case(self) -> Case:
        """The same as measures of `gradeclip_widget.evaluation` take it."""
        example = scene_example(self.scene)
        return Case(
            example, self.scene.image, self.explanation, self.explainer, self.explainer, (0, 0)
        )


Measure = Callable[[ExplainedScene], Iterable[tuple[str, float]]]  # figures of one scene, by name


def measure_scenes(
    clip: ClipModel,
    seeds: Sequence[int],
    styles: Sequence[str],
    measures: Sequence[Measure],
    resolution: int | None = None,
) -> Measured:
    """Explain scenes with 2 or 3 objects in view, each once, and return the means of all measures' figures.

    Args:
        clip: the model.
        seeds: of the scenes.
        styles: the drawing styles to use.
        measures: yield figures of a scene.
        resolution: short side in pixels that is explained; the model's own when ``None``.
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
    return {name: mean(found) for name, found in figures.items()}


def mean(hits: Tensor | Sequence[float]) -> Result:
    """Return the mean of what was found one by one."""
    values = np.asarray(hits, dtype=np.float64)
    return Result(float(values.mean()), values.size)


def mentions(
    scene: Scene, explanation: Explanation
) -> Iterator[tuple[NDArray[np.bool_], list[int]]]:
    """For each thing the caption names: where it is, and the indices of the words that name it."""
    for named in scene_example(scene).phrases(explanation.words):
        yield named.mask, named.words
