"""Muon: momentum with orthogonalized updates of weight matrices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

# Coefficients of the iteration; the slope at 0, where most singular values are, is large.
_QUINTIC = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5
_RMS = 0.2  # RMS of an update at learning rate 1, as with AdamW, so that both use the same rate


class Muon(torch.optim.Optimizer):
    """Nesterov momentum; each update is replaced by approximately the nearest (semi-)orthogonal matrix.

    It computes in float32: ``torch.optim.Muon`` uses bfloat16, which is several times slower on CPUs without
    bfloat16 arithmetic. Matrices of the same shape are computed together.

    Args:
        params: weight matrices, or filters, which have one row per output channel. A matrix with three times
            as many rows as columns contains queries, keys and values, which are orthogonalized separately.
        lr: learning rate, of the same size as for AdamW.
        momentum: decay of the running mean of gradients.
        weight_decay: decoupled weight decay.
        spread: `map`, or the `map` of a pool, to compute several stacks of matrices at a time.

    Reference:
        Jordan et al., "Muon", 2024; the rate's scale as in Liu et al., "Muon is scalable for LLM training",
        arXiv 2502.16982, equation 4.
    """

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        momentum: float = 0.95,
        weight_decay: float = 0.05,
        spread: Callable[..., Iterable[Tensor]] = map,
    ) -> None:
        self.spread = spread
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update all matrices."""
        for group in self.param_groups:
            momentum, rate = group["momentum"], group["lr"]
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            updates = []
            for parameter in group["params"]:
                mean = self.state[parameter].setdefault("mean", torch.zeros_like(parameter))
                mean.lerp_(parameter.grad, 1 - momentum)
                blocks = _blocks(parameter.grad.lerp(mean, momentum).flatten(1))
                by_shape[blocks[0].shape].extend(blocks)
                updates.append((parameter, blocks[0].shape, len(blocks)))
            stacks = {shape: torch.stack(parts) for shape, parts in by_shape.items()}
            halves = [half for stack in stacks.values() for half in stack.chunk(2)]
            done = iter(self.spread(orthogonal, halves))
            ready = {
                shape: iter(torch.cat([next(done) for _ in stack.chunk(2)]))
                for shape, stack in stacks.items()
            }
            for parameter, shape, count in updates:
                update = torch.cat([next(ready[shape]) for _ in range(count)])
                parameter.mul_(1 - rate * group["weight_decay"])
                parameter.add_(update.view_as(parameter), alpha=-rate * _RMS * max(shape) ** 0.5)


def orthogonal(matrices: Tensor) -> Tensor:
    """Return approximately the nearest (semi-)orthogonal matrix to each, with singular values near 1.

    Args:
        matrices: (count, rows, columns).
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = _QUINTIC
    for _ in range(_ITERATIONS):
        square = x @ x.mT
        x = a * x + torch.baddbmm(b * square, square, square, alpha=c) @ x
    result: Tensor = x.mT if tall else x
    return result


def _blocks(matrix: Tensor) -> Sequence[Tensor]:
    """Return queries, keys and values as separate matrices; other matrices whole."""
    rows, columns = matrix.shape
    return matrix.chunk(3) if rows == 3 * columns else (matrix,)
