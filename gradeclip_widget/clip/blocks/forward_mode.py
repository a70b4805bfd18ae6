"""Rows that are directions: derivatives of the pooled token ride along in the products done anyway.

A pass of their own would read every weight again, and for a handful of rows reading weights is all the cost
there is. So a block's matrices may hold directions below their tokens, and each step here takes both through.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad


@dataclass(frozen=True)
class DualLayout:
    """What the rows of a matrix are: ``plain`` tokens first, then directions in which ``pooled`` moves."""

    primal: int
    pooled: int


def active_layout(x: Tensor, layout: DualLayout | None) -> DualLayout | None:
    """The layout, or ``None`` where these rows (M, ...) hold no directions."""
    return None if layout is None or layout.primal >= len(x) else layout


def linear(module: nn.Module, x: Tensor, layout: DualLayout | None) -> Tensor:
    """Rows through a linear layer; directions do not feel its bias."""
    return unbias(module(x), getattr(module, "bias", None), layout)


def unbias(out: Tensor, bias: Tensor | None, layout: DualLayout | None) -> Tensor:
    """Rows that a bias was added to, with it taken off the directions again, in place."""
    at = active_layout(out, layout)
    if at is not None and bias is not None:
        out[at.primal :] -= bias
    return out


def norm(module: nn.Module, x: Tensor, layout: DualLayout | None) -> Tensor:
    """Rows (M, ..., D) through a normalisation of their last axis."""
    at = active_layout(x, layout)
    if at is None or isinstance(module, nn.Identity):
        return cast(Tensor, module(x))
    if not isinstance(module, nn.LayerNorm):
        return row_wise(module, x, layout)
    out = cast(Tensor, module(x))
    row, moves = x[at.pooled].float(), x[at.primal :].float()
    scale = (row.var(-1, correction=0, keepdim=True) + module.eps).rsqrt()
    unit = (row - row.mean(-1, keepdim=True)) * scale
    moves = moves - moves.mean(-1, keepdim=True) - (moves * unit).mean(-1, keepdim=True) * unit
    gain = getattr(module, "weight", None)
    out[at.primal :] = (moves * scale if gain is None else moves * scale * gain).to(out)
    return out


def activate(function: Callable[[Tensor], Tensor], x: Tensor, layout: DualLayout | None) -> Tensor:
    """Rows through an activation of each of their numbers."""
    out = function(x)
    at = active_layout(x, layout)
    if at is not None:
        with torch.enable_grad():
            row = x[at.pooled].detach().requires_grad_()
            (slope,) = torch.autograd.grad(function(row).sum(), row)
        out[at.primal :] = slope * x[at.primal :]
    return out


def times(a: Tensor, b: Tensor, layout: DualLayout | None) -> Tensor:
    """The product of two matrices number by number, as where one gates the other."""
    out = a * b
    at = active_layout(a, layout)
    if at is not None:
        out[at.primal :] = a[at.primal :] * b[at.pooled] + a[at.pooled] * b[at.primal :]
    return out


def row_wise(function: Callable[[Tensor], Tensor], x: Tensor, layout: DualLayout | None) -> Tensor:
    """Rows through any function of each row by itself: slower than the steps above, where those fit."""
    at = active_layout(x, layout)
    if at is None:
        return function(x)
    pushed = jvp(function, (x[at.pooled],), (x[at.primal :],))
    return torch.cat([function(x[: at.primal]), pushed])


def jvp(
    function: Callable[..., Tensor], at: tuple[Tensor, ...], moves: tuple[Tensor, ...]
) -> Tensor:
    """Derivatives of a function at one place along many directions (K, ...), the place computed once."""

    def along(*directions: Tensor) -> Tensor:
        pushed: Tensor = torch.func.jvp(function, at, directions)[1]
        return pushed

    with ignore_jit_warnings():
        derivatives: Tensor = torch.func.vmap(along)(*moves)
    return derivatives


def embedding_jvp(
    pooled: Tensor, moves: Tensor, embedding_of: Callable[[Tensor], Tensor]
) -> Tensor:
    """Directions (K, D) of a pooled token (D,) as directions (K, E) of its unit embedding."""
    with forward_ad.dual_level(), ignore_jit_warnings():
        rows = pooled.expand(len(moves), -1).contiguous()
        primal, tangent = forward_ad.unpack_dual(embedding_of(forward_ad.make_dual(rows, moves)))
        return torch.zeros_like(primal) if tangent is None else tangent


@contextlib.contextmanager
def ignore_jit_warnings() -> Iterator[None]:
    """At its first use torch scripts its own decompositions, and warns of its own scripting."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit.script", category=FutureWarning)
        yield
