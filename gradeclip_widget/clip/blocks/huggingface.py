"""The encoder blocks of Hugging Face's BERT-like models, split at their attention."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from .base import AttentionBlock, uncompiled
from .forward_mode import DualLayout, activate, linear, norm


@dataclass(frozen=True, eq=False)
class HuggingFaceBlock(AttentionBlock):
    """A block of a Hugging Face encoder, split at its attention.

    Attributes:
        projections: of queries, keys and values.
        out: projection of attention outputs.
        norms: of the attention branch and of the MLP branch.
        up, activation, down: the MLP.
        heads: attention heads.
        norm_first: pre-norm (the input of each branch is normalized) or post-norm (each sum is).
    """

    projections: tuple[nn.Module, nn.Module, nn.Module]
    out: nn.Linear
    norms: tuple[nn.Module, nn.Module]
    up: nn.Module
    activation: Any
    down: nn.Module
    heads: int
    norm_first: bool

    @classmethod
    def of(cls, layer: Any) -> HuggingFaceBlock:
        """View a layer, or raise ``TypeError`` for an unknown kind."""
        from transformers.models.bert.modeling_bert import BertLayer
        from transformers.models.m2m_100.modeling_m2m_100 import M2M100EncoderLayer
        from transformers.models.roberta.modeling_roberta import RobertaLayer
        from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaLayer

        layer = uncompiled(layer)
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
        projections: Any = getattr(getattr(layer, "attention", None), "self", None)
        absolute = getattr(projections, "position_embedding_type", "absolute") == "absolute"
        if isinstance(layer, BertLayer | RobertaLayer | XLMRobertaLayer) and absolute:
            return cls(
                (projections.query, projections.key, projections.value),
                layer.attention.output.dense,
                (layer.attention.output.LayerNorm, layer.output.LayerNorm),
                layer.intermediate.dense,
                layer.intermediate.intermediate_act_fn,
                layer.output.dense,
                projections.num_attention_heads,
                norm_first=False,
            )
        raise TypeError(f"unknown encoder layer {type(layer).__name__}")

    def without_last_norm(self) -> tuple[HuggingFaceBlock, nn.Module]:
        """Return the block without the norm at its end, and that norm.

        The norm of the last block is then part of the tower's tail, like the final norms of other towers. A
        pre-norm block does not end in a norm: it is returned unchanged, with the identity.
        """
        if self.norm_first:
            return self, nn.Identity()
        first, last = self.norms
        return replace(self, norms=(first, nn.Identity())), last

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of its weights."""
        return self.out.weight.dtype

    def query(self, x: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return queries, all heads side by side."""
        return linear(self.projections[0], self._pre_norm(x, layout), layout)

    def keys_values(self, x: Tensor, layout: DualLayout | None = None) -> tuple[Tensor, Tensor]:
        """Return keys and values."""
        x = self._pre_norm(x, layout)
        return linear(self.projections[1], x, layout), linear(self.projections[2], x, layout)

    def qkv(self, x: Tensor, layout: DualLayout | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values."""
        x = self._pre_norm(x, layout)
        q, k, v = (linear(part, x, layout) for part in self.projections)
        return q, k, v

    def attention_branch(self, mixed: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return what is added to the rows before the MLP, from attention outputs before projection."""
        return linear(self.out, mixed, layout)

    def residual_mlp(self, x: Tensor, mixed: Tensor, layout: DualLayout | None = None) -> Tensor:
        """Return output rows, from input rows and their attention outputs before projection."""
        first, second = self.norms
        x = x + self.attention_branch(mixed, layout)
        if self.norm_first:
            return x + self._mlp(norm(second, x, layout), layout)
        x = norm(first, x, layout)
        return norm(second, x + self._mlp(x, layout), layout)

    def _pre_norm(self, x: Tensor, layout: DualLayout | None) -> Tensor:
        return norm(self.norms[0], x, layout) if self.norm_first else x

    def _mlp(self, x: Tensor, layout: DualLayout | None) -> Tensor:
        up = activate(self.activation, linear(self.up, x, layout), layout)
        return linear(self.down, up, layout)
