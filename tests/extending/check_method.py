"""Checks of the example method, run in a copy of the project that has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget import methods
from gradeclip_widget.cli import main
from gradeclip_widget.widget.backend.backend import Backend
from gradeclip_widget.widget.request import Request

from ..clip import invariants as check

METHOD = "attention-times-gradient"


def test_the_method_explains(clip: gw.ClipModel) -> None:
    image = gw.demo.scenes()[0].image
    e = gw.Explainer(clip, METHOD)(image, "a red car")
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


def test_the_method_is_offered_everywhere(
    clip: gw.ClipModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert METHOD in methods.method_names()
    assert methods.method_names()[0] == "grad-eclip"
    image = Image.new("RGB", (64, 64))
    offered = Backend([image], [clip]).methods(Request(0, ("a dog",), clip.name))
    entry = next(one for one in offered if one["name"] == METHOD)
    assert entry["label"] == "Attention × gradient"
    assert entry["purpose"].startswith("The exact first-order parts")
    assert not entry["blocks"]
    image.save(tmp_path / "photo.png")
    assert main(["explain", str(tmp_path / "photo.png"), "a dog", "--method", "magic"]) == 2
    assert repr(METHOD) in capsys.readouterr().err
    with pytest.raises(ValueError, match="has no maps of single blocks; use method='grad-eclip'"):
        gw.Explainer(clip, METHOD).block_maps(image, "a dog")
