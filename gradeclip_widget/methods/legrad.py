"""LeGrad: how much more attention to a patch would raise the score of each block's tokens."""

from __future__ import annotations

import torch
from torch import Tensor

from ..clip.blocks.transformer import AttentionPooling, RowPooling, Transformer, differentiable
from ..clip.image_towers.base import ImageTrace
from ..core.progress import Progress, no_progress
from .base import Method
from .token_attributions import scale_by_length, unit_directions

_SLOPES = 2**21  # numbers computed at once, to limit memory and the time of a step


class LeGrad(Method):
    """Positive gradients of the score of each block's output with respect to its attention weights.

    With A^l the attention weights of block l, (heads, queries, keys), and s^l the score of the tokens that
    leave it, averaged and embedded as if it were the last block::

        map_j = sum over l of  mean over h, i of  (d s^l / d A^l_hij)^+

    For a tower with a pooling head, A is the attention of the head's query in every term, and s^l the score
    of the head's output for block l's tokens.

    As in the authors' code, tokens are averaged even if the tower pools a class token, so that the gradient
    reaches the attention of every token. Differences: the norm before a pooling head is applied, which the
    authors' code leaves out; their correction of SigLIP's maps, which removes the patches that an empty text
    has in its map, is not made; and the sum is not scaled to 0..1. LeGrad defines no attributions for text;
    those of Grad-ECLIP are used.

    Args:
        reference: has no effect here.
        start_layer: the lowest block in the sum, counted from 0; a negative number counts from the end, so -1
            is the last block alone. The paper sums over all blocks; the default of the authors' code is -2.

    Raises:
        TypeError: ``start_layer`` is not a whole number.

    Reference:
        Bousselham et al., "LeGrad: An Explainability Method for Vision Transformers via Feature Formation
        Sensitivity", ICCV 2025 (arXiv 2404.03214), section 3.
    """

    name = "legrad"
    label = "LeGrad"
    purpose = "Where more attention, in any layer, would bring picture and text closer."
    limits = "What counts against the text, and how much attention a patch really gets."
    needs_transformer = True

    def __init__(self, reference: bool = False, *, start_layer: int = 0) -> None:
        super().__init__(reference)
        if isinstance(start_layer, bool) or not isinstance(start_layer, int):
            raise TypeError(f"start_layer={start_layer!r}: give a whole number, such as 0 or -2")
        self.start_layer = start_layer

    def image_maps(
        self, trace: ImageTrace, directions: Tensor, progress: Progress = no_progress
    ) -> Tensor:
        """Return maps (K, patches), never negative.

        Raises:
            ValueError: the image tower has no block ``start_layer``.
        """
        transformer, unit = trace.transformer, unit_directions(directions.float())
        blocks = self._explained(len(transformer.blocks))
        maps = unit.new_zeros(len(unit), len(transformer.rows))
        with differentiable(transformer.rows):
            for n, number in enumerate(blocks):
                x, weights = _scored(transformer, number)
                done = 0
                for some in unit.split(max(1, _SLOPES // weights.numel())):
                    progress("LeGrad", n * len(unit) + done, len(blocks) * len(unit))
                    maps[done : done + len(some)] += _positive_slopes(x, weights, some)
                    done += len(some)
        return scale_by_length(maps[:, transformer.explained], directions)

    def _explained(self, depth: int) -> range:
        """Return the numbers of the blocks that are explained, in a tower of ``depth`` blocks.

        Raises:
            ValueError: there is no block ``start_layer``.
        """
        if not -depth <= self.start_layer < depth:
            raise ValueError(
                f"start_layer={self.start_layer}: this model's image tower has blocks 0 to {depth - 1}, or "
                f"{-depth} to -1 counted from the end"
            )
        return range(depth)[self.start_layer :]


def _scored(transformer: Transformer, number: int) -> tuple[Tensor, Tensor]:
    """Return the unit embedding (E,) of a block's tokens, and the attention weights that it depends on.

    Weights are (heads, queries, N), or (heads, N) for a pooling head.
    """
    pooling = transformer.pooling
    if isinstance(pooling, AttentionPooling):
        rows = transformer.inputs[number + 1]
        weights = pooling.weights(rows).detach().requires_grad_()
        return pooling.embed_weighted(rows, weights), weights
    rows = transformer.inputs[number].detach().requires_grad_()
    leaving, weights = transformer.attend(number, rows)
    if isinstance(pooling, RowPooling):
        return pooling.tail(leaving.mean(0)), weights
    return pooling.embed(leaving), weights


def _positive_slopes(x: Tensor, weights: Tensor, directions: Tensor) -> Tensor:
    """Return the mean over heads and queries of positive gradients of direction . x, (K, N).

    Args:
        x: unit embedding (E,).
        weights: attention weights (heads, queries, N) or (heads, N) that it depends on.
        directions: unit directions (K, E).
    """
    size = weights.shape[-1]  # the mean over tokens makes gradients too small for half precision
    (slopes,) = torch.autograd.grad(
        x, weights, size * directions, is_grads_batched=True, retain_graph=True
    )
    return slopes.float().relu().flatten(1, -2).mean(1) / size
