"""The towers' forward passes as training runs them: the same numbers as open_clip's, several times faster.

On a CPU PyTorch's fused attention spends five times what plain matrix products do, most of it in the
backward pass; and of the last block only the pooled row is needed.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.model import CLIP
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor


def encode_images(model: CLIP, images: Tensor, mixing: Tensor | None = None) -> Tensor:
    """Unit embeddings of pictures.

    Args:
        model: An open_clip model with a class token.
        images: (pictures, height, width, 3) uint8, sides multiples of the patch size.
        mixing: (pictures, blocks - 1) bool: in which blocks before the last a picture's tokens look at
            one another (stochastic depth of the attention); in all by default.

    Returns:
        (pictures, embedding size).
    """
    tower = model.visual
    patch = tower.patch_size[0]
    count, rows, columns = images.shape[0], images.shape[1] // patch, images.shape[2] // patch
    patches = images.view(count, rows, patch, columns, patch, 3).transpose(2, 3)
    patches = patches.reshape(count, rows * columns, patch * patch * 3)
    place = resized_positions(tower.positional_embedding, rows, columns)
    class_place, place = place[:1], place[1:]
    # Normalising the picture is folded into the filters: x * w - mean * w, w = filter / std.
    filters = tower.conv1.weight.permute(0, 2, 3, 1) / (torch.tensor(OPENAI_DATASET_STD) * 255)
    offset = (filters * torch.tensor(OPENAI_DATASET_MEAN) * 255).sum(dim=(1, 2, 3))
    x = F.linear(patches.to(filters.dtype), filters.flatten(1)) + (place - offset)
    class_token = (tower.class_embedding + class_place).expand(count, 1, -1)
    x = tower.ln_pre(torch.cat([class_token, x], dim=1))
    *blocks, last = tower.transformer.resblocks
    for number, block in enumerate(blocks):
        x = run_block(block, x, mixing=None if mixing is None else mixing[:, number])
    pooled = tower.ln_post(run_block(last, x, x[:, :1])[:, 0])
    return F.normalize((pooled @ tower.proj).float(), dim=-1)


def encode_texts(model: CLIP, tokens: Tensor) -> Tensor:
    """Unit embeddings of captions, cut to the longest of them.

    Args:
        model: An open_clip model.
        tokens: (captions, positions) with the end token's id the highest.

    Returns:
        (captions, embedding size).
    """
    end = tokens.argmax(dim=1)
    count, length = len(tokens), int(end.max()) + 1
    tokens = tokens[:, :length]
    x = model.token_embedding(tokens) + model.positional_embedding[:length]
    ahead = torch.ones(length, length, dtype=torch.bool).triu(1)
    *blocks, last = model.transformer.resblocks
    for block in blocks:
        x = run_block(block, x, hidden=ahead)
    behind = (torch.arange(length) > end[:, None])[:, None, None]
    pooled = run_block(last, x, x[torch.arange(count), end][:, None], behind)[:, 0]
    return F.normalize((model.ln_final(pooled) @ model.text_projection).float(), dim=-1)


def run_block(
    block: ResidualAttentionBlock,
    x: Tensor,
    rows: Tensor | None = None,
    hidden: Tensor | None = None,
    mixing: Tensor | None = None,
) -> Tensor:
    """A block's output, the same as `block(x)`.

    Args:
        block: A block of either tower.
        x: (count, positions, width), what enters it.
        rows: (count, some, width), the rows of x whose output is wanted; all by default.
        hidden: Bool, broadcast to (count, heads, some, positions): where rows may not look.
        mixing: (count,) bool: where not, the attention adds nothing.

    Returns:
        (count, some, width).
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
    query = F.linear(target, query_weight, query_bias) * attn.head_dim**-0.5
    query, key, value = (
        t.unflatten(-1, (attn.num_heads, -1)).transpose(1, 2) for t in (query, key, value)
    )
    scores = query @ key.mT
    if hidden is not None:
        scores = scores.masked_fill(hidden, -torch.inf)
    read = (scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(2)
    attended = attn.out_proj(read)
    if mixing is not None:
        attended = attended * mixing[:, None, None]
    rows = rows + attended
    out: Tensor = rows + block.mlp(block.ln_2(rows))
    return out


def resized_positions(embedding: Tensor, rows: int, columns: int) -> Tensor:
    """The positional embedding for another patch grid; its first row is the class token's."""
    side = math.isqrt(len(embedding) - 1)
    if (rows, columns) == (side, side):
        return embedding
    grid = embedding[1:].float().view(1, side, side, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, (rows, columns), mode="bicubic", align_corners=False, antialias=True)
    return torch.cat([embedding[:1], grid.flatten(2)[0].T])
