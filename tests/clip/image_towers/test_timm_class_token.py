"""timm's class-token transformers: plain, with registers, hybrid stems, and the EVA variants."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import torch
from open_clip.model import CLIP
from timm.layers import GatedMlp, GluMlp, LayerNorm, RmsNorm
from timm.layers.hybrid_embed import HybridEmbed
from timm.models.eva import Eva
from timm.models.vision_transformer import ParallelScalingBlock, ResPostBlock, VisionTransformer
from timm.models.vision_transformer_hybrid import ConvStem
from timm.models.vision_transformer_relpos import ResPostRelPosBlock, VisionTransformerRelPos
from torch import Tensor

import gradeclip_widget as gw
from gradeclip_widget.clip.blocks.attention import attend_composite
from gradeclip_widget.clip.image_towers.timm_class_token import TimmClassTokenTower

from .. import invariants as check
from .. import nudges

SIZES = {"img_size": 64, "patch_size": 16, "embed_dim": 64, "depth": 3, "num_heads": 2}


def vit(**options: Any) -> Any:
    return check.timm_tower(VisionTransformer(**SIZES, num_classes=check.EMBEDDING, **options))


def eva(**options: Any) -> Any:
    norm = functools.partial(LayerNorm, eps=1e-6)
    options = {"global_pool": "token", "norm_layer": norm, **options}
    return check.timm_tower(Eva(**SIZES, num_classes=check.EMBEDDING, **options))


def gated() -> Any:
    """EVA with gated attention, which timm's blocks support but its trunks have no option for."""
    visual = eva(**ROPE)
    for block in visual.trunk.blocks:
        block.attn.gate = torch.nn.Linear(64, 64)
    return visual


def hybrid() -> Any:
    """MobileCLIP-B in small: a convolutional stem, and positions for the patches only."""
    stem = ConvStem(channels=(16, 16, 64), stride=(4, 2, 2), kernel_size=(4, 2, 2), padding=0)
    embed = functools.partial(HybridEmbed, backbone=stem, proj=False)
    sizes = {**SIZES, "patch_size": 1}
    return check.timm_tower(
        VisionTransformer(
            **sizes, num_classes=check.EMBEDDING, embed_layer=embed, no_embed_class=True
        )
    )


def relative(**options: Any) -> Any:
    """vit_relpos_medium_patch16_cls_224 in small, with options for its class token's bias."""
    trunk = VisionTransformerRelPos(
        **SIZES, num_classes=check.EMBEDDING, class_token=True, global_pool="token", **options
    )
    return check.timm_tower(trunk)


ROPE = {"use_rot_pos_emb": True, "ref_feat_shape": (4, 4)}
FAMILIES = {
    "vit": vit,
    "registers": lambda: vit(reg_tokens=2, no_embed_class=True),
    "qk-norm": lambda: vit(qk_norm=True, init_values=0.5, qkv_bias=True),
    "inner-norm": lambda: vit(scale_attn_norm=True, scale_mlp_norm=True, pre_norm=True),
    "post-norm": lambda: vit(block_fn=ResPostBlock),
    "any-size": lambda: vit(dynamic_img_size=True),
    "hybrid": hybrid,
    "gated-mlp": lambda: vit(mlp_layer=GatedMlp, norm_layer=RmsNorm),
    "glu-mlp": lambda: vit(mlp_layer=GluMlp),
    "relative": lambda: relative(rel_pos_dim=8, qk_norm=True),
    "relative-table": lambda: relative(rel_pos_type="bias", block_fn=ResPostRelPosBlock),
    "relative-shared": lambda: relative(rel_pos_type="bias", shared_rel_pos=True),
    "eva01": lambda: eva(init_values=0.5),
    "eva02": lambda: eva(
        **ROPE, qkv_fused=False, swiglu_mlp=True, scale_mlp=True, scale_attn_inner=True
    ),
    "eva02-fused": lambda: eva(**ROPE, swiglu_mlp=True, qk_norm=True),
    "eva02-enormous": lambda: eva(use_post_norm=True),
    "eva-gated": gated,
    "eva-half": lambda: eva(**ROPE, attn_type="rope", rope_rotate_half=True),
    "eva-mixed": lambda: eva(use_rot_pos_emb=True, rope_type="mixed", num_reg_tokens=1),
}  # fmt: skip


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest) -> CLIP:
    return check.with_tower(FAMILIES[request.param]())


@pytest.fixture
def tower(model: CLIP) -> TimmClassTokenTower:
    return TimmClassTokenTower(model.visual)


PIXELS = check.picture(64, 64)
# Plain, another stem, biased attention, rotary positions with registers, norms after the branches.
SOME = pytest.mark.parametrize(
    "model", ["vit", "hybrid", "relative-table", "eva-mixed", "eva02-enormous"], indirect=True
)


def test_the_embedding_is_that_of_the_model(tower: TimmClassTokenTower, model: CLIP) -> None:
    for layers in (1, 3):
        check.close(tower.trace(PIXELS, layers).embedding, check.own_embedding(model, PIXELS))


def test_weights_are_the_gradient_of_the_score(tower: TimmClassTokenTower, model: CLIP) -> None:
    for layers in (1, 2):
        check.check_weights(tower, model, PIXELS, layers)


def test_values_times_attention_weights_are_the_output(tower: TimmClassTokenTower) -> None:
    check.check_attention(tower, PIXELS)


def test_features_enter_the_last_block(tower: TimmClassTokenTower, model: CLIP) -> None:
    check.check_feature_gradients(tower, PIXELS)
    trace = tower.trace(PIXELS)
    direction = torch.randn(1, check.EMBEDDING, generator=torch.Generator().manual_seed(5))
    _, gradients = trace.features_vjp(direction)
    along = torch.randn(64, generator=torch.Generator().manual_seed(6))
    model.double()
    try:
        scores = []
        for step in (1e-4, -1e-4):
            with nudges.entering(model.visual.trunk.blocks[-1], step * along.double()):
                scores.append(direction[0].double() @ check.own_embedding(model, PIXELS.double()))
    finally:
        model.float()
    slope = gradients[0, 0].double() @ along.double()
    check.close(slope, (scores[0] - scores[1]) / 2e-4, 1e-3)


def test_block_contributions_keep_the_patches_fixed(tower: TimmClassTokenTower) -> None:
    trace = tower.trace(PIXELS, 3)
    direction = torch.randn(check.EMBEDDING, generator=torch.Generator().manual_seed(7))
    moves = [torch.zeros_like(attention.o).requires_grad_() for attention in trace.attentions]
    row, x, mixed = trace.tokens_in[:1], trace.tokens_in, []
    for block, attention, move in zip(trace.blocks, trace.attentions, moves, strict=True):
        with torch.no_grad():
            q, k, v = block.qkv(x)
            x = block.forward_from_attention(x, _attend(q, k, v, block.heads, block.bias))
        # The class token's own row with gradients; it comes first and is not rotated.
        own_k, own_v = (a[:1] for a in block.keys_values(torch.cat([row, trace.tokens_in[1:]])))
        keys, values = torch.cat([own_k, attention.k[1:]]), torch.cat([own_v, attention.v[1:]])
        o = _attend(block.query(row), keys, values, block.heads, block.bias)
        mixed.append(block.post_attention(row, o).detach()[0])
        row = block.residual_mlp(row, block.post_attention(row, o) + move)
    grads = torch.autograd.grad(tower.embedding_of(row[0]) @ direction, moves)
    expected = torch.stack([w @ m for w, m in zip(grads, mixed, strict=True)])
    check.close(trace.block_contributions @ direction, expected, 1e-4)


def _attend(q: Tensor, k: Tensor, v: Tensor, heads: int, bias: Tensor | None) -> Tensor:
    rows = []
    for n, row in enumerate(q):
        mask = None if bias is None else bias[:, n, None]
        rows.append(attend_composite(row[None], k, v, heads, mask)[0])
    return torch.stack(rows)


@SOME
def test_maps_in_lower_precision_rank_patches_the_same(model: CLIP) -> None:
    check.check_lower_precision(model, PIXELS)


@SOME
def test_the_model_is_not_changed(model: CLIP, tower: TimmClassTokenTower) -> None:
    wide = check.picture(64, 96) if tower.flexible else PIXELS
    check.check_untouched(check.wrap(model), wide)


def test_positions_of_other_sizes_are_those_of_timm(
    tower: TimmClassTokenTower, model: CLIP
) -> None:
    if not tower.flexible:
        with pytest.raises(ValueError, match="64 x 64"):
            gw.Explainer(check.wrap(model))(check.picture(64, 96), "a dog")
        return
    wide = check.picture(64, 96)
    trace = tower.trace(wide)
    assert trace.grid == (4, 6)
    e = gw.Explainer(check.wrap(model), image_layers=2)(wide, "a red car")
    assert e.patch_grid == (4, 6)
    assert np.abs(e.interactions).max() > 0
    ours = trace.embedding
    model.visual.set_input_size((64, 96))
    try:
        check.close(ours, check.own_embedding(model, wide), 1e-4)
    finally:
        model.visual.set_input_size((64, 64))


def test_an_average_of_tokens_is_of_another_family() -> None:
    with pytest.raises(TypeError, match="class token"):
        TimmClassTokenTower(vit(global_pool="avg"))


def test_an_unknown_block_is_refused() -> None:
    with pytest.raises(TypeError, match="ParallelScalingBlock"):
        TimmClassTokenTower(vit(block_fn=ParallelScalingBlock))


def test_shared_keys_are_refused() -> None:
    with pytest.raises(TypeError, match="share keys"):
        TimmClassTokenTower(eva(attn_type="rope", num_kv_heads=1, qkv_fused=False))
