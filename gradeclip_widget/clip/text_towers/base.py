"""Text towers: the base class of their families, and the traces of captions that methods use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..blocks.attention import PooledAttention, TangentFn, no_autocast
from ..blocks.forward_mode import tail_norm
from ..blocks.transformer import Transformer
from ..tokenizers.base import SOT_EOT, SpecialTokens
from .attributions import TangentAttributions


class TextTrace(ABC):
    """One caption's pass through a text tower.

    Attributes:
        embedding: unit text embedding t (E,).
        attentions: attention of the pooled token in each explained block, lowest block first. Empty for
            towers without a query.
        propagated: the result of `propagate` for the tangents of `TextTower.run`, if the tower propagated
            them in the same pass; otherwise ``None``.
        block_contributions: (L, E), what each block's attention output adds to t, to first order.
        tower: the tower.
        ids: the caption's token ids with special tokens, without padding.
        special_tokens: which of them are special.
    """

    tower: TextTower
    ids: Sequence[int]
    special_tokens: SpecialTokens
    propagated: TangentAttributions | None = None
    if TYPE_CHECKING:  # properties, since a trace may have them as attributes or compute them

        @property
        @abstractmethod
        def embedding(self) -> Tensor: ...  # noqa: D102

        @property
        @abstractmethod
        def attentions(self) -> Sequence[PooledAttention]: ...  # noqa: D102

        @property
        @abstractmethod
        def block_contributions(self) -> Tensor: ...  # noqa: D102

    @cached_property
    def transformer(self) -> Transformer:
        """All blocks of the tower, with this caption's rows; see `TextTower.transformer`."""
        with torch.no_grad():
            return self.tower.transformer(self.ids, self.special_tokens)

    @abstractmethod
    def propagate(self, tangents: Sequence[Tensor]) -> TangentAttributions:
        """Propagate tangents of the pooled token's attention outputs to the embedding.

        For towers without a query (``has_query=False``), the parts of the mean that come from the caption's
        tokens are used instead of tangents.

        Args:
            tangents: a_l (K, D) for every explained block l; empty for towers without a query.

        Returns:
            The sum over the blocks of J_l a_l, with J_l the derivative of t by block l's attention output.
        """


class TextTower(ABC):
    """Base class of text towers. Each family is a subclass, listed in `registry`.

    Captions are token ids with special tokens (SOT to EOT, or those of another tokenizer), without padding.

    Attributes:
        family: name of the family in messages.
        has_query: whether a pooled token attends to the others; otherwise the tokens are averaged.
        supports_reference: whether the authors' code knows this family.
        has_transformer: whether the tower is a transformer of known blocks; see `transformer`.
        ends_at_eot: whether the model reads nothing after the first EOT token.
        default_text_layers: default of `Explainer`'s ``text_layers``.
        context_length: number of tokens that the tower takes, including special ones.
        depth: number of blocks that can be explained.
        token_embedding: the module that every pass calls with ids, and that returns embeddings (..., D).
    """

    family: ClassVar[str]
    has_query: bool = True
    supports_reference: bool = False
    has_transformer: bool = False
    ends_at_eot: bool = False
    default_text_layers: int
    context_length: int
    depth: int
    token_embedding: nn.Module

    @abstractmethod
    def __init__(self, model: Any) -> None:
        """View the text side of an open_clip model.

        Raises:
            TypeError: it belongs to another family. The message begins with "it" and is shown to the user.
        """

    @torch.no_grad()
    def run(
        self,
        sequences: Sequence[Sequence[int]],
        layers: int,
        special_tokens: SpecialTokens = SOT_EOT,
        tangent_fn: TangentFn | None = None,
    ) -> tuple[Tensor, TextTrace]:
        """Encode several captions and trace the first.

        Args:
            sequences: token ids of each.
            layers: how many of the last blocks to explain, at most all; 0 explains none.
            special_tokens: which of the tokens are special.
            tangent_fn: a function that returns tangents of the attention output of an explained block. They
                are propagated in the same pass if the tower supports it; see `TextTrace.propagated`.

        Returns:
            Unit embeddings (K, E) of all captions, and the trace of the first.
        """
        embeddings, trace = self._run(sequences, layers, special_tokens, tangent_fn)
        return embeddings, self._with_input(trace, sequences[0], special_tokens)

    @torch.no_grad()
    def embed_groups(
        self,
        groups: Sequence[Sequence[Sequence[int]]],
        special_tokens: SpecialTokens = SOT_EOT,
    ) -> list[Tensor]:
        """Encode groups of captions, such as a caption and its variants, all at once.

        Args:
            groups: token ids of each caption of each group.
            special_tokens: which of the tokens are special.

        Returns:
            Unit embeddings (K, E) of the K captions of each group.
        """
        return self._embed_groups(groups, special_tokens)

    def _embed_groups(
        self, groups: Sequence[Sequence[Sequence[int]]], special_tokens: SpecialTokens
    ) -> list[Tensor]:
        """Encode groups of captions for `embed_groups`, which has turned gradients off."""
        sequences = [sequence for group in groups for sequence in group]
        embeddings, _ = self._run(sequences, 0, special_tokens, None)
        return list(embeddings.split([len(group) for group in groups]))

    @torch.no_grad()
    def trace(self, ids: Sequence[int], layers: int, single_head: bool = False) -> TextTrace:
        """Trace one caption padded to the context length, as the authors' notebook does.

        Args:
            ids: its token ids.
            layers: how many of the last blocks to explain.
            single_head: run those with one head of full width, as the authors' code does.

        Raises:
            ValueError: ``single_head=True`` for a family that the authors' code does not support.
        """
        if single_head and not self.supports_reference:
            raise ValueError(
                "the authors' code supports only causal text transformers pooled at EOT; this text tower is "
                f"of another family: {self.family}"
            )
        return self._with_input(self._trace(ids, layers, single_head), ids, SOT_EOT)

    def _with_input(
        self, trace: TextTrace, ids: Sequence[int], special_tokens: SpecialTokens
    ) -> TextTrace:
        trace.tower, trace.ids, trace.special_tokens = self, ids, special_tokens
        return trace

    def transformer(
        self, ids: Sequence[int], special_tokens: SpecialTokens = SOT_EOT
    ) -> Transformer:
        """Return all blocks, with the rows of one caption; its passes can be differentiated.

        Args:
            ids: its token ids with special tokens, without padding.
            special_tokens: which of them are special.

        Raises:
            ValueError: the tower is no transformer of known blocks (``has_transformer``).
        """
        raise ValueError(
            f"this model's text tower ({self.family}) is no transformer of known blocks"
        )

    @abstractmethod
    def encode(self, ids: Tensor, special_tokens: SpecialTokens = SOT_EOT) -> Tensor:
        """Return unit embeddings (B, E) of captions of one length (B, L).

        Autograd can differentiate it with respect to the token embeddings. `run` is faster, but autograd
        cannot differentiate it.
        """

    @abstractmethod
    def _run(
        self,
        sequences: Sequence[Sequence[int]],
        layers: int,
        special_tokens: SpecialTokens,
        tangent_fn: TangentFn | None,
    ) -> tuple[Tensor, TextTrace]:
        """Encode captions for `run`, which has turned gradients off."""

    def _trace(self, ids: Sequence[int], layers: int, single_head: bool) -> TextTrace:
        """Trace one caption for `trace`, which has checked ``single_head`` and turned gradients off."""
        return self._run([ids], layers, SOT_EOT, None)[1]


def text_embedding(text: Any, pooled: Tensor) -> Tensor:
    """Return unit embeddings (..., E) of pooled tokens (..., D) that leave open_clip's last text block."""
    with no_autocast(pooled):
        pooled = tail_norm(text.ln_final, pooled)
        if isinstance(text.text_projection, nn.Linear):
            pooled = text.text_projection(pooled)
        elif text.text_projection is not None:
            pooled = pooled @ text.text_projection
        return F.normalize(pooled.float(), dim=-1)
