"""Passes through the towers of small models with the models' own modules, for the formulas of methods."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from gradeclip_widget import ClipModel
from gradeclip_widget.clip.blocks.transformer import AttentionPooling, RowPooling

from ..clip import invariants as check

Embed = Callable[[Tensor], tuple[Tensor, Tensor | None]]


@dataclass
class Pass:
    """One input's pass, all of it in one graph."""

    weights: list[Tensor]  # attention weights (heads, N, N) of each block
    leaving: list[Tensor]  # rows (N, D) leaving each block
    embed: Embed  # unit embedding of such rows, and a head's attention weights (heads, 1, N)
    embed_mean: Embed  # the same for the mean of all rows, if one row is pooled
    pooled: Tensor  # (N,) weight of each row in the pooling; not used with a pooling head
    explained: slice

    @property
    def embedding(self) -> Tensor:
        return self.embed(self.leaving[-1])[0]


def attention(q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Any = None) -> tuple[Tensor, ...]:
    """Attention outputs (M, D), and weights (heads, M, N)."""
    q, k, v = (part.reshape(len(part), heads, -1).transpose(0, 1) for part in (q, k, v))
    logits = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
    weights = (logits if mask is None else logits + mask).softmax(-1)
    return (weights @ v).transpose(0, 1).flatten(1), weights


def image(model: Any, pixels: Tensor) -> Pass:
    """The pass of a picture of the model's size."""
    is_timm = hasattr(model.visual, "trunk")
    run = _timm(model.visual, pixels) if is_timm else _open_clip(model, pixels)
    check.close(run.embedding, check.own_embedding(model, pixels))
    return run


def text(model: Any, ids: Tensor) -> Pass:
    """The pass of a padded caption (1, L)."""
    x = model.token_embedding(ids)[0] + model.positional_embedding
    end = int(ids.argmax())
    weights, leaving = _open_clip_blocks(model.transformer, x, model.attn_mask)

    def embed(rows: Tensor) -> tuple[Tensor, None]:
        return F.normalize(model.ln_final(rows[end]) @ model.text_projection, dim=-1), None

    run = Pass(weights, leaving, embed, embed, _one_hot(end, len(x)), slice(1, end))
    check.close(run.embedding, model.encode_text(ids, normalize=True)[0])
    return run


@torch.enable_grad()
def any_image(clip: ClipModel, pixels: Tensor) -> Pass:
    """The pass of a picture through a tower of any family, by its `Transformer`.

    Methods do not use whole matrices of attention weights as the formulas do, so the two can be compared.
    """
    with clip.inference_context():
        transformer = clip.image_tower.transformer(pixels)
    rows, pooling = transformer.rows.detach(), transformer.pooling
    weights, leaving = list[Tensor](), list[Tensor]()
    for number in range(len(transformer.blocks)):
        rows, one = transformer.attend(number, rows)
        weights.append(one)
        leaving.append(rows)

    def embed(rows: Tensor) -> tuple[Tensor, Tensor | None]:
        if not isinstance(pooling, AttentionPooling):
            return pooling.embed(rows), None
        head = pooling.weights(rows)[:, None]
        return pooling.embed_weighted(rows, head[:, 0]), head

    def embed_mean(rows: Tensor) -> tuple[Tensor, Tensor | None]:
        return (
            (pooling.tail(rows.mean(0)), None) if isinstance(pooling, RowPooling) else embed(rows)
        )

    pooled = pooling.weights(rows)[0].detach()
    run = Pass(weights, leaving, embed, embed_mean, pooled, cast(slice, transformer.explained))
    check.close(run.embedding, check.own_embedding(clip.model, pixels))
    return run


def _open_clip(model: Any, pixels: Tensor) -> Pass:
    visual = model.visual
    patches = visual.conv1(pixels)[0].flatten(1).T
    x = torch.cat([visual.class_embedding[None], patches]) + visual.positional_embedding
    weights, leaving = _open_clip_blocks(visual.transformer, visual.ln_pre(x))

    def tail(row: Tensor) -> tuple[Tensor, None]:
        return F.normalize(visual.ln_post(row) @ visual.proj, dim=-1), None

    return Pass(
        weights,
        leaving,
        lambda rows: tail(rows[0]),
        lambda rows: tail(rows.mean(0)),
        _one_hot(0, len(x)),
        slice(1, None),
    )


def _open_clip_blocks(transformer: Any, x: Tensor, mask: Any = None) -> tuple[Any, Any]:
    weights, leaving = list[Tensor](), list[Tensor]()
    for block in transformer.resblocks:
        module = block.attn
        qkv = F.linear(block.ln_1(x), module.in_proj_weight, module.in_proj_bias).chunk(3, -1)
        o, one = attention(*qkv, module.num_heads, mask)
        x = x + module.out_proj(o)
        x = x + block.mlp(block.ln_2(x))
        weights.append(one)
        leaving.append(x)
    return weights, leaving


def _timm(visual: Any, pixels: Tensor) -> Pass:
    trunk, weights, leaving = visual.trunk, list[Tensor](), list[Tensor]()
    x = trunk.norm_pre(trunk._pos_embed(trunk.patch_embed(pixels)))[0]
    for block in trunk.blocks:
        module = block.attn
        o, one = attention(*module.qkv(block.norm1(x)).chunk(3, -1), module.num_heads)
        x = x + block.ls1(module.proj(o))
        x = x + block.ls2(block.mlp(block.norm2(x)))
        weights.append(one)
        leaving.append(x)

    def head(rows: Tensor) -> tuple[Tensor, Tensor]:
        pool, rows = trunk.attn_pool, trunk.norm(rows)
        q, (k, v) = pool.q(pool.latent[0]), pool.kv(rows).chunk(2, -1)
        o, one = attention(q, k, v, pool.num_heads)
        o = pool.proj(o)
        return _unit((o + pool.mlp(pool.norm(o)))[0]), one

    def tail(row: Tensor) -> tuple[Tensor, None]:
        return _unit(row), None

    def _unit(row: Tensor) -> Tensor:
        return F.normalize(visual.head(trunk.head(trunk.fc_norm(row))), dim=-1)

    prefix, count = trunk.num_prefix_tokens, len(x)
    explained = slice(prefix, None)
    if trunk.global_pool == "map":
        return Pass(weights, leaving, head, head, torch.zeros(count), explained)
    if trunk.global_pool == "avg":
        mean: Embed = lambda rows: tail(trunk.norm(rows)[explained].mean(0))  # noqa: E731
        shares = torch.zeros(count).index_fill(0, torch.arange(prefix, count), 1 / (count - prefix))
        return Pass(weights, leaving, mean, mean, shares, explained)
    return Pass(
        weights,
        leaving,
        lambda rows: tail(trunk.norm(rows[0])),
        lambda rows: tail(trunk.norm(rows.mean(0))),
        _one_hot(0, count),
        explained,
    )


def _one_hot(row: int, count: int) -> Tensor:
    return F.one_hot(torch.tensor(row), count).float()
