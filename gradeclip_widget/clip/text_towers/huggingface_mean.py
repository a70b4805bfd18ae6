"""Hugging Face text encoders whose tokens are averaged: RoBERTa, XLM-R, mT5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from open_clip.hf_model import HFTextEncoder, MeanPooler
from torch import Tensor, nn

from ..blocks.attention import PooledAttention, TangentFn, no_autocast
from ..tokenizers.special_tokens import SOT_EOT, SpecialTokens
from .attributions import TangentAttributions

_ROWS = 512  # tokens run at once


class HuggingFaceMeanTower:
    """open_clip's ``HFTextEncoder`` with a mean pooler, whatever the encoder.

    Nothing asks here: a token gives its own part of the mean, and that is what is shared out.
    """

    family = "Hugging Face text encoder, its tokens averaged"
    depth = default_text_layers = 1
    has_query = False
    supports_reference = ends_at_eot = False

    def __init__(self, model: Any) -> None:
        """View the text side of an open_clip model.

        Raises:
            TypeError: its text tower is of another family.
        """
        text = getattr(model, "text", None)
        if not isinstance(text, HFTextEncoder):
            raise TypeError("it is not a Hugging Face encoder in open_clip's wrapper")
        if not isinstance(text.pooler, MeanPooler):
            raise TypeError(f"it pools its tokens by {type(text.pooler).__name__}")
        self.text: Any = text
        self.token_embedding: nn.Module = token_embedding(text.transformer)
        self.pad: int = text.config.pad_token_id
        self.context_length = context_length(text.config)

    @torch.no_grad()
    def run(
        self,
        sequences: Sequence[Sequence[int]],
        layers: int,
        special_tokens: SpecialTokens = SOT_EOT,
        tangent_fn: TangentFn | None = None,
    ) -> tuple[Tensor, HuggingFaceMeanTrace]:
        """Encode many captions at once and trace the first.

        Args:
            sequences: framed token ids of each, no padding.
            layers: taken for the protocol's sake: the mean is all there is to explain.
            special_tokens: which of the tokens are the caption's own.
            tangent_fn: taken for the protocol's sake: there is nothing that asks.

        Returns:
            Unit embeddings (K, E), and the trace of the first sequence.
        """
        longest = max(map(len, sequences))  # padding is hidden, so it need not be run
        rows = [[*ids, *[self.pad] * (longest - len(ids))] for ids in sequences]
        device = next(self.text.parameters()).device
        embeddings, trace = [], None
        for ids in torch.tensor(rows, device=device).split(max(1, _ROWS // longest)):
            parts = self._parts(ids)
            pooled = parts.sum(1)
            embeddings.append(self.embedding_of(pooled))
            if trace is None:
                own = parts[
                    0, special_tokens.leading : len(sequences[0]) - special_tokens.trailing
                ].clone()
                trace = HuggingFaceMeanTrace(self, own, pooled[0], embeddings[0][0])
        assert trace is not None
        return torch.cat(embeddings), trace

    def trace(
        self, ids: Sequence[int], layers: int, single_head: bool = False
    ) -> HuggingFaceMeanTrace:
        """Trace one caption.

        Raises:
            ValueError: a single head is asked for.
        """
        if single_head:
            raise ValueError("the authors' code knows causal text transformers pooled at EOT only")
        return self.run([ids], layers)[1]

    def encode(self, ids: Tensor, special_tokens: SpecialTokens = SOT_EOT) -> Tensor:
        """Return unit embeddings (B, E) of framed captions of one length (B, L), for plain autograd."""
        return self.embedding_of(self._parts(ids).sum(1))

    def _parts(self, ids: Tensor) -> Tensor:
        """Parts of the mean (B, L, D) that tokens give; padding gives none."""
        seen = ids != self.pad
        hidden = self.text.transformer(input_ids=ids, attention_mask=seen.long())
        hidden = hidden.last_hidden_state
        parts: Tensor = hidden * (seen / seen.sum(-1, keepdim=True)).to(hidden)[..., None]
        return parts

    def embedding_of(self, pooled: Tensor) -> Tensor:
        """Unit embeddings (..., E) of averaged tokens (..., D)."""
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
    """How many tokens open_clip gives a Hugging Face encoder: its own default, where there are so many."""
    # RoBERTa's positions start after its padding token's, so two of them never stand for a token.
    positions = getattr(config, "max_position_embeddings", None) or 512
    taken = config.pad_token_id + 1 if "roberta" in config.model_type else 0
    return min(77, positions - taken)


@dataclass(eq=False)
class HuggingFaceMeanTrace:
    """What each token of a caption gives to the mean."""

    tower: HuggingFaceMeanTower
    propagated: ClassVar[None] = None
    features: Tensor  # (T, D) parts of the mean that are the caption's own tokens'
    pooled: Tensor  # (D,)
    embedding: Tensor  # (E,) unit text embedding t
    attentions: tuple[PooledAttention, ...] = ()

    @cached_property
    def block_contributions(self) -> Tensor:
        """(1, E) what the mean adds to t: all of it."""
        return self.embedding[None]

    @torch.no_grad()
    def propagate(self, tangents: Sequence[Tensor]) -> TangentAttributions:
        """Return what each token's own part of the mean gives to t.

        There are no blocks. Tokens were normalized before the mean was taken, so the length of the embedding
        is all that is left to freeze.
        """
        if tangents:
            raise ValueError(
                "this text tower averages its tokens: there is no attention output to move"
            )
        return TangentAttributions.of(self.features, self.pooled, self.tower.embedding_of)
