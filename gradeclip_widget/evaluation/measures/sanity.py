"""Sanity checks: whether a map depends on the model, and random maps for comparison."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from ...core.ranks import spearman
from ...explain.explainer import Explainer
from ...explain.explanation import Explanation
from ..bootstrap import Values
from ..cases import Case, Explain, Row, model_of
from ..measure import Measure

SURVIVES = "survives"  # column of the table: whether the maps survive shuffled weights


@dataclass(frozen=True)
class RandomizedWeights(Measure):
    """Rank correlation of a caption's map with the map after the image tower's weights were shuffled.

    A map changes if it depends on what the model has learned. Maps that survive, as an edge detector's would,
    have a mean correlation above the threshold; the table has a column ``survives``. The values of each
    weight tensor are permuted within it, which works for every tower and keeps the scale of its layers; the
    authors draw new values instead. The explainer's model does not change: a copy of its image tower is
    shuffled.

    Args:
        stages: 1 shuffles all weights at once. With more stages the curve shows a cascade: tensors are
            shuffled from the output on, a further part of them at each stage. Each stage has a copy of the
            tower.
        threshold: largest mean correlation, after all weights were shuffled, of maps that do not survive.

    Raises:
        ValueError: ``stages`` is less than 1.

    Reference:
        Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, section 3.
    """

    stages: int = 1
    threshold: float = 0.5
    _shuffled: Sequence[Mapping[int, Explain]] = field(default=(), repr=False, compare=False)

    name = "randomized weights"
    unit = "rank correlation with the map after the weights were shuffled"
    better = "lower"
    requirement = "a map that is not constant, of an explainer with a model"

    def __post_init__(self) -> None:
        """Check the number of stages."""
        if self.stages < 1:
            raise ValueError(f"stages={self.stages}: give at least 1")

    @property
    def axis(self) -> tuple[str, Values]:
        """Label and values (stages + 1,) of the part of the image tower's weight tensors that is shuffled."""
        return "part of the weights shuffled, from the output on", np.linspace(
            0, 1, self.stages + 1
        )

    def prepare(self, explainers: Mapping[str, Explain], seed: int) -> RandomizedWeights:
        """Return the measure with copies of the explainers, their models shuffled."""
        with_model = [e for e in explainers.values() if model_of(e) is not None]
        parts = self.axis[1][1:].tolist()
        return replace(self, _shuffled=[_shuffled(with_model, part, seed) for part in parts])

    def rows(self, case: Case) -> Iterator[Row]:
        """Yield the correlation after all weights were shuffled, with the curve of a cascade."""
        if id(case.explainer) not in self._shuffled[0]:
            return
        before = case.explanation.signed_map
        if not np.ptp(before):
            return
        curve = [1.0]
        for explainers in self._shuffled:
            explanation = explainers[id(case.explainer)](case.image, case.example.caption)
            after = explanation.signed_map
            curve.append(spearman(before, after) if np.ptp(after) else 0.0)
        yield Row(curve[-1], curve=np.array(curve) if self.stages > 1 else None)

    def flags(self, mean: float) -> dict[str, Any]:
        """Return whether a method's maps survive."""
        return {SURVIVES: mean > self.threshold}


class RandomMap:
    """A control: explanations of random numbers, maps between 0 and 1 and importances of either sign.

    Its expected score in the pointing game is the part of the picture that the object covers. The same
    picture and caption have the same map.

    >>> import gradeclip_widget as gw
    >>> control = RandomMap(gw.Explainer(gw.load("demo")))
    >>> scene = gw.demo.scenes()[0]
    >>> control(scene.image, scene.caption).method
    'random map'

    Args:
        explainer: makes all of the explanation except the random numbers.
        seed: seed of the random numbers.
    """

    label = "random map"

    def __init__(self, explainer: Explainer, seed: int = 0) -> None:
        self.explainer, self.seed = explainer, seed

    def __call__(self, image: Any, caption: str) -> Explanation:
        """Return an explanation with random maps; arguments and errors are those of `Explainer`."""
        e: Explanation = self.explainer(image, caption)
        checksums = zlib.crc32(e.image.tobytes()), zlib.crc32(caption.encode())
        rng = np.random.default_rng([self.seed, *checksums])
        maps: dict[str, Any] = {
            name: None if (values := getattr(e, name)) is None else rng.random(values.shape)
            for name in ("signed_map", "interactions", "alone", "left_out")
        }
        importance = rng.random(len(e.tokens))
        signed: dict[str, Any] = {
            name: None if getattr(e, name) is None else rng.normal(size=len(e.words))
            for name in ("shapley", "word_effects")
        }
        return replace(
            e,
            **maps,
            **signed,
            empty_score=None if signed["shapley"] is None else e.score - signed["shapley"].sum(),
            token_importance=importance / importance.sum(),
            method=self.label,
        )


def _shuffled(explainers: Sequence[Explain], part: float, seed: int) -> dict[int, Explain]:
    """Return copies of explainers, by their ids, with a part of their image towers' weights shuffled.

    Copies of explainers of one model share one copy of it. All weights but the image tower's are shared with
    the original model.
    """
    shared: dict[int, Any] = {}  # objects that `deepcopy` does not copy
    for explainer in explainers:
        model = model_of(explainer).clip.model  # type: ignore[union-attr]  # checked by `prepare`
        in_tower = set(map(id, model.visual.parameters()))
        shared |= {id(t): t for t in model.parameters() if id(t) not in in_tower}
    with torch.inference_mode(False):  # copies made in that mode have no gradients
        copies = copy.deepcopy(list(explainers), shared)
    towers = {
        id(tower): tower
        for tower in (model_of(e).clip.model.visual for e in copies)  # type: ignore[union-attr]
    }
    for tower in towers.values():
        shuffle_weights(tower, part, seed)
    return {id(e): copied for e, copied in zip(explainers, copies, strict=True)}


@torch.no_grad()
def shuffle_weights(tower: nn.Module, part: float, seed: int) -> None:
    """Permute the values within each of the last parameters of a module, in place.

    Args:
        tower: the module.
        part: part of its parameters that is permuted, counted from the last one, 0 to 1.
        seed: seed of the permutations, which are the same for every ``part``.
    """
    generator = torch.Generator().manual_seed(seed)
    parameters = list(tower.parameters())[::-1]
    for values in parameters[: round(part * len(parameters))]:
        order = torch.randperm(values.numel(), generator=generator, device="cpu").to(values.device)
        values.copy_(values.flatten()[order].view_as(values))
