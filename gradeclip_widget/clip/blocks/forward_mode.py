"""Forward-mode differentiation by batching: tangents of the pooled token are appended as further rows.

For few rows, the cost of a pass is that of reading the weights, and a separate pass for the tangents would
read all weights again. So a block's matrices may have tangents below their tokens, and each function here
computes one step for both.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

# torch has one level of forward-mode differentiation for all threads, and two widgets may explain at once.
_LEVEL = threading.RLock()


@dataclass(frozen=True)
class DualLayout:
    """The meaning of the rows of a matrix: ``primal`` tokens first, then tangents of row ``pooled``."""

    primal: int
    pooled: int


def active_layout(x: Tensor, layout: DualLayout | None) -> DualLayout | None:
    """Return the layout, or ``None`` if the rows (M, ...) contain no tangents."""
    return None if layout is None or layout.primal >= len(x) else layout


def linear(module: nn.Module, x: Tensor, layout: DualLayout | None) -> Tensor:
    """Apply a linear layer to rows (M, D); it may have an adapter (LoRA) or a replaced ``forward``."""
    if layout is not None and (not isinstance(module, nn.Linear) or "forward" in vars(module)):
        return row_wise(module, x, layout)
    return unbias(module(x), getattr(module, "bias", None), layout)


def unbias(out: Tensor, bias: Tensor | None, layout: DualLayout | None) -> Tensor:
    """Subtract a bias from the tangents, in place, since a bias has no part in derivatives."""
    at = active_layout(out, layout)
    if at is not None and bias is not None:
        out[at.primal :] -= bias
    return out


def norm(module: nn.Module, x: Tensor, layout: DualLayout | None) -> Tensor:
    """Apply a normalization of the last axis to rows (M, ..., D)."""
    at = active_layout(x, layout)
    if at is None or isinstance(module, nn.Identity):
        return cast(Tensor, module(x))
    if not isinstance(module, nn.LayerNorm):
        return row_wise(module, x, layout)
    out = cast(Tensor, module(x))
    row, tangents = x[at.pooled].float(), x[at.primal :].float()
    scale = (row.var(-1, correction=0, keepdim=True) + module.eps).rsqrt()
    unit = (row - row.mean(-1, keepdim=True)) * scale
    along = (tangents * unit).mean(-1, keepdim=True) * unit
    tangents = tangents - tangents.mean(-1, keepdim=True) - along
    gain = getattr(module, "weight", None)
    out[at.primal :] = (tangents * scale if gain is None else tangents * scale * gain).to(out)
    return out


def tail_norm(module: nn.Module, x: Tensor) -> Tensor:
    """Apply a norm to rows (..., D) in the dtype of its weights, and return the dtype of the rows.

    Otherwise, for float32 weights and rows of half precision, forward mode would return float32 tangents.
    """
    weight = getattr(module, "weight", None)
    return cast(Tensor, module(x) if weight is None else module(x.to(weight.dtype)).to(x.dtype))


def norm_per_head(module: nn.Module, x: Tensor, heads: int, layout: DualLayout | None) -> Tensor:
    """Normalize rows (M, D) head by head, as qk-norm does."""
    return norm(module, x.unflatten(-1, (heads, -1)), layout).flatten(-2)


def activate(function: Callable[[Tensor], Tensor], x: Tensor, layout: DualLayout | None) -> Tensor:
    """Apply an element-wise function to rows (M, D)."""
    out = function(x)
    at = active_layout(x, layout)
    if at is not None:
        with torch.enable_grad():
            row = x[at.pooled].detach().requires_grad_()
            (slope,) = torch.autograd.grad(function(row).sum(), row)
        out[at.primal :] = slope * x[at.primal :]
    return out


def multiply(a: Tensor, b: Tensor, layout: DualLayout | None) -> Tensor:
    """Multiply two matrices (M, D) element by element, for example a gate and its input."""
    out = a * b
    at = active_layout(a, layout)
    if at is not None:
        out[at.primal :] = a[at.primal :] * b[at.pooled] + a[at.pooled] * b[at.primal :]
    return out


def row_wise(function: Callable[[Tensor], Tensor], x: Tensor, layout: DualLayout | None) -> Tensor:
    """Apply any function of single rows to rows (M, ...). It is slower than the functions above."""
    at = active_layout(x, layout)
    if at is None:
        return function(x)
    tangents = jvp(function, (x[at.pooled],), (x[at.primal :],))
    return torch.cat([function(x[: at.primal]), tangents])


def jvp(
    function: Callable[..., Tensor], primals: tuple[Tensor, ...], tangents: tuple[Tensor, ...]
) -> Tensor:
    """Return the derivatives of a function along K tangents (K, ...) at one point.

    The function's values at that point are computed once for all tangents.
    """

    def along(*tangent: Tensor) -> Tensor:
        derivative: Tensor = torch.func.jvp(function, primals, tangent)[1]
        return derivative

    with _LEVEL:
        _compile_decompositions()
        derivatives: Tensor = torch.func.vmap(along)(*tangents)
    return derivatives


def embedding_jvp(
    pooled: Tensor, tangents: Tensor, embedding_of: Callable[[Tensor], Tensor]
) -> Tensor:
    """Return tangents (K, E) of the unit embedding, from tangents (K, D) of the pooled token (D,)."""
    with dual_level():
        rows = pooled.expand(len(tangents), -1).contiguous()
        primal, tangent = forward_ad.unpack_dual(embedding_of(forward_ad.make_dual(rows, tangents)))
        return torch.zeros_like(primal) if tangent is None else tangent


@contextlib.contextmanager
def dual_level() -> Iterator[None]:
    """Enter torch's level of forward-mode differentiation, one thread after the other."""
    with _LEVEL:
        _compile_decompositions()
        with forward_ad.dual_level():
            yield


@functools.cache
def _compile_decompositions() -> None:
    """Let torch compile its decompositions, which it does at the first use, without its warning about that.

    Only here, since a block that silences warnings does so for all threads, and two such blocks at once can
    leave the filters of the process changed.
    """
    with warnings.catch_warnings(), forward_ad.dual_level():
        warnings.filterwarnings("ignore", ".*torch.jit.script", category=FutureWarning)
        point = torch.zeros(1, device="cpu")
        forward_ad.make_dual(point, point)
