"""The encoder blocks of Hugging Face's BERT-like models, their attention taken apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .forward_mode import DualLayout, activate, linear, norm


@dataclass(frozen=True, eq=False)
class HuggingFaceBlock:
    """A block of a Hugging Face encoder, its attention taken apart; matrices are (..., rows, D).

    Attributes:
        projections: of queries, keys and values.
        out: of attention outputs.
        norms: of the attention's branch and of the other.
        up, activation, down: of the other.
        heads: attention heads.
        norm_first: whether a branch is normalised as it starts, or the sum where it ends.
    """

    projections: tuple[nn.Module, nn.Module, nn.Module]
    out: nn.Linear
    norms: tuple[nn.Module, nn.Module]
    up: nn.Module
    activation: Any
    down: nn.Module
    heads: int
    norm_first: bool
    bias: ClassVar[None] = None

    @classmethod
    def of(cls, layer: Any) -> HuggingFaceBlock:
        """View a layer, or raise ``TypeError`` where it is of a kind that is not known."""
        from transformers.models.bert.modeling_bert import BertLayer
        from transformers.models.m2m_100.modeling_m2m_100 import M2M100EncoderLayer
        from transformers.models.roberta.modeling_roberta import RobertaLayer
        from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaLayer

        if isinstance(layer, M2M100EncoderLayer):
            attention = layer.self_attn
            return cls(
                (attention.q_proj, attention.k_proj, attention.v_proj),
                attention.out_proj,
                (layer.self_attn_layer_norm, layer.final_layer_norm),
                layer.fc1,
                layer.activation_fn,
                layer.fc2,
                attention.num_heads,
                norm_first=True,
            )
        own: Any = getattr(getattr(layer, "attention", None), "self", None)
        absolute = getattr(own, "position_embedding_type", "absolute") == "absolute"
        if isinstance(layer, BertLayer | RobertaLayer | XLMRobertaLayer) and absolute:
            return cls(
                (own.query, own.key, own.value),
                layer.attention.output.dense,
                (layer.attention.output.LayerNorm, layer.output.LayerNorm),
                layer.intermediate.dense,
                layer.intermediate.intermediate_act_fn,
                layer.output.dense,
                own.num_attention_heads,
                norm_first=False,
            )
        raise TypeError(f"unknown encoder layer {type(layer).__name__}")

    def without_last_norm(self) -> tuple[HuggingFaceBlock, nn.Module]:
        """Return the block up to the norm that it ends in, and that norm; the identity where it ends in none.

        The last block's norm then belongs to what makes an embedding of the pooled token, as final norms do.
        """
        if self.norm_first:
            return self, nn.Identity()
        first, last = self.norms
        return replace(self, norms=(first, nn.Identity())), last

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights."""
        return self.out.weight.dtype

    def query(self, x: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Queries, all heads side by side."""
        return linear(self.projections[0], self._enter(x, layout), layout)

    def keys_values(self, x: Tensor, layout: DualLayout | None = None) -> tuple[Tensor, Tensor]:
        """Keys and values."""
        x = self._enter(x, layout)
        return linear(self.projections[1], x, layout), linear(self.projections[2], x, layout)

    def qkv(self, x: Tensor, layout: DualLayout | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values."""
        x = self._enter(x, layout)
        q, k, v = (linear(part, x, layout) for part in self.projections)
        return q, k, v

    def post_attention(self, x: Tensor, o: Tensor, layout: DualLayout | None = None) -> Tensor:
        """The attention output as it enters the projection: itself."""
        return o

    def residual_mlp(self, x: Tensor, mixed: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Output rows, from input rows and their attention output before projection."""
        first, second = self.norms
        x = x + linear(self.out, mixed, layout)
        if self.norm_first:
            return x + self._branch(norm(second, x, layout), layout)
        x = norm(first, x, layout)
        return norm(second, x + self._branch(x, layout), layout)

    def forward_from_attention(
        self, x: Tensor, o: Tensor, layout: DualLayout | None = None
    ) -> Tensor:
        """As `residual_mlp`, since nothing comes between."""
        return self.residual_mlp(x, o, layout)

    def _enter(self, x: Tensor, layout: DualLayout | None) -> Tensor:
        return norm(self.norms[0], x, layout) if self.norm_first else x

    def _branch(self, x: Tensor, layout: DualLayout | None) -> Tensor:
        up = activate(self.activation, linear(self.up, x, layout), layout)
        return linear(self.down, up, layout)
