"""Converted models of transformers are compared with the original model; differences are errors."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

import gradeclip_widget as gw

from .. import invariants as check
from ..loading.test_transformers import CAPTION, clip_pair, features, siglip_pair

pytest.importorskip("transformers")

PIXELS = check.picture(64, 64)
PAIRS = {"clip": clip_pair, "siglip": siglip_pair}


@pytest.fixture(scope="module", params=PAIRS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    model, processor = PAIRS[request.param](tmp_path_factory.mktemp("tokenizer"))
    return check.enliven(model), processor


@pytest.fixture
def pair(built: Any) -> Any:
    return copy.deepcopy(built[0]), built[1]


def own_score(model: Any, processor: Any) -> float:
    ids = processor.tokenizer([CAPTION.lower()], padding="max_length", return_tensors="pt")
    with torch.no_grad():
        x = features(model.get_image_features(pixel_values=PIXELS))
        t = features(model.get_text_features(input_ids=ids["input_ids"]))
    return float(torch.cosine_similarity(x, t)[0])


def score(clip: gw.ClipModel) -> float:
    return float(gw.Explainer(clip, readings=False)(PIXELS, CAPTION.lower()).score)


def adapted(model: Any, *targets: str) -> Any:
    peft = pytest.importorskip("peft")
    tuned = peft.get_peft_model(model, peft.LoraConfig(target_modules=list(targets), r=4)).eval()
    generator = torch.Generator().manual_seed(0)
    for name, weights in tuned.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(weights, std=0.3, generator=generator)
    return tuned


@pytest.mark.parametrize("targets", [("q_proj", "v_proj"), ("fc1", "fc2")])
def test_lora_is_refused_until_it_is_merged(pair: Any, targets: tuple[str, ...]) -> None:
    model, processor = pair
    base = own_score(model, processor)
    tuned = adapted(model, *targets)
    inner = tuned.base_model.model  # without the wrapper
    expected = own_score(inner, processor)
    assert abs(expected - base) > 0.005
    with pytest.raises(ValueError, match="peft"):
        gw.from_transformers(inner, processor)
    with pytest.raises(TypeError, match="merge_and_unload"):
        gw.from_transformers(tuned, processor)
    tuned.merge_adapter()  # merged in place: the layers of the adapter stay
    assert score(gw.from_transformers(inner, processor)) == pytest.approx(expected, abs=1e-4)
    tuned.unmerge_adapter()
    merged = gw.from_transformers(tuned.merge_and_unload(), processor)
    assert score(merged) == pytest.approx(expected, abs=1e-4)


def test_a_hook_is_refused(pair: Any) -> None:
    model, processor = pair
    model.vision_model.encoder.layers[0].register_forward_hook(_turned)
    with pytest.raises(ValueError, match=r"get_image_features.*hooks \(vision_model.enc"):
        gw.from_transformers(model, processor)


def test_a_parametrized_layer_is_explained(pair: Any) -> None:
    model, processor = pair
    base = own_score(model, processor)
    layer = model.vision_model.encoder.layers[0]
    for part in (layer.mlp.fc1, layer.self_attn.q_proj):
        parametrize.register_parametrization(part, "weight", Turned())
    expected = own_score(model, processor)
    assert abs(expected - base) > 1e-3
    assert score(gw.from_transformers(model, processor)) == pytest.approx(expected, abs=1e-4)


def test_a_model_changed_after_its_conversion_is_refused(pair: Any) -> None:
    model, processor = pair
    clip = gw.from_transformers(model, processor)
    before = score(clip)
    with torch.no_grad():
        model.text_model.final_layer_norm.weight.mul_(torch.linspace(0.5, 2, 32))
    with pytest.raises(ValueError, match="converted"):
        score(clip)
    again = score(gw.from_transformers(model, processor))
    assert again == pytest.approx(own_score(model, processor), abs=1e-4)
    assert abs(again - before) > 1e-3


def test_a_model_that_was_changed_and_restored_is_explained(pair: Any) -> None:
    model, processor = pair
    clip = gw.from_transformers(model, processor)
    before = score(clip)
    hook = model.vision_model.register_forward_hook(lambda *args: None)
    assert score(clip) == before
    hook.remove()
    assert score(clip) == before


def test_the_original_model_is_not_kept_alive(pair: Any) -> None:
    clip = gw.from_transformers(copy.deepcopy(pair[0]), pair[1])
    gc.collect()
    assert clip._original.module is None
    assert np.isfinite(score(clip))
    copied = weakref.ref(pair[0])
    assert copied() is not None


class Turned(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight.roll(1, 0) * 1.1


def _turned(module: nn.Module, args: Any, out: Any) -> Any:
    return out.roll(1, -1) if isinstance(out, Tensor) else (out[0].roll(1, -1), *out[1:])
