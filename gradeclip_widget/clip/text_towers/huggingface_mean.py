"""Hugging Face text encoders whose tokens are averaged: RoBERTa, XLM-R, mT5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from open_clip.hf_model import HFTextEncoder, MeanPooler
from torch import Tensor, nn

from ..blocks.attention import PooledAttention, TangentFn, no_autocast
from ..blocks.base import uncompiled
from ..tokenizers.base import SOT_EOT, SpecialTokens
from .attributions import TangentAttributions
from .base import TextTower, TextTrace

_ROWS = 512  # tokens that are run at once, to limit memory


class HuggingFaceMeanTower(TextTower):
    """open_clip's ``HFTextEncoder`` with a mean pooler, around any encoder.

    There is no query: a token contributes its part of the mean.
    """

    family = "Hugging Face text encoder, its tokens averaged"
    depth = default_text_layers = 1
    has_query = False

    def __init__(self, model: Any) -> None:
        text = uncompiled(getattr(model, "text", None))
        if not isinstance(text, HFTextEncoder):
            raise TypeError("it is not a Hugging Face encoder in open_clip's wrapper")
        if not isinstance(text.pooler, MeanPooler):
            raise TypeError(f"it pools its tokens by {type(text.pooler).__name__}")
        self.text: Any = text
        self.token_embedding: nn.Module = token_embedding(text.transformer)
        self.pad: int = text.config.pad_token_id
        self.context_length = context_length(text.config)

    def _run(
        self,
        sequences: Sequence[Sequence[int]],
        layers: int,
        special_tokens: SpecialTokens,
        tangent_fn: TangentFn | None,
    ) -> tuple[Tensor, HuggingFaceMeanTrace]:
        longest = max(map(len, sequences))  # padding beyond it is masked
        rows = [[*ids, *[self.pad] * (longest - len(ids))] for ids in sequences]
        device = next(self.text.parameters()).device
        embeddings, trace = [], None
        for ids in torch.tensor(rows, device=device).split(max(1, _ROWS // longest)):
            parts = self._parts(ids)
            pooled = parts.sum(1)
            embeddings.append(self.embedding_of(pooled))
            if trace is None:
                features = parts[0, special_tokens.caption_slice(len(sequences[0]))].clone()
                trace = HuggingFaceMeanTrace(self, features, pooled[0], embeddings[0][0])
        assert trace is not None
        return torch.cat(embeddings), trace

    def encode(self, ids: Tensor, special_tokens: SpecialTokens = SOT_EOT) -> Tensor:
        """Return unit embeddings (B, E) of captions of one length (B, L); autograd can differentiate it."""
        return self.embedding_of(self._parts(ids).sum(1))

    def _parts(self, ids: Tensor) -> Tensor:
        """Return the part (B, L, D) of the mean that comes from each token; padding gives zero."""
        seen = ids != self.pad
        hidden = self.text.transformer(input_ids=ids, attention_mask=seen.long())
        hidden = hidden.last_hidden_state
        parts: Tensor = hidden * (seen / seen.sum(-1, keepdim=True)).to(hidden)[..., None]
        return parts

    def embedding_of(self, pooled: Tensor) -> Tensor:
        """Return unit embeddings (..., E) of averaged tokens (..., D)."""
        with no_autocast(pooled):
            dtype = next(self.text.parameters()).dtype
            return F.normalize(self.text.proj(pooled.to(dtype)).float(), dim=-1)


def token_embedding(encoder: Any) -> nn.Module:
    """Return the module that a Hugging Face encoder calls with token ids."""
    # T5's own `get_input_embeddings` returns a table that is only tied to the one it calls.
    called = getattr(getattr(encoder, "encoder", encoder), "embed_tokens", None)
    module: nn.Module = encoder.get_input_embeddings() if called is None else called
    return module


def context_length(config: Any) -> int:
    """Return the context length of a Hugging Face encoder: open_clip's default of 77, or fewer positions."""
    # RoBERTa's positions start after the position of its padding token, so the first ones are not used.
    positions = getattr(config, "max_position_embeddings", None) or 512
    taken = config.pad_token_id + 1 if "roberta" in config.model_type else 0
    return min(77, positions - taken)


@dataclass(eq=False)
class HuggingFaceMeanTrace(TextTrace):
    """One caption's pass through a tower that averages its tokens.

    Attributes:
        tower: the tower.
        features: parts (T, D) of the mean that come from the caption's tokens, without special ones.
        pooled: the mean (D,).
    """

    tower: HuggingFaceMeanTower
    features: Tensor
    pooled: Tensor
    embedding: Tensor
    attentions: tuple[PooledAttention, ...] = ()

    @cached_property
    def block_contributions(self) -> Tensor:
        """(1, E), what the mean adds to t: all of t."""
        return self.embedding[None]

    @torch.no_grad()
    def propagate(self, tangents: Sequence[Tensor]) -> TangentAttributions:
        """Return what each token's part of the mean contributes to t.

        The encoder normalizes tokens before they are averaged, so the length of the embedding is the only
        scale that ``freeze_norms`` can hold constant.

        Args:
            tangents: empty, since there is no attention output.

        Raises:
            ValueError: it is not empty.
        """
        if tangents:
            raise ValueError(
                "this text tower averages its tokens: there is no attention output with tangents"
            )
        return TangentAttributions.of(self.features, self.pooled, self.tower.embedding_of)
