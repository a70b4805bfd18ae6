"""MaskCLIP: each patch without attention to others, compared with the formula on the models' modules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.methods.maskclip import MaskClip

from ..clip import invariants as check
from . import families


def entering(module: Any, visual: Any, pixels: Tensor) -> Tensor:
    """The input of a module in a pass of an image tower."""
    entered: list[Tensor] = []
    hook = module.register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0]))
    visual(pixels)
    hook.remove()
    return entered[0]


def class_token(visual: Any, pixels: Tensor) -> Tensor:
    """The authors' code: values projected, then the residual and the rest of the last block."""
    block = visual.transformer.resblocks[-1]
    x = entering(block, visual, pixels)[0]
    width = x.shape[1]
    weight, bias = block.attn.in_proj_weight, block.attn.in_proj_bias
    v = block.attn.out_proj(F.linear(block.ln_1(x), weight[2 * width :], bias[2 * width :])) + x
    v = v + block.mlp(block.ln_2(v))
    return visual.ln_post(v[1:]) @ visual.proj


def timm(visual: Any, pixels: Tensor) -> Tensor:
    trunk = visual.trunk
    block = trunk.blocks[-1]
    x = entering(block, visual, pixels)[0]
    v = block.attn.qkv(block.norm1(x)).chunk(3, -1)[2]
    v = x + block.attn.proj(v)
    v = v + block.mlp(block.norm2(v))
    return visual.head(trunk.head(trunk.norm(v[1:])))


def pooling_head(visual: Any, pixels: Tensor) -> Tensor:
    """SigLIP's head without its query."""
    pool = visual.trunk.attn_pool
    x = entering(pool, visual, pixels)[0]
    v = pool.proj(pool.kv(x).chunk(2, -1)[1])
    return v + pool.mlp(pool.norm(v))


def resnet(visual: Any, pixels: Tensor) -> Tensor:
    """The paper's form: the values of the head and its projection as convolutions of width 1."""
    pool = visual.attnpool
    x = entering(pool, visual, pixels)[0].flatten(1).T
    return pool.c_proj(pool.v_proj(x + pool.positional_embedding[1:]))


def averaged(visual: Any, pixels: Tensor) -> Tensor:
    trunk = visual.trunk
    x = trunk.forward_features(pixels)[0, trunk.num_prefix_tokens :]
    return visual.head(trunk.head(trunk.fc_norm(x)))


def convnext(visual: Any, pixels: Tensor) -> Tensor:
    cells = visual.trunk.forward_features(pixels)[0].flatten(1).T
    return torch.cat(
        [visual.head(visual.trunk.forward_head(c[None, :, None, None])) for c in cells]
    )


BY_HAND = {
    "open_clip": class_token,
    "timm": timm,
    "siglip": pooling_head,
    "resnet": resnet,
    "averaged": averaged,
    "averaged-after-norm": averaged,
    "convnext": convnext,
}


@pytest.mark.parametrize("name", BY_HAND)
@torch.no_grad()
def test_the_map_is_the_cosine_with_each_patchs_value(name: str) -> None:
    clip = check.wrap(families.model(name))
    pixels, directions = families.pixels(clip), check.random(3, check.EMBEDDING, seed=3)
    directions[2] = 0
    features = F.normalize(BY_HAND[name](clip.model.visual, pixels), dim=-1)
    with clip.inference_context():
        ours = MaskClip().image_maps(clip.image_tower.trace(pixels), directions)
    check.close(ours, directions @ features.T)


@pytest.mark.parametrize("name", ["relative", "eva02"])
def test_a_class_tokens_block_runs_as_if_each_row_attended_to_itself(name: str) -> None:
    clip, directions = check.wrap(families.model(name)), check.random(3, check.EMBEDDING, seed=3)
    with clip.inference_context():
        trace = clip.image_tower.trace(families.pixels(clip))
        mask = torch.eye(len(trace.transformer.rows), dtype=torch.bool)
        last = len(trace.transformer.blocks) - 1
        alone = replace(trace.transformer, mask=mask)
        rows, _ = alone.attend(last, trace.transformer.inputs[last])
        features = alone.pooling.tail(rows)[alone.explained]  # type: ignore[attr-defined]
        check.close(MaskClip().image_maps(trace, directions), directions @ features.T)


@pytest.mark.parametrize("name", ["perception-encoder", "registers-left-out", "coca", "clipa"])
def test_a_pooled_patch_is_a_region_of_one_patch(name: str) -> None:
    clip, directions = check.wrap(families.model(name)), check.random(3, check.EMBEDDING, seed=3)
    with clip.inference_context():
        trace = clip.image_tower.trace(families.pixels(clip))
        patches = torch.eye(trace.grid[0] * trace.grid[1])
        features = torch.stack([trace.region_embedding(patch) for patch in patches])
        check.close(MaskClip().image_maps(trace, directions), directions @ features.T)


@pytest.mark.parametrize("name", ["open_clip", "siglip", "averaged"])
def test_lower_precision_ranks_patches_the_same(name: str) -> None:
    families.check_narrow(name, "maskclip")


def test_a_words_map_is_high_on_its_object(clip: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(clip, "maskclip")(scene.image, scene.caption)
    assert families.contrast(e, scene, "dog", "alone") > 1
