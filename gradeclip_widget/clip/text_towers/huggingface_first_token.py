"""Hugging Face text encoders pooled by their first token: NLLB, and BERT-like ones with a class token."""

from __future__ import annotations

from typing import Any, cast

import torch.nn.functional as F
from open_clip.hf_model import ClsLastHiddenStatePooler, ClsPooler, HFTextEncoder
from torch import Tensor, nn

from ..blocks.attention import no_autocast
from ..blocks.base import uncompiled
from ..blocks.huggingface import HuggingFaceBlock
from .bidirectional import BidirectionalTextTower, drop_hidden_columns
from .huggingface_mean import context_length, token_embedding


class HuggingFaceFirstTokenTower(BidirectionalTextTower):
    """open_clip's ``HFTextEncoder`` with a pooler that takes the first token.

    That token is BERT's [CLS], or the language code that NLLB's captions start with. Padding is masked.
    """

    family = "Hugging Face text encoder, its first token pooled"

    def __init__(self, model: Any) -> None:
        text = uncompiled(getattr(model, "text", None))
        if not isinstance(text, HFTextEncoder):
            raise TypeError("it is not a Hugging Face encoder in open_clip's wrapper")
        if not isinstance(text.pooler, ClsPooler | ClsLastHiddenStatePooler):
            raise TypeError(f"it pools its tokens by {type(text.pooler).__name__}")
        self.text: Any = text
        self.encoder: Any = getattr(text.transformer, "encoder", text.transformer)
        layers: Any = getattr(self.encoder, "layers", None) or getattr(self.encoder, "layer", ())
        if not layers:
            raise TypeError(f"the layers of its {type(self.encoder).__name__} are unknown")
        blocks = [HuggingFaceBlock.of(layer) for layer in layers]
        last, last_norm = blocks[-1].without_last_norm()
        self.blocks = [*blocks[:-1], last]
        # Encoders of pre-norm blocks have a separate final norm.
        self.final_norm: nn.Module = getattr(self.encoder, "layer_norm", last_norm)
        self.depth = len(self.blocks)
        self.token_embedding = token_embedding(text.transformer)
        self.pad: int = text.config.pad_token_id
        self.pooling, self.class_token = "first", None
        self.context_length = context_length(text.config)

    def embedding_of(self, pooled: Tensor) -> Tensor:
        """Return unit embeddings (..., E) of first tokens (..., D) leaving the last block."""
        with no_autocast(pooled):
            pooled = self.final_norm(pooled.to(self.blocks[-1].dtype))
            head = getattr(self.text.transformer, "pooler", None)
            if head is not None and getattr(self.text.pooler, "use_pooler_output", False):
                pooled = head(pooled.reshape(-1, 1, pooled.shape[-1])).view(pooled.shape)
            return F.normalize(self.text.proj(pooled).float(), dim=-1)

    def _embed(self, ids: Tensor, longest: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        visible = ids != self.pad
        mask = visible[:, None].expand(-1, ids.shape[1], -1)
        x = self._tokens(ids).to(self.blocks[0].dtype)
        return drop_hidden_columns(x, visible, mask, self._pooled(ids, ids.shape[1]), longest)

    def _tokens(self, ids: Tensor) -> Tensor:
        """Return tokens (B, L, D) entering the first block."""
        if hasattr(self.text.transformer, "embeddings"):
            return cast(Tensor, self.text.transformer.embeddings(input_ids=ids))
        # Older versions of transformers do not scale in `embed_tokens`.
        scale = getattr(self.encoder, "embed_scale", 1.0)
        return cast(
            Tensor, self.encoder.embed_tokens(ids) * scale + self.encoder.embed_positions(ids)
        )
