"""Machines that are not here, as far as a CPU can show what would go wrong on them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


@contextlib.contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Create floats of this dtype where none is named, as after `torch.set_default_dtype`."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class NoFloat64(TorchFunctionMode):
    """Apple's MPS, which has no float64, with the model on the CPU in its place.

    What ``cpu()`` returns, and what is computed from it alone, is on the CPU. Every other tensor counts as
    being on the GPU, and becomes neither float64 nor moves there as float64.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Any = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        inputs = list(_tensors((args, kwargs)))
        out = func(*args, **kwargs)
        on_cpu = bool(inputs) and all(getattr(x, "is_on_cpu", False) for x in inputs)
        if func is Tensor.cpu:
            out, on_cpu = out.view_as(out), True
        moved = any(isinstance(x, torch.device) for x in (*args, *kwargs.values()))
        for tensor in _tensors(out):
            converted = not inputs or any(x.dtype != torch.float64 for x in inputs)
            made = moved or (converted and not on_cpu and func is not torch.from_numpy)
            if tensor.dtype == torch.float64 and made:
                raise TypeError(f"{func} gives float64, which MPS does not have")
            if on_cpu:
                tensor.is_on_cpu = True  # type: ignore[attr-defined]
        return out


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _tensors(part)
