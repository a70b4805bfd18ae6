"""The towers' forward passes for training: the same values as open_clip's, several times faster.

On a CPU, PyTorch's fused attention needs five times as long as plain matrix products, mostly in the backward
pass. Of the last block, only the pooled row is computed.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.model import CLIP
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor


def encode_images(model: CLIP, images: Tensor) -> Tensor:
    """Return unit embeddings (pictures, embedding size) of pictures.

    Args:
        model: an open_clip model around :func:`~gradeclip_widget.demo.trunk.gradeclip_demo_trunk`.
        images: (pictures, height, width, 3) uint8, sides multiples of the patch size.
    """
    trunk: Any = model.visual.trunk
    moments = torch.tensor([OPENAI_DATASET_MEAN, OPENAI_DATASET_STD], device=images.device) * 255
    mean, std = moments
    pixels = ((images.float() - mean) / std).permute(0, 3, 1, 2)
    patches = trunk.patch_embed.proj(trunk.patch_embed.backbone(pixels)).flatten(2).mT
    read = trunk.cls_token.expand(len(images), -1, -1)
    (block,) = trunk.blocks
    pooled = read + _read(block.attn, block.norm1(read), block.norm1(torch.cat([read, patches], 1)))
    pooled = pooled + block.mlp(block.norm2(pooled))
    return F.normalize(trunk.head(trunk.norm(pooled[:, 0])), dim=-1)


def _read(attention: Any, reader: Tensor, tokens: Tensor) -> Tensor:
    """Return the attention output of a class token (B, 1, D) over all tokens (B, N, D)."""
    width = reader.shape[-1]
    query_weight, pair_weight = attention.qkv.weight.split([width, 2 * width])
    query_bias, pair_bias = attention.qkv.bias.split([width, 2 * width])
    query = F.linear(reader, query_weight, query_bias)
    key, value = F.linear(tokens, pair_weight, pair_bias).chunk(2, dim=-1)
    return _attend(query, key, value, attention.num_heads, attention.proj)


def _attend(
    query: Tensor, key: Tensor, value: Tensor, heads: int, proj: Any, hidden: Tensor | None = None
) -> Tensor:
    query = query * (query.shape[-1] // heads) ** -0.5
    q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in (query, key, value))
    scores = q @ k.mT
    if hidden is not None:
        scores = scores.masked_fill(hidden, -torch.inf)
    out: Tensor = proj((scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2))
    return out


def encode_texts(model: CLIP, tokens: Tensor) -> Tensor:
    """Return unit embeddings (captions, embedding size) of captions, without common padding.

    Args:
        model: an open_clip model with a causal text tower.
        tokens: (captions, positions); the end token has the highest id.
    """
    end = tokens.argmax(dim=1)
    count, length = len(tokens), int(end.max()) + 1
    tokens = tokens[:, :length]
    x = model.token_embedding(tokens) + model.positional_embedding[:length]
    ahead = torch.ones(length, length, dtype=torch.bool, device=tokens.device).triu(1)
    rows, positions = (torch.arange(n, device=tokens.device) for n in (count, length))
    *blocks, last = model.transformer.resblocks
    for block in blocks:
        x = run_block(block, x, hidden=ahead)
    behind = (positions > end[:, None])[:, None, None]
    pooled = run_block(last, x, x[rows, end][:, None], behind)[:, 0]
    return F.normalize((model.ln_final(pooled) @ model.text_projection).float(), dim=-1)


def run_block(
    block: ResidualAttentionBlock,
    x: Tensor,
    rows: Tensor | None = None,
    hidden: Tensor | None = None,
) -> Tensor:
    """Return a block's output (count, some, width), the same as `block(x)`.

    Args:
        block: a block of the text tower.
        x: (count, positions, width), its input.
        rows: (count, some, width), the rows of x whose output to return; all by default.
        hidden: bool, broadcast to (count, heads, some, positions): positions that rows do not attend to.
    """
    attn, width = block.attn, x.shape[-1]
    query_weight, pair_weight = attn.in_proj_weight.split([width, 2 * width])
    query_bias, pair_bias = attn.in_proj_bias.split([width, 2 * width])
    source = block.ln_1(x)
    if rows is None:
        rows, target = x, source
    else:
        target = block.ln_1(rows)
    key, value = F.linear(source, pair_weight, pair_bias).chunk(2, dim=-1)
    query = F.linear(target, query_weight, query_bias)
    rows = rows + _attend(query, key, value, attn.num_heads, attn.out_proj, hidden)
    out: Tensor = rows + block.mlp(block.ln_2(rows))
    return out
