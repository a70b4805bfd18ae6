"""open_clip's residual attention block, split at its attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import AttentionBlock, uncompiled
from .forward_mode import DualLayout, activate, linear, norm, unbias


@dataclass(frozen=True, eq=False)
class OpenClipBlock(AttentionBlock):
    """An open_clip ``ResidualAttentionBlock``, split at its attention.

    The attention is torch's ``MultiheadAttention``, or open_clip's own module with the same weight names.
    """

    module: Any
    heads: int

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of its weights."""
        dtype: torch.dtype = self.module.attn.out_proj.weight.dtype
        return dtype

    @classmethod
    def of(cls, module: nn.Module) -> OpenClipBlock:
        """View a block, or raise ``TypeError`` if it is not open_clip's standard one."""
        module = uncompiled(module)
        attention, mlp = getattr(module, "attn", None), getattr(module, "mlp", None)
        steps = [name for name, _ in mlp.named_children()] if isinstance(mlp, nn.Module) else []
        if getattr(attention, "in_proj_weight", None) is None or steps != [
            "c_fc",
            "gelu",
            "c_proj",
        ]:
            raise TypeError(f"unknown transformer block {type(module).__name__}")
        for part in ("ln_q", "ln_k", "ln_inner", "logit_scale", "head_scale"):
            if not isinstance(getattr(attention, part, None), nn.Identity | None):
                raise TypeError(f"the attention of its blocks has {part}, which is not supported")
        return cls(module, cast(Any, attention).num_heads)

    def query(self, x: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return queries (rows, D), all heads side by side."""
        return self._project(x, 0, 1, layout)

    def keys_values(self, x: Tensor, layout: DualLayout | None = None) -> tuple[Tensor, Tensor]:
        """Return keys and values, each (rows, D)."""
        k, v = self._project(x, 1, 3, layout).chunk(2, -1)
        return k, v

    def qkv(self, x: Tensor, layout: DualLayout | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, each (rows, D)."""
        q, k, v = self._project(x, 0, 3, layout).chunk(3, -1)
        return q, k, v

    def attention_branch(self, mixed: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return what is added to the rows before the MLP, from attention outputs before projection."""
        return cast(Tensor, self.module.ls_1(self._out(mixed, layout)))

    def residual_mlp(self, x: Tensor, mixed: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return output rows, from input rows and their attention outputs before projection."""
        m = self.module
        x = x + self.attention_branch(mixed, layout)
        h = linear(m.mlp.c_fc, norm(m.ln_2, x, layout), layout)
        h = activate(m.mlp.gelu, h, layout)
        return x + cast(Tensor, m.ls_2(linear(m.mlp.c_proj, h, layout)))

    def _out(self, o: Tensor, layout: DualLayout | None) -> Tensor:
        projection = self.module.attn.out_proj
        if isinstance(self.module.attn, nn.MultiheadAttention):
            # Torch reads its weights and does not call it, so hooks and adapters on it have no effect.
            out = F.linear(o, projection.weight, projection.bias)
            return unbias(out, projection.bias, layout)
        return linear(projection, o, layout)

    def _project(self, x: Tensor, first: int, last: int, layout: DualLayout | None) -> Tensor:
        attention = self.module.attn
        size = attention.out_proj.in_features
        rows = slice(first * size, last * size)
        bias = None if attention.in_proj_bias is None else attention.in_proj_bias[rows]
        out = F.linear(norm(self.module.ln_1, x, layout), attention.in_proj_weight[rows], bias)
        return unbias(out, bias, layout)
