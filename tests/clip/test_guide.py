"""The examples of docs/extending.md work when they are added as the page describes."""

from __future__ import annotations

import contextlib
import functools
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from PIL import Image
from torch import Tensor, nn

import gradeclip_widget as gw
from gradeclip_widget import methods
from gradeclip_widget.cli import main
from gradeclip_widget.clip import image_towers
from gradeclip_widget.clip.image_towers.registry import FAMILIES
from gradeclip_widget.methods import METHODS
from gradeclip_widget.methods.registry import find_method
from gradeclip_widget.widget.backend.backend import Backend
from gradeclip_widget.widget.request import Request

from . import invariants as check
from . import nudges

# So that slow methods take little.
QUICK: dict[str, dict[str, Any]] = {"rise": {"masks": 4}, "m2ib": {"steps": 2}}

GUIDE = Path(__file__).parents[2] / "docs" / "extending.md"


def example(start: str) -> str:
    """The guide's piece of Python that starts so."""
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    (found,) = (block for block in blocks if block.startswith(start))
    return found


@contextlib.contextmanager
def added(
    code: str, name: str, package: ModuleType, classes: list[Any], cls: str, folder: Path
) -> Iterator[Any]:
    """A class of a new file in a package's folder, added to a list of classes."""
    (folder / f"{name}.py").write_text(code)
    package.__path__.append(str(folder))
    module = importlib.import_module(f"{package.__name__}.{name}")
    classes.append(getattr(module, cls))
    try:
        yield classes[-1]
    finally:
        classes.pop()
        package.__path__.remove(str(folder))
        del sys.modules[module.__name__]


@pytest.fixture(scope="module")
def visual() -> Any:
    names: dict[str, Any] = {"torch": torch, "nn": nn, "F": F, "Tensor": Tensor}
    exec(example("class Probe"), names)
    return names["Probe"](width=64, heads=4, embedding=check.EMBEDDING)


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The guide's tower class, in the towers' folder and in their list."""
    code, folder = example('"""Image towers'), tmp_path_factory.mktemp("image_towers")
    with added(code, "probe", image_towers, FAMILIES, "ProbeTower", folder) as tower:
        yield tower


@pytest.fixture(scope="module")
def method(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of the guide's method, in the methods' folder and in their list."""
    code, folder = example('"""Attention times gradient'), tmp_path_factory.mktemp("methods")
    name = "attention_times_gradient"
    with added(code, name, methods, METHODS, "AttentionTimesGradient", folder) as kind:
        yield kind.name


@pytest.fixture(scope="module")
def model(visual: Any) -> CLIP:
    return check.with_tower(visual)


@pytest.fixture
def tower(family: Any, model: CLIP) -> Any:
    return family(model.visual)


PIXELS = check.picture(64, 64)


def test_embedding_is_the_models_own(tower: Any, model: CLIP) -> None:
    check.check_embedding(tower, model, PIXELS)


def test_weights_are_the_scores_slope(tower: Any, model: CLIP) -> None:
    moving = functools.partial(nudges.by_bias, model.visual.project)
    check.check_weights(tower, model, PIXELS, moving=moving)


def test_values_with_true_attention_make_up_the_output(tower: Any) -> None:
    check.check_attention(tower, PIXELS)


def test_features_have_gradients(tower: Any) -> None:
    check.check_feature_gradients(tower, PIXELS)


def test_the_model_is_left_as_it_was(family: Any, model: CLIP) -> None:
    check.check_untouched(check.wrap(model), PIXELS)


def test_maps_in_lower_precision_rank_alike(family: Any, model: CLIP) -> None:
    check.check_lower_precision(model, PIXELS)


@pytest.mark.parametrize("name", methods.method_names())
def test_a_registered_family_is_explained(family: Any, model: CLIP, name: str) -> None:
    clip = check.wrap(model)
    assert isinstance(clip.image_tower, family)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 160, 3), np.uint8))
    if find_method(name).needs_transformer:
        with pytest.raises(ValueError, match="runs through the blocks of a transformer"):
            gw.Explainer(clip, name)
        return
    e = gw.Explainer(clip, name, method_options=QUICK.get(name))(image, "a red car")
    assert e.patch_grid == (4, 8)
    assert np.abs(e.interactions).max() > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [({"layers": 2}, "one block; give 1"), ({"single_head": True}, "learnt query")],
)
def test_a_family_refuses_what_its_base_class_says(
    tower: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        tower.trace(PIXELS, **options)


def test_other_towers_are_told_what_the_family_is(family: Any) -> None:
    with pytest.raises(TypeError, match="it has no learnt query over its patches"):
        family(nn.Flatten())


def test_a_registered_method_explains(method: str, clip: gw.ClipModel) -> None:
    image = gw.demo.scenes()[0].image
    e = gw.Explainer(clip, method)(image, "a red car")
    assert e.method == "Attention × gradient"
    assert np.abs(e.interactions).max() > 0
    with clip.inference_context():
        trace = clip.image_tower.trace(clip.image_processor.prepare(image).pixels)
        (attention,) = trace.attentions
        text = clip.embed([clip.tokenizer.add_special_tokens(clip.tokenizer.encode("a red car"))])
        weights = trace.vjp(text)[0, 0]
    class_token = attention.weights()[:, 0, None] * attention.v[0].unflatten(
        0, (attention.heads, -1)
    )
    expected = weights @ (attention.o - class_token.flatten())
    check.close(torch.tensor(e.signed_map.sum()), expected, 1e-4)


def test_a_registered_method_is_offered_everywhere(
    method: str, clip: gw.ClipModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert method in methods.method_names()
    assert methods.method_names()[0] == "grad-eclip"
    image = Image.new("RGB", (64, 64))
    offered = Backend([image], [clip]).methods(Request(0, ("a dog",), clip.name))
    entry = next(one for one in offered if one["name"] == method)
    assert entry["label"] == "Attention × gradient"
    assert entry["purpose"].startswith("The exact first-order parts")
    assert not entry["blocks"]
    image.save(tmp_path / "photo.png")
    assert main(["explain", str(tmp_path / "photo.png"), "a dog", "--method", "magic"]) == 2
    assert repr(method) in capsys.readouterr().err
    with pytest.raises(ValueError, match="has no maps of single blocks; use method='grad-eclip'"):
        gw.Explainer(clip, method).block_maps(image, "a dog")
