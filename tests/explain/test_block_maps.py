"""Single blocks, and that they add up to what is explained."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from open_clip.transformer import VisionTransformer

import gradeclip_widget as gw
from gradeclip_widget.core.evidence import sum_tokens
from gradeclip_widget.export.payload import to_raw_depth

from ..clip.conftest import small_clip
from ..clip.invariants import picture, with_tower, wrap

CAPTION = "a dog next to a red circle"


@pytest.fixture(scope="module")
def small() -> gw.ClipModel:
    """Three image blocks, four text blocks."""
    return wrap(small_clip())


def assert_adds_up(explainer: gw.Explainer, image: object, caption: str) -> None:
    e, depth = explainer(image, caption), explainer.block_maps(image, caption)
    whole = np.concatenate([e.signed_map[None], e.raw_maps()])
    scale = np.abs(whole).max()
    explained = depth.image_maps[-explainer.image_layers :].sum(0)
    np.testing.assert_allclose(explained, whole, atol=1e-5 * scale)
    explained = depth.text_maps[-explainer.text_layers :].sum(0)
    np.testing.assert_allclose(explained, e.raw_maps(), atol=1e-5 * scale)


@pytest.mark.parametrize(("image_layers", "text_layers"), [(1, 8), (2, 1), (3, 3)])
def test_explained_blocks_sum_to_the_explanation(
    small: gw.ClipModel, image_layers: int, text_layers: int
) -> None:
    explainer = gw.Explainer(small, image_layers=image_layers, text_layers=text_layers)
    assert_adds_up(explainer, picture(96, 128), "a red-ish dog, running")


def test_a_tower_with_a_feature_map_has_one_block() -> None:
    pooled = VisionTransformer(
        image_size=64, patch_size=16, width=64, layers=3, heads=2, mlp_ratio=2.0,
        output_dim=48, pool_type="avg",
    )  # fmt: skip
    explainer = gw.Explainer(wrap(with_tower(pooled)))
    depth = explainer.block_maps(picture(64, 64), CAPTION)
    assert depth.image_maps.shape == (1, 8, 4, 4)
    assert depth.text_maps.shape == (4, 7, 4, 4)
    assert_adds_up(explainer, picture(64, 64), CAPTION)


def test_a_single_text_block_has_the_importance_of_explaining_it_alone(
    small: gw.ClipModel,
) -> None:
    explainer = gw.Explainer(small, text_layers=1)
    depth = explainer.block_maps(picture(96, 96), CAPTION)
    e = explainer(picture(96, 96), CAPTION)
    alone = sum_tokens(e.token_importance, [w.tokens for w in e.words])
    np.testing.assert_allclose(depth.text_importance[-1], alone, atol=1e-5)


def test_importance_in_single_blocks_follows_the_option(small: gw.ClipModel) -> None:
    frozen, differentiated = (
        gw.Explainer(small, freeze_norms=freeze).block_maps(picture(96, 96), CAPTION)
        for freeze in (True, False)
    )
    np.testing.assert_array_equal(frozen.text_maps, differentiated.text_maps)
    assert not np.allclose(frozen.text_importance, differentiated.text_importance, atol=0.01)


def test_words_that_were_not_read_have_no_maps_in_any_block(small: gw.ClipModel) -> None:
    depth = gw.Explainer(small).block_maps(picture(96, 96), "dog " * 80)
    assert depth.image_maps.shape == (3, 81, 6, 6)
    assert not depth.image_maps[:, 76:].any()
    assert not depth.text_maps[:, 75:].any()
    assert depth.image_maps[:, 1:76].any((2, 3)).all()


def test_block_maps_are_sent_as_two_buffers(small: gw.ClipModel) -> None:
    depth = gw.Explainer(small).block_maps(picture(96, 96), CAPTION)
    raw = to_raw_depth(depth)
    assert (raw["caption"], raw["words"]) == (CAPTION, 7)
    assert (raw["image_blocks"], raw["text_blocks"]) == (3, 4)
    maps = np.frombuffer(raw["maps"], "<f4")
    split = depth.image_maps.size
    np.testing.assert_array_equal(maps[:split].reshape(3, 8, 6, 6), depth.image_maps)
    np.testing.assert_array_equal(maps[split:].reshape(4, 7, 6, 6), depth.text_maps)
    importance = np.frombuffer(raw["importance"], "<f4").reshape(4, 7)
    np.testing.assert_array_equal(importance, depth.text_importance)


@pytest.mark.parametrize("method", ["grad-cam", "self-attention"])
def test_methods_without_blocks_raise_and_name_one_with_blocks(
    small: gw.ClipModel, method: str
) -> None:
    with pytest.raises(ValueError, match=f"'{method}'.*last block.*'grad-ecl"):
        gw.Explainer(small, method).block_maps(picture(96, 96), CAPTION)


def test_block_maps_with_reference_raise(small: gw.ClipModel) -> None:
    with pytest.raises(ValueError, match="reference=False"):
        gw.Explainer(small, reference=True).block_maps(picture(96, 96), CAPTION)


def test_block_maps_leave_the_model_as_it_was(small: gw.ClipModel) -> None:
    before = {k: v.clone() for k, v in small.model.state_dict().items()}
    gw.Explainer(small).block_maps(picture(96, 96), CAPTION)
    assert all(torch.equal(before[k], v) for k, v in small.model.state_dict().items())
    assert all(p.grad is None for p in small.model.parameters())
