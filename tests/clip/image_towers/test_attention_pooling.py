"""Pooling heads: SigLIP's and the Perception Encoder's, CoCa's, and that of CLIP's ResNets."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import torch
from open_clip.model import CLIP
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from PIL import Image
from timm.layers import LayerNorm
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer as TimmViT

import gradeclip_widget as gw
from gradeclip_widget.clip.image_towers.attention_pooling import AttentionPoolingTower

from .. import invariants as check


def coca(**options: Any) -> VisionTransformer:
    return VisionTransformer(
        image_size=64, patch_size=16, layers=2, heads=2, mlp_ratio=2.0, attn_pooler_queries=6,
        attn_pooler_heads=4, output_dim=check.EMBEDDING,
        **{"width": 64, "attentional_pool": True, **options},
    )  # fmt: skip


def siglip(**options: Any) -> TimmModel:
    trunk = TimmViT(
        img_size=64, patch_size=16, embed_dim=check.EMBEDDING, depth=2, num_heads=4, num_classes=0,
        **{"class_token": False, "global_pool": "map", **options},
    )  # fmt: skip
    return check.timm_tower(trunk)


def perception_encoder() -> TimmModel:
    trunk = Eva(
        img_size=64, patch_size=16, embed_dim=64, depth=2, num_heads=2, num_classes=check.EMBEDDING,
        global_pool="map", attn_type="rope", use_pre_transformer_norm=True, use_rot_pos_emb=True,
        ref_feat_shape=(4, 4), rope_grid_offset=1.0, rope_grid_indexing="xy", attn_pool_num_heads=4,
        norm_layer=functools.partial(LayerNorm, eps=1e-5),
    )  # fmt: skip
    return check.timm_tower(trunk)


FAMILIES = {
    "siglip": siglip,
    "registers": lambda: siglip(reg_tokens=2, pool_include_prefix=True),
    "registers-left-out": lambda: siglip(class_token=True, reg_tokens=1),
    "perception-encoder": perception_encoder,
    "coca": coca,
    "coca-same-width": lambda: coca(width=check.EMBEDDING),
    "coca-parallel": lambda: coca(width=check.EMBEDDING, attentional_pool="parallel"),
    "resnet": lambda: ModifiedResNet([1, 1, 1, 1], check.EMBEDDING, 4, 128, width=8),
}


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest) -> CLIP:
    return check.with_tower(FAMILIES[request.param]())


@pytest.fixture
def tower(model: CLIP) -> AttentionPoolingTower:
    return AttentionPoolingTower(model.visual)


@pytest.fixture
def pixels(tower: AttentionPoolingTower) -> torch.Tensor:
    return check.picture(*tower.image_size)


def test_embedding_is_the_models_own(tower: Any, model: CLIP, pixels: torch.Tensor) -> None:
    check.check_embedding(tower, model, pixels)


def test_weights_are_the_scores_slope(tower: Any, model: CLIP, pixels: torch.Tensor) -> None:
    check.check_weights(tower, model, pixels)


def test_values_with_true_attention_make_up_the_output(tower: Any, pixels: torch.Tensor) -> None:
    check.check_attention(tower, pixels)


def test_features_are_those_that_enter_the_head(
    tower: Any, model: CLIP, pixels: torch.Tensor
) -> None:
    check.check_feature_gradients(tower, pixels)
    trace = tower.trace(pixels)
    direction = torch.randn(1, check.EMBEDDING, generator=torch.Generator().manual_seed(5))
    features, gradients = trace.features_vjp(direction)
    along = torch.randn(features.shape, generator=torch.Generator().manual_seed(6)).double()
    model.double()
    try:
        with torch.no_grad():
            scores = []
            for step in (1e-5, -1e-5):
                moved = features.double() + step * along
                o = check_attend(tower, moved, trace.grid)
                scores.append(direction[0].double() @ exact_embedding(tower, o))
    finally:
        model.float()
    slope = (gradients[0].double() * along).sum()
    check.close(slope, (scores[0] - scores[1]) / 2e-5, 1e-3)


def check_attend(tower: Any, features: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    q, k, v = (
        a.unflatten(-1, (tower.pool.heads, -1)).transpose(0, 1)
        for a in tower.pool.qkv(features, grid)
    )
    return torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(0, 1).flatten()


def exact_embedding(tower: Any, o: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(tower.pool.embed(o), dim=-1)


def test_maps_in_lower_precision_rank_patches_the_same(model: CLIP, tower: Any) -> None:
    check.check_lower_precision(model, check.picture(*tower.image_size))


def test_the_model_is_not_changed(model: CLIP, tower: Any) -> None:
    rows, cols = tower.image_size
    check.check_untouched(check.wrap(model), check.picture(rows, cols + 2 * tower.patch_size[1]))


def test_a_wide_picture_is_covered_whole(model: CLIP, tower: Any) -> None:
    assert tower.flexible
    clip = check.wrap(model)
    rows, cols = (s // p for s, p in zip(tower.image_size, tower.patch_size, strict=True))
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 160, 3), np.uint8))
    e = gw.Explainer(clip)(image, "a red car")
    assert e.patch_grid == (rows, 2 * cols)
    assert e.method == "Grad-ECLIP"
    assert e.cover == (0, 0, 160, 80)
    assert np.isfinite(e.interactions).all()
    assert np.abs(e.interactions).max() > 0


def test_more_blocks_are_refused(tower: Any, pixels: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="image_layers=2: this image tower has one block; give 1"):
        tower.trace(pixels, 2)


def test_reference_is_refused() -> None:
    clip = check.wrap(check.with_tower(siglip()))
    with pytest.raises(ValueError, match="reference=True computes as the authors' code does"):
        gw.Explainer(clip, reference=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attentional_pool": "cascade"}, "attends to other queries, not to the patches"),
        ({"pool_type": "avg"}, "pools its queries by 'avg'"),
    ],
)
def test_a_query_that_attends_to_no_patches_is_refused(
    options: dict[str, str], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        AttentionPoolingTower(coca(**options))


def test_a_class_token_tower_is_of_another_family() -> None:
    with pytest.raises(TypeError, match="no attention pooling head"):
        AttentionPoolingTower(coca(attentional_pool=False))
