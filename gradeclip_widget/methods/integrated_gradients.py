"""Integrated gradients of a score over a caption's token embeddings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from ..clip.text_towers.base import TextTower
from ..clip.tokenizers.base import SpecialTokens

STEPS = 20
_ROWS = (
    512  # tokens that are run at once, to limit memory: gradients need the results of all blocks
)


def integrated_gradients(
    tower: TextTower,
    ids: Sequence[int],
    special_tokens: SpecialTokens,
    x: Tensor,
    steps: int = STEPS,
) -> Tensor:
    """Attribute a score to a caption's tokens by integrated gradients over their embeddings.

    With e_j the token embeddings, the path a e_j from the baseline 0 to them, and S = x . t::

        attribution_j = e_j . mean over steps of dS/de_j at a = (k + 1/2) / steps

    Special tokens and positions are not changed. So the attributions sum to the score minus the score of a
    caption whose other tokens are all zero, up to the error of the midpoint rule.

    Args:
        tower: the text tower.
        ids: token ids of the caption, including special ones.
        special_tokens: which of them are special, and the padding.
        x: unit image embedding (E,).
        steps: points of the midpoint rule.

    Returns:
        (T,) float32, in units of the score.

    Raises:
        ValueError: ``steps`` is below 1.

    Reference:
        Sundararajan et al., "Axiomatic Attribution for Deep Networks", ICML 2017, equations 1 and 3.
    """
    if steps < 1:
        raise ValueError(f"steps={steps}: give at least 1")
    tokens = special_tokens.caption_slice(len(ids))
    points = (torch.arange(steps, device=x.device, dtype=torch.float32) + 0.5) / steps
    length = len(ids) if tower.ends_at_eot else tower.context_length
    total = x.new_zeros(tokens.stop - tokens.start)
    for some in points.split(max(1, _ROWS // length)):
        rows = torch.tensor([ids], device=x.device).expand(len(some), -1)
        with torch.enable_grad(), _on_path(tower.token_embedding, tokens, some) as path:
            score = (tower.encode(rows, special_tokens).to(x) @ x).sum()
            ((embeddings, at),) = path
            (gradients,) = torch.autograd.grad(score, at)
        total += (gradients[:, tokens] * embeddings[:, tokens]).sum((0, 2)).to(total)
    return total / steps


@contextlib.contextmanager
def _on_path(
    module: nn.Module, tokens: slice, points: Tensor
) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Scale some rows in the output of the token embedding, within the context.

    Args:
        module: the token embedding.
        tokens: rows of the caption's tokens, without special ones.
        points: factor (B,) for each row of the batch.

    Yields:
        A list to which every call adds a pair: the embeddings (B, L, D) before scaling, and the scaled ones,
        which are leaves of the graph.
    """
    calls: list[tuple[Tensor, Tensor]] = []

    def scale(_: nn.Module, __: tuple[Tensor], out: Tensor) -> Tensor:
        at = out.detach().clone()
        at[:, tokens] *= points[:, None, None].to(at)
        calls.append((out.detach(), at.requires_grad_()))
        return at

    hook = module.register_forward_hook(scale)
    try:
        yield calls
    finally:
        hook.remove()
