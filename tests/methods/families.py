"""Small models of every family of image towers, and checks that several methods have in common."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from open_clip.model import CLIP

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene

from ..clip import invariants as check
from ..clip.conftest import small_clip
from ..clip.image_towers import test_attention_pooling as heads
from ..clip.image_towers import test_feature_map as maps
from ..clip.image_towers import test_timm_class_token as timm

CAPTION = "a dog in a red car"
PIXELS = check.picture(64, 64)

TRANSFORMERS: dict[str, Callable[[], CLIP]] = {
    "open_clip": small_clip,
    **{
        name: functools.partial(lambda make: check.with_tower(make()), kind.FAMILIES[family])
        for name, kind, family in (
            ("timm", timm, "vit"),
            ("post-norm", timm, "post-norm"),
            ("relative", timm, "relative-table"),
            ("eva01", timm, "eva01"),
            ("eva02", timm, "eva02"),
            ("siglip", heads, "siglip"),
            ("perception-encoder", heads, "perception-encoder"),
            ("registers-left-out", heads, "registers-left-out"),
            ("coca", heads, "coca-parallel"),
            ("averaged", maps, "averaged"),
            ("averaged-after-norm", maps, "averaged-after-norm"),
            ("clipa", maps, "clipa"),
        )
    },
}
OTHERS: dict[str, Callable[[], CLIP]] = {
    "resnet": lambda: check.with_tower(heads.FAMILIES["resnet"]()),
    "convnext": lambda: check.with_tower(maps.convnext()),
}


@functools.cache
def model(name: str) -> CLIP:
    """A small random model whose image tower is of that family."""
    return (TRANSFORMERS | OTHERS)[name]()


def pixels(clip: gw.ClipModel) -> torch.Tensor:
    """A normalized picture of the model's size."""
    return check.picture(*clip.image_tower.image_size)


def explain(clip: gw.ClipModel, method: str, **options: Any) -> gw.Explanation:
    """The explanation of a small picture."""
    return gw.Explainer(clip, method, method_options=options)(pixels(clip), CAPTION)


def check_narrow(name: str, method: str, **options: Any) -> None:
    """Maps under autocast and with narrow weights rank the patches as those in full precision do."""
    full = explain(check.wrap(model(name)), method, **options)
    wide = check.wrap(model(name))
    crop, tokenizer = wide.image_processor.crop, wide.tokenizer.tokenizer
    narrow = TRANSFORMERS[name]().to(torch.bfloat16)
    narrow_clips = [
        gw.ClipModel(model(name), crop, tokenizer, dtype="float16"),
        gw.ClipModel(narrow, crop, tokenizer),
    ]
    for clip in narrow_clips:
        e = explain(clip, method, **options)
        assert e.signed_map.dtype == np.float32
        together = np.corrcoef(_ranks(full.signed_map), _ranks(e.signed_map))[0, 1]
        assert together >= 0.95, f"{together:.3f}"


def check_stops(maps: Callable[[Any], object], clip: gw.ClipModel, total: int, at: int) -> None:
    """Progress is reported step by step and can stop the work, which does not change the model.

    Args:
        maps: computes maps, and reports to the callback that is its argument.
        clip: the model.
        total: number of steps.
        at: the step before which the callback stops the work.
    """
    reports: list[tuple[int, int | None]] = []

    def progress(stage: str, done: int, steps: int | None) -> None:
        reports.append((done, steps))
        if done == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        maps(progress)
    assert reports == [(n, total) for n in range(at + 1)]
    assert all(p.grad is None and p.requires_grad for p in clip.model.parameters())


def check_refuses_others(name: str, method: str) -> None:
    """A method that runs through the blocks of a transformer refuses other towers."""
    with pytest.raises(ValueError, match=f"'{method}'.*transformer"):
        gw.Explainer(check.wrap(model(name)), method)


def check_unknown_text(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a text tower of unknown blocks the attributions of Grad-ECLIP are used."""
    clip = check.wrap(model("open_clip"))
    monkeypatch.setattr(clip.text_tower, "has_transformer", False)
    ids = clip.tokenizer.add_special_tokens(clip.tokens(["a red car"])[0].ids)
    with clip.inference_context():
        _, trace = clip.text_tower.run([ids], 2, clip.tokenizer.special_tokens)
        ours = gw.Explainer(clip, method).method.token_attributions(trace, trace.embedding)
        expected = gw.Explainer(clip).method.token_attributions(trace)
    assert torch.equal(ours.embedding, expected.embedding)


def contrast(e: gw.Explanation, scene: Scene, word: str, reading: Any = "in caption") -> float:
    """How much higher a word's map is on its object than elsewhere, in standard deviations."""
    (mask,) = (thing.mask for thing in scene.objects if thing.name == word)
    rows, cols = e.patch_grid
    covered = mask.reshape(rows, mask.shape[0] // rows, cols, -1).mean((1, 3)) > 0.5
    values = e.raw_map(word, reading)
    return float((values[covered].mean() - values[~covered].mean()) / values.std())


def _ranks(values: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.argsort(np.argsort(values.ravel()))
