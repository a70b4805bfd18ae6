"""Grad-CAM and self-attention, compared with their formulas, computed by autograd on the models' modules."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from gradeclip_widget.methods.base import Method
from gradeclip_widget.methods.grad_cam import GradCam
from gradeclip_widget.methods.self_attention import SelfAttention

from ..clip import invariants as check
from . import by_hand, families

BY_HAND = ["open_clip", "timm", "siglip"]
OTHERS = ["relative", "eva02", "perception-encoder", "registers-left-out", "coca"]
TEXTS = F.normalize(check.random(3, check.EMBEDDING, seed=2), dim=-1)


def both(name: str, method: Method) -> tuple[torch.Tensor, by_hand.Pass]:
    """The maps (3, patches) of a small model, and the same picture's pass in one graph."""
    clip = check.wrap(families.model(name))
    pixels = families.pixels(clip)
    with clip.inference_context():
        maps = method.image_maps(clip.image_tower.trace(pixels), TEXTS)
    run = by_hand.image(clip.model, pixels) if name in BY_HAND else by_hand.any_image(clip, pixels)
    return maps, run


@pytest.mark.parametrize("name", ["open_clip", "timm", "relative", "eva02"])
def test_grad_cam_weights_features_by_their_mean_gradient(name: str) -> None:
    maps, run = both(name, GradCam())
    features = run.leaving[-2]
    for row, text in zip(maps, TEXTS, strict=True):
        (gradients,) = torch.autograd.grad(run.embedding @ text, features, retain_graph=True)
        check.close(row, (features @ gradients.mean(0))[run.explained], 1e-4)


def test_features_of_a_pooling_head_are_its_input() -> None:
    clip = check.wrap(families.model("siglip"))
    pixels = families.pixels(clip)
    entering: list[torch.Tensor] = []
    head = clip.model.visual.trunk.attn_pool
    with head.register_forward_pre_hook(lambda module, args: entering.append(args[0])):
        embedding = clip.model.encode_image(pixels, normalize=True)[0]
    (gradients,) = torch.autograd.grad(embedding @ TEXTS[0], entering[0])
    expected = entering[0][0] @ gradients[0].mean(0)
    with clip.inference_context():
        maps = GradCam().image_maps(clip.image_tower.trace(pixels), TEXTS)
    check.close(maps[0], expected, 1e-4)


@pytest.mark.parametrize("name", [*BY_HAND, *OTHERS])
def test_self_attention_is_that_of_the_pooled_token_in_the_last_block(name: str) -> None:
    maps, run = both(name, SelfAttention())
    head = run.embed(run.leaving[-1])[1]
    weights = run.pooled @ run.weights[-1].mean(0) if head is None else head.mean(0)[0]
    for row in maps:
        check.close(row, weights[run.explained])
