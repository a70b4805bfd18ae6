"""GAME: attention weights times their gradients, propagated through the blocks."""

from __future__ import annotations

import torch
from torch import Tensor

from ..clip.blocks.attention import merge_heads, split_heads
from ..clip.blocks.transformer import AttentionPooling, RowPooling, Transformer, differentiable
from ..clip.image_towers.base import ImageTrace
from ..clip.text_towers.attributions import Attributions
from ..clip.text_towers.base import TextTrace
from ..core.progress import Progress, no_progress
from .base import Method
from .token_attributions import Relevance, scale_by_length, unit_directions

_SLOPES = 2**21  # numbers computed at once, to limit memory and the time of a step


class Game(Method):
    """Attention times its positive gradient, accumulated over the blocks from one block on.

    With A_l the attention weights of block l, S the score in units of the logit, and p the weight of each
    token in the pooling::

        R = I, and in each block  R <- R + M_l R,    M_l = mean over heads of (dS/dA_l * A_l)^+
        relevance = p R - p

    The authors use one row of R, that of the class token or of EOT. So does p for these towers, and the
    subtracted p is the 1 of that token. For averaged tokens p is their shares of the mean. A pooling head's
    query has relevance M R, with M made from the head's attention in the same way: it is a further layer of
    attention above all blocks (the paper's rule for cross-attention, without its normalization).

    The authors' notebook starts at the last layer of attention. The map is then that layer's M alone, and the
    scale of S, which otherwise sets the weight of longer paths, does not matter. Maps along directions that
    are no unit vectors are those of the unit vectors, times the length. For a text tower of unknown blocks
    the attributions of Grad-ECLIP are used.

    Args:
        reference: has no effect here.
        start_layer: the lowest layer of attention of the image tower, counted from 0; a negative number means
            the last layer alone.
        start_layer_text: the lowest layer of attention of the text tower.

    Raises:
        TypeError: a layer is not a whole number.

    Reference:
        Chefer, Gur, Wolf, "Generic Attention-model Explainability for Interpreting Bi-Modal and
        Encoder-Decoder Transformers", ICCV 2021, equations 5 and 6, as in the authors' notebook for CLIP.
    """

    name = "game"
    label = "GAME"
    purpose = "Which patches and words the model attends to while the score gains from them."
    limits = "What counts against the text, and how words differ: each has the sentence's map."
    needs_transformer = True

    def __init__(
        self, reference: bool = False, *, start_layer: int = -1, start_layer_text: int = -1
    ) -> None:
        super().__init__(reference)
        layers = {"start_layer": start_layer, "start_layer_text": start_layer_text}
        for name, value in layers.items():
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(
                    f"{name}={value!r}: give a whole number, such as 0, or -1 for the last"
                )
        self.start_layer, self.start_layer_text = start_layer, start_layer_text

    def image_maps(
        self, trace: ImageTrace, directions: Tensor, progress: Progress = no_progress
    ) -> Tensor:
        """Return maps (K, patches), never negative.

        Raises:
            ValueError: the image tower has no layer ``start_layer``.
        """
        first = _first_layer(trace.transformer, "start_layer", self.start_layer)
        unit = unit_directions(directions.float())
        maps = _relevance(trace.transformer, first, unit, self._logit_scale, progress)
        return scale_by_length(maps, directions)

    def token_attributions(
        self, trace: TextTrace, image: Tensor | None = None, progress: Progress = no_progress
    ) -> Attributions:
        """Return the relevance of the caption's tokens to its score with the picture.

        Raises:
            ValueError: ``image`` was not given, or there is no such layer.
        """
        if not trace.tower.has_transformer:
            return super().token_attributions(trace, image, progress)
        if image is None:
            raise ValueError(
                "method='game' explains a score: give `image`, the picture's embedding"
            )
        first = _first_layer(trace.transformer, "start_layer_text", self.start_layer_text)
        unit = unit_directions(image.float()[None])
        (relevance,) = _relevance(trace.transformer, first, unit, self._logit_scale, progress)
        return Relevance.of(relevance, trace.embedding)

    @property
    def _logit_scale(self) -> float:
        """Factor from the cosine to the logit; the authors differentiate the logit."""
        return self.clip.logit_scale


def _first_layer(transformer: Transformer, name: str, start: int) -> int:
    """Return the number of the lowest layer of attention; a pooling head is the last one.

    Raises:
        ValueError: there is no such layer.
    """
    layers = len(transformer.blocks) + isinstance(transformer.pooling, AttentionPooling)
    if start >= layers:
        raise ValueError(
            f"{name}={start}: this model's tower has attention layers 0 to {layers - 1}; give one of "
            "them, or -1 for the last"
        )
    return layers - 1 if start < 0 else start


def _relevance(
    transformer: Transformer,
    first: int,
    directions: Tensor,
    logit_scale: float,
    progress: Progress,
) -> Tensor:
    """Return the relevance of the explained rows along unit directions (K, E), (K, rows)."""
    parts: list[Tensor] = []
    with differentiable(transformer.rows):
        x, weights = _graph(transformer, first)
        count = max(1, _SLOPES // sum(one.numel() for one in weights))
        for some in directions.split(count):
            progress("GAME", len(parts) * count, len(directions))
            slopes = torch.autograd.grad(
                x, weights, logit_scale * some, is_grads_batched=True, retain_graph=True
            )
            layers = [
                (one.detach().float() * slope.float()).relu().mean(1)
                for one, slope in zip(weights, slopes, strict=True)
            ]
            parts.append(_gained(transformer, layers)[:, transformer.explained])
    return torch.cat(parts)


def _graph(transformer: Transformer, first: int) -> tuple[Tensor, list[Tensor]]:
    """Return the unit embedding (E,), and the weights of every layer of attention from ``first`` on.

    Weights are (heads, N, N), or (heads, N) of the pooled row if the embedding depends on no other row.
    """
    pooling = transformer.pooling
    if first < len(transformer.blocks) - 1 or not isinstance(pooling, RowPooling):
        return transformer.weights_graph(first)
    block, rows = transformer.blocks[first], transformer.inputs[first]
    with torch.no_grad():
        _, every = transformer.attend(first, rows)
        _, values = block.keys_values(rows)
    weights = every[:, pooling.row].requires_grad_()
    o = merge_heads(weights[:, None] @ split_heads(values, block.heads))
    leaving = block.forward_from_attention(rows[pooling.row, None], o)
    return pooling.tail(leaving)[0], [weights]


def _gained(transformer: Transformer, layers: list[Tensor]) -> Tensor:
    """Return p R - p, (K, N).

    Args:
        transformer: has the pooling.
        layers: M of each layer, lowest first, (K, N, N), or (K, N) of only the pooled row.
    """
    pooling, rows = transformer.pooling, transformer.inputs[-1]
    pooled = layers[0].new_zeros(len(rows))
    if not isinstance(pooling, AttentionPooling):
        pooled = pooling.weights(rows)[0].float()
    gained = pooled.new_zeros(len(layers[0]), len(rows))
    for layer in reversed(layers):
        one_row = layer.ndim == 2
        gained = layer if one_row else gained + ((pooled + gained)[:, None] @ layer)[:, 0]
    return gained
