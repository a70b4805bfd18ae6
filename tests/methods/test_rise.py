"""RISE: covariance of the score with random masks, in every tower family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.methods.rise import Rise

from ..clip import invariants as check
from ..clip.conftest import small_clip
from ..clip.image_towers import test_attention_pooling as pooled
from ..clip.image_towers import test_feature_map as averaged
from ..clip.image_towers import test_timm_class_token as class_token

FAMILIES: dict[str, Callable[[], Any]] = {
    "class token": small_clip,
    "eva": lambda: check.with_tower(class_token.FAMILIES["eva02"]()),
    "relative": lambda: check.with_tower(class_token.FAMILIES["relative"]()),
    "siglip": lambda: check.with_tower(pooled.siglip()),
    "resnet": lambda: check.with_tower(pooled.FAMILIES["resnet"]()),
    "averaged": lambda: check.with_tower(averaged.vit()),
    "convnext": lambda: check.with_tower(averaged.convnext()),
}
FEW = {"masks": 12, "cells": 3, "batch": 5}
TEXTS = check.random(3, check.EMBEDDING, seed=4)


def masks_of(method: Rise, *size: int) -> Tensor:
    return torch.cat(list(method._draw(*size, batch=5)))


def by_hand(model: Any, pixels: Tensor, masks: Tensor, grid: tuple[int, int], p: float) -> Tensor:
    """Equation 6 for every pixel, one mask after the other, on deviations from the mean score."""
    with torch.no_grad():
        x = torch.cat([model.encode_image(pixels * mask, normalize=True) for mask in masks])
    scores = TEXTS @ x.flatten(1).T
    deviations = scores - scores.mean(1, keepdim=True)
    maps = torch.stack([(row[:, None, None] * masks).sum(0) for row in deviations])
    return F.adaptive_avg_pool2d(maps / (len(masks) * p), grid).flatten(1)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_map_is_the_covariance_of_score_and_mask_over_p(family: str) -> None:
    model = FAMILIES[family]()
    clip, method = check.wrap(model), Rise(**FEW, keep=0.4)
    size = clip.image_tower.image_size
    pixels = check.picture(*size)
    with clip.inference_context():
        trace = clip.image_tower.trace(pixels)
        maps = method.image_maps(trace, TEXTS)
    expected = by_hand(model, pixels, masks_of(method, *size), trace.grid, 0.4)
    check.close(maps, expected, 1e-4)


def test_a_mask_is_a_grid_of_cells_enlarged_and_cut_out_at_random() -> None:
    method = Rise(masks=40, cells=4, keep=0.3, seed=7)
    masks = masks_of(method, 40, 60)
    generator = torch.Generator().manual_seed(7)
    grids = torch.rand(40, 4, 6, generator=generator) < 0.3  # square cells of 10 pixels
    shifts = torch.randint(10, (40, 2), generator=generator).numpy()
    for mask, grid, (top, left) in zip(masks, grids.float().numpy(), shifts, strict=True):
        rows, cols = (  # centers of the large mask's pixels, in cells of the grid
            (np.arange(start, start + length) + 0.5) * cells / (10 * (cells + 1)) - 0.5
            for start, length, cells in ((top, 40, 4), (left, 60, 6))
        )
        across = np.stack([np.interp(cols, np.arange(6), row) for row in grid])
        expected = np.stack([np.interp(rows, np.arange(4), col) for col in across.T], axis=1)
        np.testing.assert_allclose(mask.numpy(), expected, atol=1e-5)
    assert len({tuple(shift) for shift in shifts.tolist()}) > 20


def test_masks_show_their_part_of_every_pixel_on_average() -> None:
    mean = torch.cat(list(Rise(masks=4000, keep=0.3)._draw(32, 48, batch=500))).mean(0)
    assert mean.shape == (32, 48)
    assert (mean - 0.3).abs().max() < 0.05


def test_masks_are_the_same_whatever_the_batch() -> None:
    one, other = (torch.cat(list(Rise(masks=9)._draw(32, 32, batch))) for batch in (2, 9))
    assert torch.equal(one, other)


def test_what_does_not_change_the_score_has_no_map() -> None:
    """The paper's own map would be the mean score everywhere."""
    clip = check.wrap(small_clip())
    with clip.inference_context():
        trace = clip.image_tower.trace(torch.zeros(1, 3, 96, 96))  # masks change no pixel
        assert trace.embedding.abs().max() > 0.1
        assert Rise(**FEW).image_maps(trace, TEXTS).abs().max() < 1e-6


def test_one_run_of_the_masks_serves_all_texts() -> None:
    clip, told = check.wrap(small_clip()), list[tuple[str, int, int | None]]()
    with clip.inference_context():
        trace = clip.image_tower.trace(check.picture(96, 96))
        maps = Rise(**FEW).image_maps(trace, TEXTS, lambda *step: told.append(step))
        assert told == [("masks", done, 12) for done in (0, 5, 10)]
        again = Rise(**FEW).image_maps(trace, 2 * TEXTS[:1], lambda *step: told.append(step))
        assert len(told) == 3
        check.close(again[0], 2 * maps[0])
        other = Rise(**FEW, seed=1).image_maps(trace, TEXTS, lambda *step: told.append(step))
    assert len(told) == 6
    assert (other - maps).abs().max() > 0.01 * maps.abs().max()


def test_maps_are_the_same_bit_for_bit_and_the_global_generator_is_left_alone() -> None:
    clip, made = check.wrap(small_clip()), list[Tensor]()
    for seed in (3, 4):
        torch.manual_seed(seed)
        before = torch.random.get_rng_state()
        with clip.inference_context():
            trace = clip.image_tower.trace(check.picture(96, 96))
            made.append(Rise(masks=30).image_maps(trace, TEXTS))
        assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(made[0], made[1])


def test_work_that_is_stopped_leaves_nothing_behind() -> None:
    clip = check.wrap(small_clip())

    def stop(stage: str, done: int, total: int | None) -> None:
        if done:
            raise KeyboardInterrupt

    with clip.inference_context():
        trace = clip.image_tower.trace(check.picture(96, 96))
        with pytest.raises(KeyboardInterrupt):
            Rise(**FEW).image_maps(trace, TEXTS, stop)
        told: list[int] = []
        Rise(**FEW).image_maps(trace, TEXTS, lambda stage, done, total: told.append(done))
    assert told == [0, 5, 10]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_maps_in_lower_precision_agree(dtype: str) -> None:
    model, maps = small_clip(), list[Tensor]()
    for clip in (check.wrap(model), gw.ClipModel(model, check.wrap(model).image_processor.crop,
                                                 check.simple_tokenizer(), dtype=dtype)):  # fmt: skip
        with clip.inference_context():
            trace = clip.image_tower.trace(check.picture(96, 96))
            maps.append(Rise(masks=40).image_maps(trace, TEXTS))
    assert maps[1].dtype == torch.float32
    assert np.corrcoef(torch.stack(maps).flatten(1))[0, 1] > 0.98


def test_the_named_object_is_found(explainer: gw.Explainer, scene: Scene) -> None:
    e = explainer.with_method("rise", masks=300)(scene.image, "a dog and a red circle")
    for thing, word in zip(scene.objects, ("dog", "circle"), strict=True):
        word_map = e.raw_map(word, "alone")
        row, col = np.unravel_index(word_map.argmax(), word_map.shape)
        left, top, right, bottom = thing.box
        # A patch of 16 pixels to either side is allowed: the cells of the masks have 28.
        assert left - 16 <= (col + 0.5) * 16 <= right + 16
        assert top - 16 <= (row + 0.5) * 16 <= bottom + 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"masks": 1}, "masks=1 of method='rise': give at least 2"),
        ({"cells": 0}, "cells=0 of method='rise': give at least 1"),
        ({"batch": 0}, "batch=0 of method='rise': give at least 1"),
        ({"keep": 1.0}, "keep=1.0 of method='rise': give a probability between 0 and 1"),
    ],
)
def test_invalid_options_are_refused(
    explainer: gw.Explainer, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        explainer.with_method("rise", **options)
