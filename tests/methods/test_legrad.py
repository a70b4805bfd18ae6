"""LeGrad, compared with its formula, computed by autograd on the models' modules."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.methods.legrad import LeGrad

from ..clip import invariants as check
from . import by_hand, families

BY_HAND = ["open_clip", "timm", "siglip", "averaged"]
OTHERS = ["relative", "registers-left-out", "clipa"]  # a bias, a head without some rows, a mean
TEXTS = F.normalize(check.random(3, check.EMBEDDING, seed=2), dim=-1)


def image_maps(
    clip: gw.ClipModel, directions: Tensor, progress: Any = None, **options: Any
) -> Tensor:
    more = [] if progress is None else [progress]
    with clip.inference_context():
        trace = clip.image_tower.trace(families.pixels(clip))
        return LeGrad(**options).image_maps(trace, directions, *more)


def formula(run: by_hand.Pass, text: Tensor, first: int = 0) -> Tensor:
    """The sum over blocks, one gradient at a time."""
    total = torch.zeros(len(run.leaving[0]))
    for leaving, weights in list(zip(run.leaving, run.weights, strict=True))[first:]:
        x, head = run.embed_mean(leaving)
        (slope,) = torch.autograd.grad(
            x @ text, weights if head is None else head, retain_graph=True
        )
        total += slope.clamp(min=0).reshape(-1, slope.shape[-1]).mean(0)
    return total[run.explained]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("name", BY_HAND)
def test_the_map_sums_positive_gradients_over_blocks(name: str, first: int) -> None:
    clip = check.wrap(families.model(name))
    run = by_hand.image(clip.model, families.pixels(clip))
    maps = image_maps(clip, TEXTS, start_layer=first)
    for row, text in zip(maps, TEXTS, strict=True):
        check.close(row, formula(run, text, first), 1e-4)


def test_blocks_can_be_counted_from_the_end() -> None:
    clip = check.wrap(families.model("open_clip"))
    assert torch.equal(
        image_maps(clip, TEXTS, start_layer=-2), image_maps(clip, TEXTS, start_layer=1)
    )


def test_maps_are_scaled_by_the_length_of_their_direction() -> None:
    clip = check.wrap(families.model("open_clip"))
    one, zero, longer = image_maps(clip, torch.stack([TEXTS[0], 0 * TEXTS[0], 2.5 * TEXTS[0]]))
    assert not zero.any()
    check.close(longer, 2.5 * one)


@pytest.mark.parametrize("name", ["open_clip", "siglip"])
def test_batches_of_texts_make_no_difference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = check.wrap(families.model(name))
    together = image_maps(clip, TEXTS)
    monkeypatch.setattr("gradeclip_widget.methods.legrad._SLOPES", 1)
    check.close(image_maps(clip, TEXTS), together)


def test_progress_is_reported_and_can_stop_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = check.wrap(families.model("open_clip"))
    monkeypatch.setattr("gradeclip_widget.methods.legrad._SLOPES", 1)
    families.check_stops(lambda report: image_maps(clip, TEXTS, report), clip, 9, 5)


@pytest.mark.parametrize("name", OTHERS)
def test_other_families_have_the_slopes_of_their_whole_graph(name: str) -> None:
    clip = check.wrap(families.model(name))
    run = by_hand.any_image(clip, families.pixels(clip))
    check.close(image_maps(clip, TEXTS[:1])[0], formula(run, TEXTS[0]), 1e-4)


@pytest.mark.parametrize("name", ["open_clip", "siglip", "averaged"])
def test_lower_precision_ranks_patches_the_same(name: str) -> None:
    families.check_narrow(name, "legrad")


@pytest.mark.parametrize("name", families.OTHERS)
def test_other_towers_are_refused(name: str) -> None:
    families.check_refuses_others(name, "legrad")


@pytest.mark.parametrize("start", [3, -4])
def test_a_block_that_does_not_exist_is_refused(start: int) -> None:
    clip = check.wrap(families.model("open_clip"))
    with pytest.raises(ValueError, match=f"start_layer={start}.*-3 to -1"):
        image_maps(clip, TEXTS, start_layer=start)


@pytest.mark.parametrize("start", ["last", 1.5, True])
def test_a_block_must_be_a_whole_number(start: Any) -> None:
    with pytest.raises(TypeError, match=r"start_layer.*whole number"):
        LeGrad(start_layer=start)


@pytest.mark.parametrize("reading", ["in caption", "alone"])
def test_maps_of_words_are_high_on_their_objects(
    clip: gw.ClipModel, scene: Scene, reading: str
) -> None:
    e = gw.Explainer(clip, "legrad")(scene.image, scene.caption)
    assert (e.signed_map >= 0).all()
    for word in ("dog", "circle"):
        assert families.contrast(e, scene, word, reading) > 1
