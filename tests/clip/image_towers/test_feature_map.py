"""Pooled feature maps: ConvNeXt, FastViT, Swin, hybrid stems (ViTamin), averaged tokens (CLIPA)."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import torch
from open_clip.model import CLIP
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer as OpenClipViT
from PIL import Image
from timm.layers.hybrid_embed import HybridEmbed
from timm.models.convnext import ConvNeXt
from timm.models.fastvit import FastVit
from timm.models.swin_transformer import SwinTransformer
from timm.models.vision_transformer import VisionTransformer
from timm.models.vitamin import GeGluMlp, MbConvStages, VitCfg, VitConvCfg

import gradeclip_widget as gw
from gradeclip_widget.clip.image_towers.feature_map import FeatureMapTower

from .. import invariants as check


def vit(**options: Any) -> Any:
    sizes = {"img_size": 64, "patch_size": 16, "embed_dim": 64, "depth": 2, "num_heads": 2}
    sizes.update(num_classes=check.EMBEDDING, global_pool="avg")
    return check.timm_tower(VisionTransformer(**{**sizes, **options}))


def vitamin() -> Any:
    stem = MbConvStages(
        VitCfg(
            embed_dim=(16, 32, 64), depths=(1, 1, 1), stem_width=16,
            conv_cfg=VitConvCfg(norm_layer="layernorm2d", norm_eps=1e-6),
        )
    )  # fmt: skip
    embed = functools.partial(HybridEmbed, backbone=stem, proj=False)
    return vit(
        embed_layer=embed, patch_size=1, class_token=False, mlp_layer=GeGluMlp, pos_embed="none"
    )


def convnext() -> Any:
    trunk = ConvNeXt(depths=(1, 1, 1, 1), dims=(8, 16, 24, 32), num_classes=0)
    visual = TimmModel("test_convnext", check.EMBEDDING, (64, 64), pool="", proj="linear")
    visual.trunk, visual.head.proj = trunk, torch.nn.Linear(32, check.EMBEDDING)
    return visual


def fastvit() -> Any:
    trunk = FastVit(
        layers=(1, 1, 1, 1), token_mixers=("repmixer", "repmixer", "repmixer", "attention"),
        embed_dims=(16, 32, 32, 64), mlp_ratios=(2, 2, 2, 2), num_classes=check.EMBEDDING,
    )  # fmt: skip
    return check.timm_tower(trunk)


def swin() -> Any:
    trunk = SwinTransformer(
        img_size=64, patch_size=4, embed_dim=16, depths=(1, 1, 1), num_heads=(1, 2, 2),
        window_size=4, num_classes=check.EMBEDDING,
    )  # fmt: skip
    return check.timm_tower(trunk)


def clipa(**options: Any) -> OpenClipViT:
    return OpenClipViT(
        64, 16, 64, 2, 2, 2.0, pool_type="avg", no_ln_pre=True, output_dim=check.EMBEDDING,
        **options,
    )  # fmt: skip


FAMILIES = {
    "convnext": convnext,
    "fastvit": fastvit,
    "swin": swin,
    "vitamin": vitamin,
    "averaged": vit,
    "averaged-after-norm": lambda: vit(fc_norm=False, reg_tokens=1),
    "clipa": lambda: clipa(final_ln_after_pool=True),
    "clipa-norm-first": clipa,
}


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest) -> CLIP:
    return check.with_tower(FAMILIES[request.param]())


@pytest.fixture
def tower(model: CLIP) -> FeatureMapTower:
    return FeatureMapTower(model.visual)


PIXELS = check.picture(64, 64)


def test_embedding_is_the_models_own(tower: FeatureMapTower, model: CLIP) -> None:
    check.check_embedding(tower, model, PIXELS)


def test_gradients_are_the_scores_slope(tower: FeatureMapTower, model: CLIP) -> None:
    check.check_feature_gradients(tower, PIXELS)
    check.check_map_gradients(tower, model, PIXELS)


def test_the_map_is_gradient_times_feature(tower: FeatureMapTower, model: CLIP) -> None:
    e = gw.Explainer(check.wrap(model))(PIXELS, "a red car")
    assert e.method == "Grad-ECLIP (pooled)"
    trace = tower.trace(PIXELS)
    ids = check.simple_tokenizer()(["a red car"])
    t = model.encode_text(ids, normalize=True).detach()
    features, gradients = trace.features_vjp(t)
    expected = (gradients[0] * features).sum(-1)[trace.patches].reshape(e.patch_grid)
    np.testing.assert_allclose(e.signed_map, expected, atol=1e-4 * float(expected.abs().max()))


def test_maps_in_lower_precision_rank_patches_the_same(model: CLIP) -> None:
    check.check_lower_precision(model, PIXELS)


def test_the_model_is_not_changed(model: CLIP) -> None:
    check.check_untouched(check.wrap(model), PIXELS)


def test_a_wide_picture_is_covered_whole_or_squashed(model: CLIP, tower: FeatureMapTower) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 160, 3), np.uint8))
    explainer = gw.Explainer(check.wrap(model))
    e = explainer(image, "a red car")
    rows, cols = (s // p for s, p in zip(tower.image_size, tower.patch_size, strict=True))
    assert e.cover == (0, 0, 160, 80)
    assert np.isfinite(e.interactions).all()
    if tower.flexible:
        assert e.patch_grid == (rows, 2 * cols)
        assert not any("squashed" in note for note in e.notes)
        return
    assert e.patch_grid == (rows, cols)
    assert any("64 x 64 px: the picture was squashed" in note for note in e.notes)
    with pytest.raises(ValueError, match=r"resolution=128.*64 x 64"):
        gw.Explainer(explainer.clip, resolution=128)(image, "a red car")


def test_grad_cam_explains_it_and_self_attention_is_refused(model: CLIP) -> None:
    clip = check.wrap(model)
    e = gw.Explainer(clip, "grad-cam")(PIXELS, "a red car")
    assert e.method == "Grad-CAM"
    assert np.abs(e.signed_map).max() > 0
    with pytest.raises(ValueError, match=r"image tower \(pooled feature map\) has no query"):
        gw.Explainer(clip, "self-attention")


def test_more_blocks_are_refused(tower: FeatureMapTower) -> None:
    with pytest.raises(ValueError, match="image_layers=2: this image tower has one block; give 1"):
        tower.trace(PIXELS, 2)


def test_what_is_not_pooled_so_is_refused() -> None:
    with pytest.raises(TypeError, match="does not average its last feature map"):
        FeatureMapTower(vit(global_pool="token"))
    with pytest.raises(TypeError, match="has a pooling head"):
        FeatureMapTower(vit(global_pool="map", class_token=False))
