"""A torch mode in which derivatives treat the scales of normalizations as constant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


class FrozenNorms(TorchFunctionMode):
    """Treat the scales of normalizations as constant while it is active, in forward and reverse mode.

    Layer norm, RMS norm and `F.normalize` return the same values as without it. In derivatives their divisor,
    the standard deviation, the root mean square or the length, is a constant. Layer norm still subtracts the
    mean. So each is linear up to its bias, and its derivative along its own input is not zero.

    Since it is a mode, the code of a tower's tail need not be changed.

    >>> y = torch.tensor([3.0, 4.0], requires_grad=True)
    >>> torch.autograd.grad(F.normalize(y, dim=-1) @ y.detach(), y)[0]  # zero: scaling y changes nothing
    tensor([0., 0.])
    >>> with FrozenNorms():
    ...     unit = F.normalize(y, dim=-1)
    >>> torch.autograd.grad(unit @ y.detach(), y)[0]
    tensor([0.6000, 0.8000])

    Reference:
        Ali et al., "XAI for Transformers: Better Explanations through Conservative Propagation", ICML 2022
        (their rule for layer norm). Direct logit attribution of language models treats the same scale as
        constant.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Replace the normalizations; call all other functions unchanged."""
        return _FROZEN.get(func, func)(*args, **(kwargs or {}))


def _layer_norm(
    input: Tensor,  # noqa: A002  # torch's own names, since callers pass them as keywords
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    dims = tuple(range(-len(normalized_shape), 0))
    x = _wide(input)
    x = x - x.mean(dims, keepdim=True)
    return _scaled(x, dims, eps, weight, bias).to(input.dtype)


def _rms_norm(
    input: Tensor,  # noqa: A002
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    dims = tuple(range(-len(normalized_shape), 0))
    eps = torch.finfo(input.dtype).eps if eps is None else eps
    return _scaled(_wide(input), dims, eps, weight, None).to(input.dtype)


def _normalize(
    input: Tensor,  # noqa: A002
    p: float = 2.0,
    dim: int = 1,
    eps: float = 1e-12,
    out: Tensor | None = None,
) -> Tensor:
    unit: Tensor = input / input.detach().norm(p, dim, keepdim=True).clamp_min(eps)
    return unit if out is None else out.copy_(unit)


def _scaled(
    x: Tensor, dims: tuple[int, ...], eps: float, weight: Tensor | None, bias: Tensor | None
) -> Tensor:
    x = x * (x.detach().square().mean(dims, keepdim=True) + eps).rsqrt()
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _wide(x: Tensor) -> Tensor:
    """Return x, in float32 if it has half precision, in which torch's own norms do not compute either."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


_FROZEN: dict[Callable[..., Any], Callable[..., Any]] = {
    F.layer_norm: _layer_norm,
    F.normalize: _normalize,
}
if hasattr(F, "rms_norm"):  # since torch 2.4
    _FROZEN[F.rms_norm] = _rms_norm
