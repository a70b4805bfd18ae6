"""A tower's whole transformer, run from any block on, with gradients and with its attention weights."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import torch
import torch.nn.functional as F
from torch import Tensor

from .attention import attend, attention_weights, merge_heads, no_autocast, split_heads
from .base import AttentionBlock

QueryKeysValues = tuple[Tensor, Tensor, Tensor]

# Operations (rows times width squared times blocks) that take a tenth of a second on one slow core.
_OPERATIONS = 1.5e8
_ON_ACCELERATOR = 32  # inputs


class Pooling(ABC):
    """How the rows that leave a transformer's last block become an embedding."""

    @abstractmethod
    def embed(self, rows: Tensor) -> Tensor:
        """Return unit embeddings (..., E) of rows (..., N, D)."""

    @abstractmethod
    def weights(self, rows: Tensor) -> Tensor:
        """Return the weight of each row (N, D) in the pooling, (heads, N); each head's weights sum to one."""


@dataclass(frozen=True, eq=False)
class RowPooling(Pooling):
    """One row is pooled: a class token, or EOT.

    Attributes:
        row: its index.
        tail: function from such rows (..., D) to unit embeddings (..., E).
    """

    row: int
    tail: Callable[[Tensor], Tensor]

    def embed(self, rows: Tensor) -> Tensor:
        """Return unit embeddings (..., E) of rows (..., N, D)."""
        return self.tail(rows[..., self.row, :])

    def weights(self, rows: Tensor) -> Tensor:
        """Return the weights (1, N): one for that row, zero for all others."""
        weights = rows.new_zeros(1, len(rows), dtype=torch.float32)
        weights[:, self.row] = 1
        return weights


@dataclass(frozen=True, eq=False)
class MeanPooling(Pooling):
    """Rows are averaged.

    Attributes:
        averaged: which rows.
        tail: function from all rows (N, D) to the unit embedding (E,) of their mean.
    """

    averaged: slice
    tail: Callable[[Tensor], Tensor]

    def embed(self, rows: Tensor) -> Tensor:
        """Return unit embeddings (..., E) of rows (..., N, D)."""
        return _each(self.tail, rows)

    def weights(self, rows: Tensor) -> Tensor:
        """Return the weights (1, N), equal for all rows that are averaged."""
        weights = rows.new_zeros(1, len(rows), dtype=torch.float32)
        weights[:, self.averaged] = 1
        return weights / weights.sum()


@dataclass(frozen=True, eq=False)
class AttentionPooling(Pooling):
    """A separate query attends to the rows after all blocks.

    Attributes:
        heads: its attention heads.
        qkv: function from rows (N, D) to the query (1, D'), keys and values (N, D').
        tail: function from attention outputs (..., D') to unit embeddings (..., E).
        skipped: number of first rows that it does not attend to; ``qkv`` takes only the others.
    """

    heads: int
    qkv: Callable[[Tensor], QueryKeysValues]
    tail: Callable[[Tensor], Tensor]
    skipped: int = 0

    def embed(self, rows: Tensor) -> Tensor:
        """Return unit embeddings (..., E) of rows (..., N, D)."""
        rows = rows[..., self.skipped :, :]
        return self.tail(_each(lambda one: attend(*self.qkv(one), self.heads)[0], rows))

    def weights(self, rows: Tensor) -> Tensor:
        """Return the query's attention weights (heads, N)."""
        q, k, _ = self.qkv(rows[self.skipped :])
        return F.pad(attention_weights(q, k, self.heads)[:, 0], (len(rows) - len(k), 0))

    def embed_weighted(self, rows: Tensor, weights: Tensor) -> Tensor:
        """Return the unit embedding (E,) of rows (N, D) that are pooled with these weights (heads, N)."""
        _, _, v = self.qkv(rows[self.skipped :])
        weights = weights[:, None, len(rows) - len(v) :]
        return self.tail(merge_heads(weights @ split_heads(v, self.heads))[0])


@dataclass(frozen=True, eq=False)
class LastAttention:
    """The last attention of several inputs at once: of the pooled row, or of a pooling head's query.

    Attributes:
        q: queries (B, D), all heads side by side.
        k, v: keys and values (B, N, D). The last ones are those of the rows that leave the transformer.
        o: attention outputs (B, D) before the output projection.
        tail: function from such outputs (B, D) to unit embeddings (B, E); it can be differentiated.
    """

    q: Tensor
    k: Tensor
    v: Tensor
    o: Tensor
    tail: Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Transformer:
    """All blocks of a tower and one input's rows, which can be run from any block on.

    Its passes can be differentiated; `differentiable` turns gradients on for that.

    Attributes:
        blocks: L of them.
        rows: (N, D) entering the first.
        explained: which rows are patches, or a caption's tokens without special ones.
        pooling: how the rows that leave the last block become an embedding.
        mask: (N, N), true where a row may attend; ``None`` if all rows attend to all.
    """

    blocks: Sequence[AttentionBlock]
    rows: Tensor
    explained: slice | Tensor
    pooling: Pooling
    mask: Tensor | None = None

    @cached_property
    def inputs(self) -> list[Tensor]:
        """The rows (N, D) entering each block, then those leaving the last: L + 1 of them."""
        inputs = [self.rows]
        with torch.no_grad():
            for block in self.blocks:
                inputs.append(self._run_block(block, inputs[-1]))
        return inputs

    @cached_property
    def embedding(self) -> Tensor:
        """Unit embedding (E,)."""
        with torch.no_grad():
            return self.pooling.embed(self.inputs[-1])

    def embed(self, rows: Tensor, first: int = 0) -> Tensor:
        """Return unit embeddings (..., E) of rows (..., N, D) that enter the block ``first``."""
        pooling = self.pooling
        for number in range(first, len(self.blocks)):
            last = number == len(self.blocks) - 1
            if last and isinstance(pooling, RowPooling):  # the other rows are not used
                return pooling.tail(self._run_row(self.blocks[number], rows, pooling.row))
            rows = self._run_block(self.blocks[number], rows)
        return pooling.embed(rows)

    def last_attention(self, rows: Tensor) -> LastAttention:
        """Run rows (B, N, D) that enter the first block up to the last attention, without gradients.

        Raises:
            TypeError: the rows are averaged, so no query attends to them.
        """
        pooling, last = self.pooling, self.blocks[-1]
        if isinstance(pooling, MeanPooling):
            raise TypeError("rows that are averaged have no last attention")
        with torch.no_grad():
            for block in self.blocks[:-1]:
                rows = self._run_block(block, rows)
            if isinstance(pooling, AttentionPooling):
                rows = self._run_block(last, rows)[:, pooling.skipped :]
                q, k, v = (torch.stack(a) for a in zip(*map(pooling.qkv, rows), strict=True))
                o, tail = attend(q, k, v, pooling.heads)[:, 0], pooling.tail
            else:
                assert isinstance(pooling, RowPooling)
                pooled = rows[:, pooling.row : pooling.row + 1]
                q, (k, v) = last.query(pooled), last.keys_values(rows)
                o = attend(q, k, v, last.heads, self._row_mask(last, pooling.row))[:, 0]
                tail = partial(_row_tail, last, pooled, pooling.tail)
        return LastAttention(q[:, 0], k, v, o, tail)

    def attend(self, number: int, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Run a block on rows (..., N, D), with its attention weights in the graph.

        Returns:
            Rows (..., N, D) leaving it, and the attention weights (..., heads, N, N) that they depend on.
        """
        block = self.blocks[number]
        q, k, v = block.qkv(rows)
        weights = attention_weights(q, k, block.heads, self._mask(block))
        o = merge_heads(weights @ split_heads(v, block.heads))
        return block.forward_from_attention(rows, o), weights

    def weights(self, first: int = 0) -> Iterator[Tensor]:
        """Return the attention weights (heads, N, N) of the block ``first`` and those above, one by one."""
        for number in range(first, len(self.blocks)):
            block = self.blocks[number]
            with (
                torch.no_grad()
            ):  # not around the `yield`, which would turn gradients off in the caller
                q, k, _ = block.qkv(self.inputs[number])
                weights = attention_weights(q, k, block.heads, self._mask(block))
            yield weights

    def weights_graph(self, first: int = 0) -> tuple[Tensor, list[Tensor]]:
        """Return the unit embedding (E,) and the attention weights it depends on, in one graph.

        Args:
            first: the lowest block whose weights are returned.

        Returns:
            The embedding, and weights (heads, N, N) of each block from ``first`` on. Those of an attention
            pooling, (heads, N), are last.
        """
        rows, weights = self.inputs[first].detach().requires_grad_(), list[Tensor]()
        for number in range(first, len(self.blocks)):
            rows, one = self.attend(number, rows)
            weights.append(one)
        if not isinstance(self.pooling, AttentionPooling):
            return self.pooling.embed(rows), weights
        weights.append(self.pooling.weights(rows))
        return self.pooling.embed_weighted(rows, weights[-1]), weights

    def _run_block(self, block: AttentionBlock, rows: Tensor) -> Tensor:
        return block.forward_from_attention(
            rows, attend(*block.qkv(rows), block.heads, self._mask(block))
        )

    def _run_row(self, block: AttentionBlock, rows: Tensor, row: int) -> Tensor:
        """Return one row (..., D) that leaves a block, from all rows (..., N, D) that enter it."""
        one = rows[..., row : row + 1, :]
        k, v = block.keys_values(rows)
        o = attend(block.query(one), k, v, block.heads, self._row_mask(block, row))
        return block.forward_from_attention(one, o)[..., 0, :]

    def _row_mask(self, block: AttentionBlock, row: int) -> Tensor | None:
        mask = self._mask(block)
        return None if mask is None else mask[..., row : row + 1, :]

    def _mask(self, block: AttentionBlock) -> Tensor | None:
        bias = block.bias
        if bias is None or self.mask is None:
            return self.mask if bias is None else bias
        return bias.masked_fill(~self.mask, -torch.inf)


@contextlib.contextmanager
def differentiable(x: Tensor) -> Iterator[None]:
    """Turn gradients on, and autocast off on the device of ``x``, around passes that are differentiated."""
    with torch.enable_grad(), no_autocast(x):
        yield


def _row_tail(
    block: AttentionBlock, pooled: Tensor, tail: Callable[[Tensor], Tensor], o: Tensor
) -> Tensor:
    """Return unit embeddings (B, E) from attention outputs (B, D) of a block's pooled rows (B, 1, D)."""
    rows = block.forward_from_attention(pooled.to(block.dtype), o[:, None].to(block.dtype))
    return tail(rows[:, 0])


def _each(function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """Apply a function of rows (N, D) to rows (..., N, D)."""
    if rows.ndim == 2:
        return function(rows)
    return torch.stack([_each(function, one) for one in rows])


def batch_size(transformer: Transformer, blocks: int, passes: int = 1) -> int:
    """Return how many inputs of a transformer to run at once, between two reports of progress.

    It depends only on sizes and not on measured times, since rounding depends on it.

    Args:
        transformer: has the rows (N, D) of one input.
        blocks: number of its blocks that are run.
        passes: number of forward and backward passes of each.
    """
    if transformer.rows.device.type != "cpu":
        return _ON_ACCELERATOR
    rows, width = transformer.rows.shape
    return max(1, int(_OPERATIONS / (rows * width**2 * max(1, blocks) * passes)))
