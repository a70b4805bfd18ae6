"""The guide's example of a new tower family, taken from the guide as it stands there."""

from __future__ import annotations

import functools
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from PIL import Image
from torch import Tensor, nn

import gradeclip_widget as gw
from gradeclip_widget.clip import model as registry

from . import invariants as check
from . import nudges

GUIDE = Path(registry.__file__).with_name("README.md")


@pytest.fixture(scope="module")
def code() -> list[str]:
    """The guide's two pieces of Python: the model, and the file of its family."""
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    return blocks


@pytest.fixture(scope="module")
def visual(code: list[str]) -> Any:
    names: dict[str, Any] = {"torch": torch, "nn": nn, "F": F, "Tensor": Tensor}
    exec(code[0], names)
    return names["Probe"](width=64, heads=4, embedding=check.EMBEDDING)


@pytest.fixture(scope="module")
def family(code: list[str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The file's tower class, registered as the guide says."""
    path = tmp_path_factory.mktemp("clip") / "probe.py"
    path.write_text(code[1])
    name = "gradeclip_widget.clip.probe"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        patch.setattr(registry, "IMAGE_FAMILIES", (module.ProbeTower, *registry.IMAGE_FAMILIES))
        yield module.ProbeTower


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


@pytest.mark.parametrize("method", ["grad-eclip", "grad-cam", "self-attention"])
def test_a_registered_family_is_explained(family: Any, model: CLIP, method: str) -> None:
    clip = check.wrap(model)
    assert isinstance(clip.image_tower, family)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 160, 3), np.uint8))
    e = gw.Explainer(clip, method)(image, "a red car")
    assert e.patch_grid == (4, 8)
    assert np.abs(e.interactions).max() > 0


def test_other_towers_are_told_what_the_family_is(family: Any) -> None:
    with pytest.raises(TypeError, match="it has no learnt query that reads patches"):
        family(nn.Flatten())
