"""Hugging Face text encoders that pool their first token: NLLB, and BERT's kin where so built."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import torch
import torch.nn.functional as F
from open_clip.hf_model import ClsLastHiddenStatePooler, ClsPooler, HFTextEncoder
from torch import Tensor, nn

from .blocks import exact
from .directions import Layout, activate, linear, norm
from .mean_text import context_length, token_embedding
from .pooled_text import PooledTextTower, seen_alone


class ClassTextTower(PooledTextTower):
    """open_clip's ``HFTextEncoder`` with a class token's pooler.

    The first token asks: BERT's [CLS], or the language that NLLB's captions start with. Padding is hidden.
    """

    family = "Hugging Face text encoder, its first token pooled"

    def __init__(self, model: Any) -> None:
        """View the text side of an open_clip model.

        Raises:
            TypeError: its text tower is of another family.
        """
        text = getattr(model, "text", None)
        if not isinstance(text, HFTextEncoder):
            raise TypeError("it is not a Hugging Face encoder in open_clip's wrapper")
        if not isinstance(text.pooler, ClsPooler | ClsLastHiddenStatePooler):
            raise TypeError(f"it pools its tokens by {type(text.pooler).__name__}")
        self.text: Any = text
        self.encoder: Any = getattr(text.transformer, "encoder", text.transformer)
        layers: Any = getattr(self.encoder, "layers", None) or getattr(self.encoder, "layer", ())
        if not layers:
            raise TypeError(f"the layers of its {type(self.encoder).__name__} are not known here")
        blocks = [EncoderBlock.of(layer) for layer in layers]
        last, last_norm = blocks[-1].without_last_norm()
        self.blocks = [*blocks[:-1], last]
        # Blocks that normalize at their start leave it to the encoder to normalize at the end.
        self.final_norm: nn.Module = getattr(self.encoder, "layer_norm", last_norm)
        self.depth = len(self.blocks)
        self.token_embedding = token_embedding(text.transformer)
        self.pad: int = text.config.pad_token_id
        self.pooling, self.class_token = "first", None
        self.context_length = context_length(text.config)

    def embedding_of(self, pooled: Tensor) -> Tensor:
        """Unit embeddings (..., E) of first tokens (..., D) leaving the last block."""
        with exact(pooled):
            pooled = self.final_norm(pooled.to(self.blocks[-1].dtype))
            head = getattr(self.text.transformer, "pooler", None)
            if head is not None and getattr(self.text.pooler, "use_pooler_output", False):
                pooled = head(pooled.reshape(-1, 1, pooled.shape[-1])).view(pooled.shape)
            return F.normalize(self.text.proj(pooled).float(), dim=-1)

    def _embed(self, ids: Tensor, longest: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        seen = ids != self.pad
        mask = seen[:, None].expand(-1, ids.shape[1], -1)
        x = self._tokens(ids).to(self.blocks[0].dtype)
        return seen_alone(x, seen, mask, self._pooled(ids, ids.shape[1]), longest)

    def _tokens(self, ids: Tensor) -> Tensor:
        """Tokens (B, L, D) entering the first block."""
        if hasattr(self.text.transformer, "embeddings"):
            return cast(Tensor, self.text.transformer.embeddings(input_ids=ids))
        scale = getattr(self.encoder, "embed_scale", 1.0)  # older versions keep it out of the table
        return cast(
            Tensor, self.encoder.embed_tokens(ids) * scale + self.encoder.embed_positions(ids)
        )


@dataclass(frozen=True, eq=False)
class EncoderBlock:
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
    def of(cls, layer: Any) -> EncoderBlock:
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

    def without_last_norm(self) -> tuple[EncoderBlock, nn.Module]:
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

    def query(self, x: Tensor, layout: Layout | None = None) -> Tensor:
        """Queries, all heads side by side."""
        return linear(self.projections[0], self._enter(x, layout), layout)

    def keys_values(self, x: Tensor, layout: Layout | None = None) -> tuple[Tensor, Tensor]:
        """Keys and values."""
        x = self._enter(x, layout)
        return linear(self.projections[1], x, layout), linear(self.projections[2], x, layout)

    def qkv(self, x: Tensor, layout: Layout | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values."""
        x = self._enter(x, layout)
        q, k, v = (linear(part, x, layout) for part in self.projections)
        return q, k, v

    def mix(self, x: Tensor, o: Tensor, layout: Layout | None = None) -> Tensor:
        """The attention output as it enters the projection: itself."""
        return o

    def leave(self, x: Tensor, mixed: Tensor, layout: Layout | None = None) -> Tensor:
        """Output rows, from input rows and their attention output before projection."""
        first, second = self.norms
        x = x + linear(self.out, mixed, layout)
        if self.norm_first:
            return x + self._branch(norm(second, x, layout), layout)
        x = norm(first, x, layout)
        return norm(second, x + self._branch(x, layout), layout)

    def finish(self, x: Tensor, o: Tensor, layout: Layout | None = None) -> Tensor:
        """As `leave`, since nothing comes between."""
        return self.leave(x, o, layout)

    def _enter(self, x: Tensor, layout: Layout | None) -> Tensor:
        return norm(self.norms[0], x, layout) if self.norm_first else x

    def _branch(self, x: Tensor, layout: Layout | None) -> Tensor:
        up = activate(self.activation, linear(self.up, x, layout), layout)
        return linear(self.down, up, layout)
