"""MaskCLIP: each patch through its own value only, as written out on the models' own modules."""

from __future__ import annotations

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
    """What enters a module of an image tower as it runs."""
    seen: list[Tensor] = []
    hook = module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    visual(pixels)
    hook.remove()
    return seen[0]


def class_token(visual: Any, pixels: Tensor) -> Tensor:
    """As the authors have it: values projected, then the residual and the rest of the last block."""
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
    """SigLIP's, without its query."""
    pool = visual.trunk.attn_pool
    x = entering(pool, visual, pixels)[0]
    v = pool.proj(pool.kv(x).chunk(2, -1)[1])
    return v + pool.mlp(pool.norm(v))


def resnet(visual: Any, pixels: Tensor) -> Tensor:
    """The paper's own form: the values of the head, and its projection, as convolutions of width 1."""
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
def test_the_map_is_the_cosine_with_each_patchs_own_value(name: str) -> None:
    clip = check.wrap(families.model(name))
    pixels, directions = families.pixels(clip), check.random(3, check.EMBEDDING, seed=3)
    directions[2] = 0
    features = F.normalize(BY_HAND[name](clip.model.visual, pixels), dim=-1)
    with clip.inference_context():
        ours = MaskClip().image_maps(clip.image_tower.trace(pixels), directions)
    check.close(ours, directions @ features.T)


@pytest.mark.parametrize("name", [*families.TRANSFORMERS, *families.OTHERS])
def test_it_explains_every_family(name: str) -> None:
    families.check_explains(name, "maskclip")


@pytest.mark.parametrize("name", ["open_clip", "siglip", "averaged"])
def test_lower_precision_ranks_alike(name: str) -> None:
    families.check_narrow(name, "maskclip")


def test_a_words_map_lies_on_what_it_names(clip: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(clip, "maskclip")(scene.image, scene.caption)
    assert families.contrast(e, scene, "dog", "alone") > 1
