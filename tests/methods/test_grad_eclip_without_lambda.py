"""Grad-ECLIP without its spatial weights: gradient times value, on both sides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.methods.grad_eclip import GradEclip
from gradeclip_widget.methods.grad_eclip_without_lambda import GradEclipWithoutLambda

from ..clip import invariants as check
from . import families

NAME = "grad-eclip-without-lambda"


def last_block(blocks: Any, run: Any, mask: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The rows (N, D) entering open_clip's last block, their values and attention outputs."""
    entering: list[Tensor] = []
    hook = blocks[-1].register_forward_pre_hook(lambda _, inputs: entering.append(inputs[0]))
    with torch.no_grad():
        run()
        hook.remove()
        block, x = blocks[-1], entering[0][0]
        h = F.linear(block.ln_1(x), block.attn.in_proj_weight, block.attn.in_proj_bias)
        heads = block.attn.num_heads
        q, k, v = (a.unflatten(-1, (heads, -1)).transpose(0, 1) for a in h.chunk(3, -1))
        o = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return x, v.transpose(0, 1).flatten(1), o.transpose(0, 1).flatten(1)


def leaving(block: Any, x: Tensor, o: Tensor) -> Tensor:
    """The output of open_clip's block for a row and its attention output."""
    x = x + block.attn.out_proj(o)
    return x + nn.Module.__call__(block.mlp, block.ln_2(x))


def test_the_map_is_gradient_times_value() -> None:
    clip = check.wrap(families.model("open_clip"))
    visual, pixels = clip.model.visual, families.pixels(clip)
    x, v, o = last_block(visual.transformer.resblocks, lambda: clip.model.encode_image(pixels))
    t = F.normalize(check.random(1, check.EMBEDDING, seed=3), dim=-1)

    def score(at: Tensor) -> Tensor:
        row = visual.ln_post(leaving(visual.transformer.resblocks[-1], x[0], at)) @ visual.proj
        return F.normalize(row, dim=-1) @ t[0]

    w = torch.autograd.functional.jacobian(score, o[0])
    with clip.inference_context():
        ours = GradEclipWithoutLambda().image_maps(clip.image_tower.trace(pixels), t)
    check.close(ours, (v[1:] @ w)[None])


def test_tokens_contribute_the_slope_along_their_values() -> None:
    clip = check.wrap(families.model("open_clip"))
    model, ids = clip.model, check.simple_tokenizer()([families.CAPTION])
    end = int(ids.argmax())
    mask = torch.ones(77, 77, dtype=torch.bool).tril()
    x, v, o = last_block(model.transformer.resblocks, lambda: model.encode_text(ids), mask)

    def embedding(at: Tensor) -> Tensor:
        row = model.ln_final(leaving(model.transformer.resblocks[-1], x[end], at))
        return F.normalize(row @ model.text_projection, dim=-1)

    slopes = torch.autograd.functional.jacobian(embedding, o[end])
    with clip.inference_context():
        _, trace = clip.text_tower.run([ids[0, : end + 1].tolist()], 1)
        ours = GradEclipWithoutLambda().token_attributions(trace).embedding
    check.close(ours, v[1:end] @ slopes.T)


def test_an_explanation_uses_values_without_lambda_on_both_sides() -> None:
    """Grad-ECLIP's tangents are propagated in the text pass, and must not be used here."""
    clip = check.wrap(families.model("open_clip"))
    e = families.explain(clip, NAME)
    ids = [clip.tokenizer.add_special_tokens(clip.tokenizer.encode(families.CAPTION))]
    with clip.inference_context():
        _, trace = clip.text_tower.run(ids, 4)
        f = trace.propagate([a.v[a.tokens] for a in trace.attentions]).embedding
        image = clip.image_tower.trace(families.pixels(clip))
        rows = GradEclipWithoutLambda().image_maps(image, f)
    check.close(torch.tensor(e.interactions).flatten(1), rows)
    theirs = families.explain(clip, "grad-eclip")
    assert not np.allclose(e.interactions, theirs.interactions, rtol=0.1)


def test_maps_and_attributions_of_blocks_add_up() -> None:
    clip, method = check.wrap(families.model("open_clip")), GradEclipWithoutLambda()
    ids = [clip.tokenizer.add_special_tokens(clip.tokenizer.encode(families.CAPTION))]
    t = check.random(2, check.EMBEDDING, seed=3)
    with clip.inference_context():
        image = clip.image_tower.trace(families.pixels(clip), 3)
        _, text = clip.text_tower.run(ids, 3)
        maps, blocks = method.image_maps(image, t), method.block_maps(image, t)
        parts = method.block_attributions(text).embedding
        check.close(parts.sum(0), method.token_attributions(text).embedding, 1e-4)
        rectified = GradEclipWithoutLambda(reference=True).block_maps(image, t)
    check.close(blocks.sum(0), maps)
    assert len(blocks) == len(parts) == 3
    assert torch.equal(rectified, blocks.relu())


def test_without_a_query_it_equals_grad_eclip() -> None:
    clip = check.wrap(families.model("averaged"))
    t = check.random(2, check.EMBEDDING, seed=3)
    with clip.inference_context():
        trace = clip.image_tower.trace(families.pixels(clip))
        assert torch.equal(
            GradEclipWithoutLambda().image_maps(trace, t), GradEclip().image_maps(trace, t)
        )


@pytest.mark.parametrize("name", ["open_clip", "timm"])
def test_lower_precision_ranks_patches_the_same(name: str) -> None:
    families.check_narrow(name, NAME)


def test_a_words_map_is_high_on_its_object(clip: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(clip, NAME)(scene.image, scene.caption)
    assert families.contrast(e, scene, "dog") > 1
