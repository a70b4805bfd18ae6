"""From pixels to the tokens that enter a transformer, also in sizes that it was not made for."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from timm.layers import Format, HybridEmbed, PatchEmbed, RotaryEmbeddingCat
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from timm.models.vision_transformer_relpos import VisionTransformerRelPos
from torch import Tensor


def open_clip_tokens(visual: Any, pixels: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """Tokens (1 + patches, D) entering the first block of open_clip's transformer, and the patch grid."""
    patches = visual.conv1(pixels.to(visual.conv1.weight.dtype))[0]
    grid = (patches.shape[-2], patches.shape[-1])
    x = torch.cat([visual.class_embedding.to(patches.dtype)[None], patches.flatten(1).T])
    position = visual.positional_embedding
    if grid != tuple(visual.grid_size):
        position = resample(position, tuple(visual.grid_size), grid)
    return visual.ln_pre(x + position.to(x.dtype)), grid


def resample(position: Tensor, old: Sequence[int], new: Sequence[int]) -> Tensor:
    """Positional embeddings (1 + patches, D) for another grid, the first entry kept.

    Bicubic, corners not aligned, as in the Grad-ECLIP authors' notebooks.
    """
    grid = position[1:].float().unflatten(0, tuple(old)).permute(2, 0, 1)[None]
    grid = F.interpolate(grid, tuple(new), mode="bicubic", align_corners=False)
    return torch.cat([position[:1].float(), grid[0].flatten(1).T])


def timm_patch_size(trunk: Any) -> tuple[int, int]:
    """(height, width) in pixels of a patch of a timm transformer, its stem's strides included."""
    embed = trunk.patch_embed
    (height, width), (rows, cols) = embed.img_size, embed.grid_size
    return height // rows, width // cols


def timm_grid(trunk: Any, pixels: Tensor) -> tuple[int, int]:
    """(rows, cols) of patches that a timm transformer makes of a picture."""
    height, width = timm_patch_size(trunk)
    return pixels.shape[-2] // height, pixels.shape[-1] // width


def takes_any_size(trunk: Any) -> bool:
    """Whether `any_size` knows how this timm trunk lays out its positions."""
    if isinstance(trunk, VisionTransformerRelPos):
        return type(trunk.patch_embed) is PatchEmbed and hasattr(trunk, "set_input_size")
    if not isinstance(trunk, VisionTransformer | Eva):
        return False
    return type(trunk.patch_embed) in (PatchEmbed, HybridEmbed) and (
        getattr(trunk, "rope", None) is None or type(trunk.rope) is RotaryEmbeddingCat
    )


@contextlib.contextmanager
def any_size(trunk: Any, size: Sequence[int]) -> Iterator[None]:
    """Let a timm transformer take a picture (height, width) of a size that it was not made for.

    timm can build these towers to interpolate their positions, or set them to another size for good. Here
    the switches that the first would have set are set for the time being, and what was there is put back.
    """
    if tuple(size) == tuple(trunk.patch_embed.img_size):
        yield
        return
    switches: list[tuple[Any, str, Any]] = [(trunk.patch_embed, "strict_img_size", False)]
    if not isinstance(trunk, VisionTransformerRelPos):
        switches += [
            (trunk.patch_embed, "flatten", False),
            (trunk.patch_embed, "output_fmt", Format.NHWC),
            (trunk, "dynamic_img_size", True),
        ]
    rope = getattr(trunk, "rope", None)
    if rope is not None and rope.feat_shape is not None:
        height, width = timm_patch_size(trunk)
        rope = copy.deepcopy(rope)
        rope.update_feat_shape([size[0] // height, size[1] // width])
        switches.append((trunk, "rope", rope))
    before = [getattr(owner, name) for owner, name, _ in switches]
    try:
        for owner, name, value in switches:
            setattr(owner, name, value)
        yield
    finally:
        for (owner, name, _), value in zip(switches, before, strict=True):
            setattr(owner, name, value)


def relative_positions(trunk: Any, grid: tuple[int, int]) -> list[Any]:
    """What makes each block's bias in a timm transformer with relative positions, for a grid of patches."""
    shared = trunk.shared_rel_pos
    if shared is not None:
        return [_resized(shared, grid)] * len(trunk.blocks)
    return [_resized(block.attn.rel_pos, grid) for block in trunk.blocks]


def _resized(relative: Any, grid: tuple[int, int]) -> Any:
    if tuple(relative.window_size) != grid:
        relative = copy.deepcopy(relative)
        relative.set_window_size(grid)
    return relative
