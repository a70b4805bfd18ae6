"""Weights that are not numbers, not plain or not in one place: the error names them."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from open_clip.model import CLIP
from torch import nn

import gradeclip_widget as gw
from gradeclip_widget.clip.verification.weights import check_weights, not_finite

from .. import invariants as check
from ..conftest import small_clip

PIXELS = check.picture(96, 96)
CAPTION = "a red car"


@pytest.fixture
def model() -> CLIP:
    return small_clip()


def explain(model: Any, caption: str = CAPTION, **options: Any) -> gw.Explanation:
    clip = check.wrap(model)
    clip.dtype = options.pop("dtype", None)
    return gw.Explainer(clip, readings=False)(PIXELS, caption)


def enlarge(model: CLIP, factor: float) -> None:
    """Multiply the weights of the image tower's MLPs."""
    for name, weights in model.visual.named_parameters():
        if "mlp" in name:
            weights.data *= factor


# Values


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize("name", ["visual.proj", "transformer.resblocks.1.mlp.c_fc.weight"])
def test_a_weight_that_is_not_finite_is_named(model: CLIP, name: str, value: str) -> None:
    weights = dict(model.named_parameters())[name]
    weights.data.flatten()[:2] = float(value)
    what = {"nan": "2 NaN", "inf": "2 infinite"}[value]
    with pytest.raises(ValueError, match=rf"{name} has {what} of {weights.numel()} values"):
        explain(model)


def test_a_buffer_that_is_not_finite_is_named(model: CLIP) -> None:
    model.visual.conv1 = nn.Sequential(
        model.visual.conv1, nn.BatchNorm2d(model.visual.conv1.out_channels)
    ).eval()
    model.visual.conv1[1].running_var[3] = float("nan")
    assert not_finite(model) == [
        f"visual.conv1.1.running_var has 1 NaN of {model.visual.conv1[0].out_channels} values"
    ]


def test_infinity_in_a_mask_is_no_fault(model: CLIP) -> None:
    assert bool(model.attn_mask.isinf().any())
    assert not_finite(model) == []


def test_a_weight_that_only_some_captions_read_is_named(model: CLIP) -> None:
    (token,) = check.simple_tokenizer().encode("zebra")
    model.token_embedding.weight.data[token] = float("nan")
    explain(model)
    with pytest.raises(ValueError, match=r"'a zebra'.*token_embedding.weight has \d+ NaN"):
        explain(model, "a zebra")
    with pytest.raises(ValueError, match=r"'a zebra'.*token_embedding.weight"):  # not the others
        gw.Explainer(check.wrap(model)).scores(PIXELS, [CAPTION, "a zebra"])


def test_float16_that_overflows_is_named_with_the_module(model: CLIP) -> None:
    enlarge(model, 300)
    explain(model)
    with pytest.raises(
        ValueError, match=r"resblocks.0.mlp.c_proj \(Linear\), in float16.*bfloat16"
    ) as error:
        explain(model.half())
    assert "random" not in str(error.value)
    explain(model.bfloat16())


def test_float16_that_overflows_for_one_picture_is_named(model: CLIP) -> None:
    enlarge(model, 300)  # the check runs in the weights' own dtype, and passes
    with pytest.raises(ValueError, match=r"this picture.*resblocks.0.mlp.c_proj.*float16"):
        explain(model, dtype=torch.float16)
    explain(model, dtype=torch.bfloat16)


def test_values_between_modules_are_not_blamed_on_randomness(model: CLIP) -> None:
    own = model.encode_image
    model.encode_image = lambda image, normalize=False: own(image) * float("inf")
    with pytest.raises(ValueError, match=r"encode_image.*NaN or infinity") as error:
        explain(model)
    assert "random" not in str(error.value)


@pytest.mark.parametrize(("value", "text"), [(100.0, "inf"), (float("nan"), "nan")])
def test_a_logit_scale_that_is_not_finite_gives_a_note(
    model: CLIP, value: float, text: str
) -> None:
    assert not [note for note in explain(model).notes if "logit_scale" in note]
    model.logit_scale.data.fill_(value)
    (note,) = [note for note in explain(model).notes if "logit_scale" in note]
    assert f"is {text}" in note


# Kinds and places


@pytest.mark.filterwarnings("ignore")  # of torch, about what replaces its quantization
def test_quantized_layers_are_named(model: CLIP) -> None:
    quantized = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)
    with pytest.raises(ValueError, match=r"quantized .*resblocks.0.mlp.c_fc"):
        explain(quantized)


def test_weights_of_integers_are_named(model: CLIP) -> None:
    layer = model.visual.transformer.resblocks[0].mlp.c_fc
    layer.weight = nn.Parameter(layer.weight.to(torch.int8), requires_grad=False)
    with pytest.raises(ValueError, match=r"quantized .*resblocks.0.mlp.c_fc \(Linear\)"):
        explain(model)


def test_weights_without_values_are_named(model: CLIP) -> None:
    clip = check.wrap(model)
    gw.Explainer(clip)(PIXELS, CAPTION)
    model.visual.to("meta")  # as after offloading
    with pytest.raises(ValueError, match=r"'meta'.*visual"):
        gw.Explainer(clip)(PIXELS, CAPTION)


def test_several_devices_are_named() -> None:
    places = {"visual.proj": "cuda:0", "text.proj": "cuda:1", "logit_scale": "cuda:0"}
    tensors = [(n, SimpleNamespace(device=torch.device(d))) for n, d in places.items()]
    model = SimpleNamespace(named_parameters=lambda: tensors[:2], named_buffers=lambda: tensors[2:])
    with pytest.raises(
        ValueError, match=r"visual.proj, logit_scale on cuda:0; text.proj on cuda:1"
    ):
        check_weights(model)


def test_weights_that_are_divided_among_processes_are_named(model: CLIP) -> None:
    kind = type("DTensor", (nn.Parameter,), {"__module__": "torch.distributed.tensor"})
    layer = model.visual.transformer.resblocks[0].mlp.c_fc
    layer.bias.__class__ = kind
    with pytest.raises(ValueError, match=r"divided among processes \(visual.*c_fc.bias"):
        check_weights(model)


def test_a_model_is_explained_within_autocast_as_without(model: CLIP) -> None:
    expected = explain(copy.deepcopy(model)).score
    with torch.autocast("cpu", torch.bfloat16):
        assert explain(model).score == expected
