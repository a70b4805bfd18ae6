"""Maps after the weights were shuffled, and random maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.evaluation import (
    EnergyPointing,
    RandomizedWeights,
    RandomMap,
    demo_examples,
)
from gradeclip_widget.evaluation.measures.sanity import shuffle_weights

from .handmade import RIGHT_MAPS, by_hand, example


class Edges:
    """Explains with the brightness of the picture, independently of the model."""

    def __init__(self, explainer: gw.Explainer) -> None:
        self.explainer = explainer

    def __call__(self, image: Any, caption: str) -> gw.Explanation:
        e = self.explainer(image, caption)
        brightness = np.asarray(e.image.convert("L").resize(e.patch_grid[::-1]), np.float32)
        return type(e)(**vars(e) | {"signed_map": brightness})


def test_a_map_that_ignores_the_model_is_flagged(clip: gw.ClipModel) -> None:
    one = gw.Explainer(clip)
    methods: dict[str, Any] = {"Grad-ECLIP": one, "edges": Edges(one), "attention": None}
    methods["attention"] = gw.Explainer(clip, "self-attention")
    table = RandomizedWeights()(methods, demo_examples(4, 490_000), progress=False).table
    result = table.set_index("method")
    assert result["survives"].to_dict() == {"Grad-ECLIP": False, "edges": True, "attention": False}
    assert result["mean"]["edges"] == pytest.approx(1)
    assert abs(result["mean"]["Grad-ECLIP"]) < 0.4


def test_the_explainers_model_does_not_change(clip: gw.ClipModel) -> None:
    one = gw.Explainer(clip)
    before = {name: value.clone() for name, value in clip.model.state_dict().items()}
    measure = RandomizedWeights(stages=2)
    prepared = measure.prepare({"a": one, "b": gw.Explainer(clip, "grad-cam")}, 0)
    measure(one, demo_examples(1), progress=False)
    for name, value in clip.model.state_dict().items():
        assert torch.equal(value, before[name]), name
    first, second = prepared._shuffled[0].values()
    assert first.clip is second.clip is not clip
    texts = [model.model.token_embedding.weight for model in (first.clip, clip)]
    assert texts[0] is texts[1]


def test_a_cascade_starts_at_the_output(clip: gw.ClipModel) -> None:
    result = RandomizedWeights(stages=3)(gw.Explainer(clip), demo_examples(2), progress=False)
    assert result.curves is not None
    assert result.curves["step"].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert result.curves["mean"][0] == 1
    assert result.curves["mean"][3] == pytest.approx(result.table["mean"][0])


def test_each_tensor_keeps_its_values_in_another_order() -> None:
    def tower() -> torch.nn.Module:
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 8))

    plain, half, whole, again = (tower() for _ in range(4))
    shuffle_weights(half, 0.5, 3)
    shuffle_weights(whole, 1.0, 3)
    shuffle_weights(again, 1.0, 3)
    for name, value in plain.named_parameters():
        shuffled = whole.get_parameter(name)
        assert not torch.equal(shuffled, value), name
        assert torch.equal(shuffled.flatten().sort().values, value.flatten().sort().values)
        assert torch.equal(shuffled, again.get_parameter(name))
    # A half is shuffled from the end on, as the whole is.
    assert torch.equal(half.get_parameter("0.weight"), plain.get_parameter("0.weight"))
    assert torch.equal(half.get_parameter("1.weight"), whole.get_parameter("1.weight"))


def test_methods_without_a_model_are_not_checked(explainer: gw.Explainer) -> None:
    methods = {"by hand": by_hand(RIGHT_MAPS), "model": explainer}
    table = RandomizedWeights()(methods, demo_examples(1), progress=False).table
    assert table["method"].tolist() == ["model"]
    with pytest.raises(ValueError, match="a model"):
        RandomizedWeights()(methods["by hand"], [example()], progress=False)


def test_a_random_map_is_the_same_for_the_same_picture_and_caption(
    explainer: gw.Explainer, scene: Scene
) -> None:
    one, again, other = (RandomMap(explainer, seed) for seed in (1, 1, 2))
    maps = [control(scene.image, scene.caption).signed_map for control in (one, again, other)]
    assert (maps[0] == maps[1]).all()
    assert (maps[0] != maps[2]).any()
    assert (one(scene.image, "a dog").signed_map != maps[0]).any()


def test_the_energy_of_a_random_map_is_the_area_of_the_mask(explainer: gw.Explainer) -> None:
    examples = list(demo_examples(10, 490_000))
    result = EnergyPointing()(RandomMap(explainer), examples, progress=False)
    areas = [mask.mean() for one in examples for mask in one.masks.values()]
    assert result.table["mean"][0] == pytest.approx(np.mean(areas), rel=0.1)
    assert result.table["method"][0] == "random map"


def test_less_than_one_stage_raises_an_error() -> None:
    with pytest.raises(ValueError, match="stages=0"):
        RandomizedWeights(stages=0)
