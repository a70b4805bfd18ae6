"""Attention rollout, compared with the product of the attention matrices of the models' modules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.methods.rollout import Rollout

from ..clip import invariants as check
from . import by_hand, families

BY_HAND = ["open_clip", "timm", "siglip", "averaged"]
OTHERS = ["relative", "registers-left-out", "clipa"]  # a bias, a head without some rows, a mean


def image_maps(clip: gw.ClipModel, directions: Tensor) -> Tensor:
    with clip.inference_context():
        return Rollout().image_maps(clip.image_tower.trace(families.pixels(clip)), directions)


def text_trace(clip: gw.ClipModel) -> Any:
    ids = clip.tokenizer.add_special_tokens(clip.tokenizer.encode(families.CAPTION))
    return clip.text_tower.run([ids], 1)[1]


def rolled_out(run: by_hand.Pass) -> Tensor:
    """One row of the whole product, over the explained tokens."""
    product = torch.eye(len(run.leaving[-1]))
    for weights in run.weights:
        product = (0.5 * weights.mean(0) + 0.5 * torch.eye(len(product))) @ product
    check.close(product.sum(-1), torch.ones(len(product)))
    _, head = run.embed(run.leaving[-1])
    pooled = run.pooled if head is None else head.mean(0)[0]
    return (pooled @ product)[run.explained]


@pytest.mark.parametrize("name", BY_HAND)
def test_the_map_is_the_pooled_row_of_the_product_of_all_blocks(name: str) -> None:
    clip = check.wrap(families.model(name))
    with torch.no_grad():
        expected = rolled_out(by_hand.image(clip.model, families.pixels(clip)))
    maps = image_maps(clip, check.random(2, check.EMBEDDING, seed=2))
    check.close(maps[0] / maps[0].sum(), expected / expected.sum())


def test_all_texts_have_the_same_map_times_their_length() -> None:
    clip = check.wrap(families.model("open_clip"))
    directions = torch.eye(check.EMBEDDING)[:3] * torch.tensor([1.0, 0.0, 2.5])[:, None]
    one, zero, longer = image_maps(clip, directions)
    with torch.no_grad():
        check.close(one, rolled_out(by_hand.image(clip.model, families.pixels(clip))))
    assert not zero.any()
    check.close(longer, 2.5 * one)


def test_words_have_the_relevance_of_their_attention_path_to_eot() -> None:
    clip = check.wrap(families.model("open_clip"))
    with clip.inference_context():
        trace = text_trace(clip)
        attributions = Rollout().token_attributions(trace)
        run = by_hand.text(clip.model, check.simple_tokenizer()([families.CAPTION]))
        expected = rolled_out(run)
    check.close(attributions.of_score(torch.ones(check.EMBEDDING), freeze_norms=True), expected)
    check.close(attributions.embedding, expected[:, None] * trace.embedding)


@pytest.mark.parametrize("name", OTHERS)
def test_other_families_have_the_product_of_their_whole_matrices(name: str) -> None:
    clip = check.wrap(families.model(name))
    with torch.no_grad():
        expected = rolled_out(by_hand.any_image(clip, families.pixels(clip)))
    maps = image_maps(clip, torch.eye(check.EMBEDDING)[:1])
    check.close(maps[0], expected)


@pytest.mark.parametrize("name", ["open_clip", "siglip"])
def test_lower_precision_ranks_patches_the_same(name: str) -> None:
    families.check_narrow(name, "rollout")


@pytest.mark.parametrize("name", families.OTHERS)
def test_other_towers_are_refused(name: str) -> None:
    families.check_refuses_others(name, "rollout")


def test_a_text_tower_of_unknown_blocks_has_attributions_of_grad_eclip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    families.check_unknown_text("rollout", monkeypatch)


def test_all_words_of_a_scene_have_the_same_map(clip: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(clip, "rollout")(scene.image, scene.caption)
    dog, circle = e.raw_map("dog", "alone"), e.raw_map("circle", "alone")
    assert (dog > 0).all()
    np.testing.assert_allclose(dog / dog.sum(), circle / circle.sum(), rtol=1e-5)
