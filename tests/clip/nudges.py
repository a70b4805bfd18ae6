"""Models whose attention output at the pooled token is moved a little, for differences of the score."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gradeclip_widget.clip.blocks.huggingface import HuggingFaceBlock
from gradeclip_widget.clip.image_towers.attention_pooling import AttentionPoolingTower
from gradeclip_widget.clip.image_towers.timm_class_token import TimmClassTokenTower


def image(tower: Any, move: Tensor, layers: int = 1) -> contextlib.AbstractContextManager[Any]:
    """The model with the pooled attention output moved in the first of its last ``layers`` blocks."""
    if isinstance(tower, AttentionPoolingTower):
        return by_bias(_projection(tower), move)
    block = tower.blocks[-layers]
    if isinstance(tower, TimmClassTokenTower):
        attention = block.module.attn
        return entering(getattr(attention, "norm", attention.proj), move)
    return _branch(block, move, 0)


def normed_inside(tower: Any) -> bool:
    """Whether a norm comes between the attention output and the stream."""
    if not isinstance(tower, TimmClassTokenTower):
        return False
    block = tower.blocks[-1]
    norm = getattr(block.module.attn, "norm", None)
    return block.post_norm or not isinstance(norm, nn.Identity | None)


@contextlib.contextmanager
def feature_map(tower: Any, move: Tensor, grid: tuple[int, int]) -> Iterator[None]:
    """The model with its feature map moved on its way into the pooling."""
    visual = tower.map.visual
    owner: Any = getattr(visual, "trunk", visual)
    name = "_global_pool" if owner is visual else "forward_head"
    own = getattr(owner, name)

    def moved(x: Tensor) -> Any:
        added = move
        if x.ndim == 4:
            added = added.unflatten(0, grid)
            added = added if tower.map.channels_last else added.permute(2, 0, 1)
        return own(x + added)

    setattr(owner, name, moved)
    try:
        yield
    finally:
        delattr(owner, name)


@contextlib.contextmanager
def text(tower: Any, model: Any, ids: Sequence[int], moves: Sequence[Tensor]) -> Iterator[None]:
    """The model with its pooled token's attention outputs moved in its last blocks, or its mean moved."""
    with contextlib.ExitStack() as stack:
        if not tower.has_query:
            (move,) = moves
            hook = model.text.pooler.register_forward_hook(lambda _, __, mean: mean + move)
            stack.callback(hook.remove)
        else:
            row = _pooled_row(tower, ids)
            for block, move in zip(tower.blocks[-len(moves) :], moves, strict=True):
                stack.enter_context(_branch(block, move, row))
        yield


@contextlib.contextmanager
def entering(module: nn.Module, move: Tensor, row: int = 0) -> Iterator[None]:
    """The model with one row moved as it enters a module."""

    def shift(module: nn.Module, args: tuple[Tensor]) -> Tensor:
        moved = args[0].clone()
        moved[:, row] += move
        return moved

    hook = module.register_forward_pre_hook(shift)
    try:
        yield
    finally:
        hook.remove()


def _branch(block: Any, move: Tensor, row: int) -> contextlib.AbstractContextManager[None]:
    """The model with one row of a block's attention outputs moved."""
    if isinstance(block, HuggingFaceBlock):
        return entering(block.out, move, row)
    # open_clip's block projects them by weights alone, so they are moved after that.
    with torch.no_grad():
        return entering(block.module.ls_1, block.module.attn.out_proj.weight @ move, row)


@contextlib.contextmanager
def by_bias(projection: Any, move: Tensor) -> Iterator[None]:
    """Attention outputs moved before a projection that is used by its weights.

    All rows move, and only the pooled one of a pooling head leads on.
    """
    bias = projection.bias
    projection.bias = nn.Parameter(bias + projection.weight @ move)
    try:
        yield
    finally:
        projection.bias = bias


def _projection(tower: AttentionPoolingTower) -> Any:
    pool: Any = tower.pool
    if hasattr(pool.visual, "trunk"):
        return pool.visual.trunk.attn_pool.proj
    return pool.pooler.attn.out_proj if hasattr(pool, "pooler") else pool.visual.attnpool.c_proj


def _pooled_row(tower: Any, ids: Sequence[int]) -> int:
    if getattr(tower, "class_token", None) is not None:
        return int(tower.context_length)
    last = int(tower.context_length) - 1
    return {"first": 0, "last": last}.get(getattr(tower, "pooling", "eos"), len(ids) - 1)
