"""timm's transformer blocks, split at their attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from timm.layers import Attention, AttentionRope, GluMlp, Mlp, SwiGLU
from timm.layers.pos_embed_sincos import apply_rot_embed_cat
from timm.models.eva import EvaAttention, EvaBlock, EvaBlockPostNorm
from timm.models.vision_transformer import Block as PreNormBlock
from timm.models.vision_transformer import ResPostBlock
from timm.models.vision_transformer_relpos import (
    RelPosAttention,
    RelPosBlock,
    ResPostRelPosBlock,
)
from torch import Tensor, nn

from .attention import merge_heads, split_heads
from .base import AttentionBlock, uncompiled
from .forward_mode import (
    DualLayout,
    activate,
    active_layout,
    linear,
    multiply,
    norm,
    norm_per_head,
    row_wise,
    unbias,
)

_BLOCKS = (
    PreNormBlock,
    ResPostBlock,
    EvaBlock,
    EvaBlockPostNorm,
    RelPosBlock,
    ResPostRelPosBlock,
)


@dataclass(frozen=True, eq=False)
class TimmBlock(AttentionBlock):
    """A timm block, split at its attention.

    Attributes:
        module: the block.
        heads: its attention heads.
        rope: rotary embedding of the patches, or ``None``; prefix tokens are not rotated.
        prefix: number of rows before the patches (class token, registers).
        relative: module whose ``get_bias`` gives the bias of relative positions, or ``None``.
    """

    module: Any
    heads: int
    rope: Tensor | None = None
    prefix: int = 1
    relative: Any = None

    @classmethod
    def of(cls, module: Any, prefix: int) -> TimmBlock:
        """View a block, or raise ``TypeError`` for an unknown layout."""
        module = uncompiled(module)
        attention = getattr(module, "attn", None)
        if type(module) not in _BLOCKS:
            raise TypeError(f"unknown transformer block {type(module).__name__}")
        if type(attention) not in (Attention, EvaAttention, AttentionRope, RelPosAttention):
            raise TypeError(f"unknown attention {type(attention).__name__}")
        if getattr(attention, "num_kv_groups", 1) != 1:
            raise TypeError("its heads share keys and values")
        return cls(module, cast(Any, attention).num_heads, prefix=prefix)

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of its weights."""
        return cast(torch.dtype, self.module.attn.proj.weight.dtype)

    @property
    def bias(self) -> Tensor | None:
        """Bias of the attention logits (heads, rows, rows); computed at each access, since it is large."""
        return None if self.relative is None else cast(Tensor, self.relative.get_bias()[0])

    @property
    def post_norm(self) -> bool:
        """Whether the output of each branch is normalized, and not its input."""
        return isinstance(self.module, ResPostBlock | ResPostRelPosBlock | EvaBlockPostNorm)

    def query(self, x: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return queries of class tokens, which are not rotated by a position."""
        return self._norm("q", self._project(self._pre_norm(x, layout), 0, 1, layout), layout)

    def keys_values(self, x: Tensor, layout: DualLayout | None = None) -> tuple[Tensor, Tensor]:
        """Return keys and values of all tokens."""
        k, v = self._project(self._pre_norm(x, layout), 1, 3, layout).chunk(2, -1)
        return self._rotate(self._norm("k", k, layout), layout), v

    def qkv(self, x: Tensor, layout: DualLayout | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values of all tokens."""
        q, k, v = self._project(self._pre_norm(x, layout), 0, 3, layout).chunk(3, -1)
        q, k = self._norm("q", q, layout), self._norm("k", k, layout)
        return self._rotate(q, layout), self._rotate(k, layout), v

    def post_attention(self, x: Tensor, o: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Apply the block's normalization and gate of attention outputs, if it has them.

        For a post-norm block, return the whole attention branch, since the norm at its end removes the length
        of what comes before.
        """
        attention = self.module.attn
        mixed = norm(attention.norm, o, layout) if hasattr(attention, "norm") else o
        if getattr(attention, "gate", None) is not None:
            gate = linear(attention.gate, self._pre_norm(x, layout), layout)
            mixed = multiply(mixed, activate(torch.sigmoid, gate, layout), layout)
        if self.post_norm:
            mixed = norm(self.module.norm1, linear(attention.proj, mixed, layout), layout)
        return mixed

    def attention_branch(self, mixed: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return what is added to the rows before the MLP, from the result of `post_attention`."""
        if self.post_norm:
            return mixed
        return self._scale(1, linear(self.module.attn.proj, mixed, layout))

    def residual_mlp(self, x: Tensor, mixed: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return output rows, from input rows and the result of `post_attention`."""
        m = self.module
        x = x + self.attention_branch(mixed, layout)
        if self.post_norm:
            return x + norm(m.norm2, _mlp(m.mlp, x, layout), layout)
        return x + self._scale(2, _mlp(m.mlp, norm(m.norm2, x, layout), layout))

    def _pre_norm(self, x: Tensor, layout: DualLayout | None) -> Tensor:
        return x if self.post_norm else norm(self.module.norm1, x, layout)

    def _project(self, x: Tensor, first: int, last: int, layout: DualLayout | None) -> Tensor:
        attention = self.module.attn
        if attention.qkv is None:
            parts = (attention.q_proj, attention.k_proj, attention.v_proj)[first:last]
            return torch.cat([linear(part, x, layout) for part in parts], -1)
        size = attention.qkv.out_features // 3
        rows = slice(first * size, last * size)
        bias = attention.qkv.bias
        if getattr(attention, "q_bias", None) is not None:
            bias = torch.cat([attention.q_bias, attention.k_bias, attention.v_bias])
        bias = None if bias is None else bias[rows]
        return unbias(F.linear(x, attention.qkv.weight[rows], bias), bias, layout)

    def _norm(self, which: str, rows: Tensor, layout: DualLayout | None) -> Tensor:
        """Apply qk-norm."""
        return norm_per_head(getattr(self.module.attn, f"{which}_norm"), rows, self.heads, layout)

    def _rotate(self, rows: Tensor, layout: DualLayout | None) -> Tensor:
        """Rotate queries or keys (..., rows, D) of patches by their positions."""
        if self.rope is None:
            return rows
        heads = split_heads(rows, self.heads)
        half = getattr(self.module.attn, "rotate_half", False)
        patches = slice(self.prefix, None if layout is None else layout.primal)
        rotated = apply_rot_embed_cat(heads[..., patches, :], self.rope, half=half)
        below = heads[..., patches.stop or rows.shape[-2] :, :]
        return merge_heads(
            torch.cat([heads[..., : self.prefix, :], rotated.to(rows.dtype), below], -2)
        )

    def _scale(self, branch: int, y: Tensor) -> Tensor:
        if isinstance(self.module, PreNormBlock | RelPosBlock):
            return cast(Tensor, getattr(self.module, f"ls{branch}")(y))
        gamma = getattr(self.module, f"gamma_{branch}")
        return y if gamma is None else gamma * y


def _mlp(mlp: nn.Module, x: Tensor, layout: DualLayout | None) -> Tensor:
    """Apply a block's MLP to rows. Other kinds of MLP go through `row_wise`, which is a little slower."""
    m: Any = mlp
    if active_layout(x, layout) is None or type(mlp) not in (Mlp, SwiGLU, GluMlp):
        return row_wise(mlp, x, layout)
    if type(mlp) is Mlp:
        h = activate(m.act, linear(m.fc1, x, layout), layout)
    else:
        if type(mlp) is SwiGLU:
            gate, value = linear(m.fc1_g, x, layout), linear(m.fc1_x, x, layout)
        else:
            value, gate = linear(m.fc1, x, layout).chunk(2, -1)[:: 1 if m.gate_last else -1]
        h = multiply(activate(m.act, gate, layout), value, layout)
    return linear(m.fc2, norm(m.norm, h, layout), layout)
