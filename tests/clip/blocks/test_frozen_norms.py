"""Attributions of a score with the last normalizations' scales held fixed, against plain autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradeclip_widget.clip.blocks.attention import attend
from gradeclip_widget.clip.blocks.frozen_norms import FrozenNorms
from gradeclip_widget.clip.text_towers.attributions import TangentAttributions
from gradeclip_widget.clip.text_towers.bidirectional import BidirectionalTextTower
from gradeclip_widget.clip.text_towers.causal import CausalTextTower
from gradeclip_widget.clip.text_towers.huggingface_first_token import HuggingFaceFirstTokenTower
from gradeclip_widget.clip.text_towers.huggingface_mean import HuggingFaceMeanTower
from gradeclip_widget.clip.tokenizers.base import SpecialTokens
from gradeclip_widget.methods.grad_eclip import GradEclip
from gradeclip_widget.methods.token_attributions import caption_tangents

from .. import invariants as check
from ..conftest import small_clip
from ..text_towers import test_bidirectional as pooled_text
from ..text_towers import test_huggingface_first_token as class_text
from ..text_towers import test_huggingface_mean as mean_text

X = F.normalize(check.random(check.EMBEDDING, seed=5), dim=0)
IDS = [49406, 320, 736, 1615, 530, 320, 49407]


def by_hand(norm: nn.Module, x: Tensor) -> Tensor:
    """A norm of the last axis with its scale a constant, written out."""
    if isinstance(norm, nn.Identity):
        return x
    if isinstance(norm, nn.RMSNorm):
        eps = torch.finfo(x.dtype).eps if norm.eps is None else norm.eps
        return x / (x.square().mean(-1, keepdim=True) + eps).sqrt().detach() * norm.weight
    assert isinstance(norm, nn.LayerNorm)
    scale = (x.var(-1, correction=0, keepdim=True) + norm.eps).sqrt().detach()
    return (x - x.mean(-1, keepdim=True)) / scale * norm.weight + norm.bias


def unit(y: Tensor) -> Tensor:
    return y / y.norm(dim=-1, keepdim=True).detach()


def open_clip_tail(text: Any) -> Callable[[Tensor], Tensor]:
    def tail(h: Tensor) -> Tensor:
        y = by_hand(text.ln_final, h)
        projection = text.text_projection
        if isinstance(projection, nn.Linear):
            y = projection(y)
        elif projection is not None:
            y = y @ projection
        return unit(y)

    return tail


def causal(norm: nn.Module | None = None) -> tuple[Any, list[int], SpecialTokens, Any]:
    model = small_clip()
    if norm is not None:
        model.ln_final = check.enliven(norm)
    return CausalTextTower(model), IDS, SpecialTokens(), open_clip_tail(model)


def both_ways(name: str) -> tuple[Any, list[int], SpecialTokens, Any]:
    model = pooled_text.Custom(pooled_text.text(**pooled_text.FAMILIES[name]))
    return BidirectionalTextTower(model), IDS, SpecialTokens(), open_clip_tail(model.text)


def first_token(name: str) -> tuple[Any, list[int], SpecialTokens, Any]:
    text = check.enliven(class_text.FAMILIES[name]())
    tower = HuggingFaceFirstTokenTower(pooled_text.Custom(text))

    def tail(h: Tensor) -> Tensor:
        if name == "nllb":
            return unit(text.proj(by_hand(tower.encoder.layer_norm, h)))
        h = by_hand(tower.encoder.layer[-1].output.LayerNorm, h)  # the last block ends in it
        if getattr(text.pooler, "use_pooler_output", False):
            h = text.transformer.pooler.dense(h).tanh()
        return unit(text.proj(h))

    return tower, class_text.SEQUENCES[0], class_text.FRAME, tail


CASES: dict[str, Callable[[], tuple[Any, list[int], SpecialTokens, Any]]] = {
    "causal": causal,
    "causal, RMS norm": lambda: causal(nn.RMSNorm(64)),
    "causal, no norm": lambda: causal(nn.Identity()),
    **{name: (lambda name=name: both_ways(name)) for name in pooled_text.FAMILIES},
    **{name: (lambda name=name: first_token(name)) for name in class_text.FAMILIES},
}


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_importance_is_that_of_plain_autograd_with_detached_scales(name: str, layers: int) -> None:
    tower, ids, special_tokens, tail = CASES[name]()
    _, trace = tower.run([ids], layers, special_tokens)
    moves = [caption_tangents(attention, reference=False) for attention in trace.attentions]
    outputs = [attention.o.clone().requires_grad_() for attention in trace.attentions]
    x = F.normalize(X[: len(trace.embedding)], dim=0)
    score = tail(last_row(tower, trace, outputs)) @ x
    assert float(score.detach()) == pytest.approx(float(trace.embedding @ x), abs=1e-5)
    gradients = torch.autograd.grad(score, outputs)
    expected = sum(m @ g for m, g in zip(moves, gradients, strict=True))
    shares = GradEclip().token_attributions(trace)
    check.close(shares.of_score(x, freeze_norms=True), expected, 1e-4)
    assert not torch.allclose(shares.of_score(x, freeze_norms=False), expected, rtol=1e-2)


def last_row(tower: Any, trace: Any, outputs: list[Tensor]) -> Tensor:
    """The pooled token behind the last block, from its attention outputs in the explained ones."""
    steps = [step for step in trace.steps if step.explained]
    if isinstance(tower, CausalTextTower):
        row = steps[0].x
        for n, (step, o) in enumerate(zip(steps, outputs, strict=True)):
            if n:  # what it reads moves with it; the tokens before it do not
                q, k, v = step.block.qkv(row[None])
                kv = [
                    torch.cat([a[:-1], b])
                    for a, b in ((step.attention.k, k), (step.attention.v, v))
                ]
                moved = attend(q, *kv, step.attention.heads)[0]
            attention = o if n == 0 else moved + o - o.detach()
            row = step.block.forward_from_attention(row[None], attention[None])[0]
        return row
    x, p = steps[0].x, trace.layout.pooled
    for n, (step, o) in enumerate(zip(steps, outputs, strict=True)):
        attention = attend(*step.block.qkv(x), step.block.heads, trace.mask)
        added = o if n == 0 else o - o.detach() + attention[p]
        x = step.block.forward_from_attention(
            x, torch.cat([attention[:p], added[None], attention[p + 1 :]])
        )
    return x[p]


@pytest.mark.parametrize("kind", ["xlm-roberta", "mt5"])
def test_averaged_tokens_have_the_importance_of_plain_autograd(kind: str) -> None:
    text = check.enliven(mean_text.encoder(kind))
    _, trace = HuggingFaceMeanTower(pooled_text.Custom(text)).run(mean_text.SEQUENCES[:1], 1)
    mean = trace.pooled.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(unit(text.proj(mean)) @ X, mean)
    shares = trace.propagate([])
    check.close(shares.of_score(X, freeze_norms=True), trace.features @ gradient)
    assert not torch.allclose(
        shares.of_score(X, freeze_norms=False), trace.features @ gradient, rtol=1e-2
    )


def test_frozen_attributions_of_all_that_makes_up_the_pooled_token_sum_to_the_score() -> None:
    """Of the token that enters, every attention and every MLP. Differentiated, they sum to nothing."""
    model = small_clip()
    tower = CausalTextTower(model)
    _, trace = tower.run([IDS], tower.depth)
    parts, row = [trace.steps[0].x], trace.steps[0].x
    for step in trace.steps:
        module: Any = step.block.module
        parts.append(module.attn.out_proj(step.attention.o))
        row = row + parts[-1]
        parts.append(module.mlp(module.ln_2(row)))
        row = row + parts[-1]
    check.close(row, trace.pooled)
    shares = TangentAttributions.of(torch.stack(parts).detach(), trace.pooled, tower.embedding_of)
    with torch.no_grad():
        y = model.ln_final(trace.pooled) @ model.text_projection
        of_bias = model.ln_final.bias @ model.text_projection / y.norm() @ X
    score = float(trace.embedding @ X)
    frozen, exact = (shares.of_score(X, freeze_norms=f) for f in (True, False))
    assert float(frozen.sum() + of_bias) == pytest.approx(score, abs=1e-5)
    assert abs(score) > 0.05
    assert abs(float(exact.sum())) < 1e-5
    assert exact.abs().max() > 0.05


NORMS = {
    "layer norm": check.enliven(nn.LayerNorm(8)),
    "layer norm without gain": nn.LayerNorm(8, elementwise_affine=False),
    "layer norm of two axes": check.enliven(nn.LayerNorm((2, 8))),
    "RMS norm": check.enliven(nn.RMSNorm(8)),
    "unit vector": lambda x: F.normalize(x, dim=-1),
}


@pytest.mark.parametrize("name", NORMS)
def test_values_stay_what_they_are_and_length_counts(name: str) -> None:
    norm: Any = NORMS[name]
    x = check.random(3, 2, 8, seed=1).requires_grad_()
    with FrozenNorms():
        frozen = norm(x)
    plain = norm(x)
    torch.testing.assert_close(frozen, plain)
    along = check.random(3, 2, 8, seed=2)
    slopes = [torch.autograd.grad(y, x, along)[0] for y in (frozen, plain)]
    bias = getattr(norm, "bias", None)
    whole = (frozen if bias is None else frozen - bias).detach()
    torch.testing.assert_close(
        (slopes[0] * x.detach()).sum(), (whole * along).sum(), rtol=1e-4, atol=1e-5
    )
    assert abs(float((slopes[1] * x.detach()).sum())) < 1e-3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_narrow_numbers_are_normalized_in_full_precision(dtype: torch.dtype) -> None:
    x = (100 * check.random(2, 8, seed=3)).to(dtype)
    norm = nn.LayerNorm(8).to(dtype)
    with FrozenNorms():
        frozen = norm(x)
    assert frozen.dtype == dtype
    torch.testing.assert_close(frozen, norm(x), rtol=2e-2, atol=2e-2)


def test_norms_are_free_again_afterwards_also_after_an_error() -> None:
    x = check.random(8, seed=4).requires_grad_()

    def fail() -> None:
        with FrozenNorms():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    (slope,) = torch.autograd.grad(F.normalize(x, dim=-1).sum(), x)
    assert abs(float(slope @ x.detach())) < 1e-5
