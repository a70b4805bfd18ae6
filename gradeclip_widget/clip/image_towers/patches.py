"""From pixels to the tokens that enter a transformer, also for pictures of another size than its own."""

from __future__ import annotations

import contextlib
import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
import torch.nn.functional as F
from timm.layers import Format, HybridEmbed, PatchEmbed, RotaryEmbeddingCat
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from timm.models.vision_transformer_relpos import VisionTransformerRelPos
from torch import Tensor

from ..blocks.base import AttentionBlock
from ..blocks.open_clip import OpenClipBlock
from ..blocks.timm import TimmBlock


def open_clip_tokens(visual: Any, pixels: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """Return the tokens (B, 1 + patches, D) entering open_clip's first block, and (rows, cols) of patches."""
    patches = visual.conv1(pixels.to(visual.conv1.weight.dtype))
    grid = (patches.shape[-2], patches.shape[-1])
    first = visual.class_embedding.to(patches.dtype).expand(len(patches), 1, -1)
    x = torch.cat([first, patches.flatten(2).transpose(1, 2)], 1)
    position = visual.positional_embedding
    if grid != tuple(visual.grid_size):
        position = resample_positions(position, tuple(visual.grid_size), grid)
    return visual.ln_pre(x + position.to(x.dtype)), grid


def resample_positions(position: Tensor, old: Sequence[int], new: Sequence[int]) -> Tensor:
    """Interpolate positional embeddings (1 + patches, D) to another grid; the first entry is not changed.

    The interpolation is bicubic without aligned corners, as in the Grad-ECLIP authors' notebooks.

    Args:
        position: the embeddings.
        old: (rows, cols) of their grid.
        new: (rows, cols) of the other grid.
    """
    grid = position[1:].float().unflatten(0, tuple(old)).permute(2, 0, 1)[None]
    grid = F.interpolate(grid, tuple(new), mode="bicubic", align_corners=False)
    return torch.cat([position[:1].float(), grid[0].flatten(1).T])


def timm_patch_size(trunk: Any) -> tuple[int, int]:
    """Return the (height, width) in pixels of a timm transformer's patch, including strides of its stem."""
    embed = trunk.patch_embed
    (height, width), (rows, cols) = embed.img_size, embed.grid_size
    return height // rows, width // cols


def timm_grid(trunk: Any, pixels: Tensor) -> tuple[int, int]:
    """Return the (rows, cols) of patches that a timm transformer makes of a picture."""
    height, width = timm_patch_size(trunk)
    return pixels.shape[-2] // height, pixels.shape[-1] // width


def supports_dynamic_size(trunk: Any) -> bool:
    """Return whether `dynamic_image_size` supports the positions of this timm trunk."""
    if isinstance(trunk, VisionTransformerRelPos):
        return type(trunk.patch_embed) is PatchEmbed and hasattr(trunk, "set_input_size")
    if not isinstance(trunk, VisionTransformer | Eva):
        return False
    return type(trunk.patch_embed) in (PatchEmbed, HybridEmbed) and (
        getattr(trunk, "rope", None) is None or type(trunk.rope) is RotaryEmbeddingCat
    )


@contextlib.contextmanager
def dynamic_image_size(trunk: Any, size: Sequence[int]) -> Iterator[None]:
    """Let a timm transformer take pictures of another size than its own, within the context.

    timm can interpolate positions in each pass if the model is built with ``dynamic_img_size=True``. This
    sets the attributes that the option sets, and restores them.

    Args:
        trunk: the transformer.
        size: (height, width) in pixels.
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


def open_clip_blocks(transformer: Any) -> list[OpenClipBlock]:
    """Return views of the blocks of open_clip's transformer; an empty list if their kind is unknown."""
    try:
        return [OpenClipBlock.of(block) for block in transformer.resblocks]
    except TypeError:
        return []


def timm_blocks(trunk: Any) -> list[TimmBlock]:
    """Return views of a timm trunk's blocks; an empty list if it is no transformer of known blocks."""
    if not isinstance(trunk, VisionTransformer | Eva | VisionTransformerRelPos):
        return []
    try:
        return [TimmBlock.of(block, trunk.num_prefix_tokens) for block in trunk.blocks]
    except TypeError:
        return []


def timm_tokens(
    trunk: Any, blocks: Sequence[TimmBlock], pixels: Tensor
) -> tuple[Tensor, list[TimmBlock]]:
    """Return tokens (B, prefix + patches, D) entering a timm transformer's first block.

    Args:
        trunk: the transformer.
        blocks: views of its blocks, without positions.
        pixels: normalized pictures (B, 3, H, W).

    Returns:
        The tokens, and the blocks with the positions of a picture of this size.
    """
    with dynamic_image_size(trunk, pixels.shape[-2:]):
        patches = trunk.patch_embed(pixels.to(blocks[0].dtype))
        if isinstance(trunk, VisionTransformerRelPos):
            relative = _relative_positions(trunk, timm_grid(trunk, pixels))
            first = cast(Tensor, trunk.cls_token).expand(len(patches), -1, -1)
            placed = [replace(b, relative=r) for b, r in zip(blocks, relative, strict=True)]
            return torch.cat([first, patches], 1), placed
        embedded = trunk._pos_embed(patches)  # noqa: SLF001
    x, rope = embedded if isinstance(embedded, tuple) else (embedded, None)
    mixed = rope is not None and trunk.rope_mixed  # of the mixed kind, each block has its own
    ropes = rope if mixed else [rope] * len(blocks)
    return trunk.norm_pre(x), [replace(b, rope=r) for b, r in zip(blocks, ropes, strict=True)]


def _relative_positions(trunk: Any, grid: tuple[int, int]) -> list[Any]:
    """Return the module that makes each block's position bias, for a grid (rows, cols) of patches."""
    shared = trunk.shared_rel_pos
    if shared is not None:
        return [_resized_to(shared, grid)] * len(trunk.blocks)
    return [_resized_to(block.attn.rel_pos, grid) for block in trunk.blocks]


def _resized_to(relative: Any, grid: tuple[int, int]) -> Any:
    if tuple(relative.window_size) != grid:
        relative = copy.deepcopy(relative)
        relative.set_window_size(grid)
    return relative


class OpenClipTrunk(ABC):
    """open_clip's vision transformer below its pooling.

    Attributes:
        visual: the image tower.
        blocks: views of its blocks; empty if their kind is unknown.
        patch_size, image_size, flexible: see `ImageTower`.
    """

    flexible = True

    def __init__(self, visual: Any) -> None:
        self.visual = visual
        self.blocks: Sequence[AttentionBlock] = open_clip_blocks(visual.transformer)
        self.patch_size = cast(tuple[int, int], tuple(visual.conv1.kernel_size))
        self.image_size = cast(tuple[int, int], tuple(visual.image_size))

    def block_inputs(self, pixels: Tensor) -> tuple[Tensor, Sequence[AttentionBlock]]:
        """Return the rows (B, N, D) of pictures (B, 3, H, W) entering the first block, and the blocks."""
        return open_clip_tokens(self.visual, pixels)[0], self.blocks

    @abstractmethod
    def pooling_inputs(self, rows: Tensor) -> Tensor:
        """Return the rows (N, D) that are pooled, from those that leave the last block."""

    def features(self, pixels: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Return the rows (N, D) of one picture that are pooled, and the (rows, cols) of patches."""
        x, grid = open_clip_tokens(self.visual, pixels)
        return self.pooling_inputs(self.visual.transformer(x)[0]), grid
