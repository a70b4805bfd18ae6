"""A model altered for the length of a context: without hooks, uncompiled, its input a little changed."""

from __future__ import annotations

import contextlib
import sys
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn


@contextlib.contextmanager
def bare(modules: Sequence[Any]) -> Iterator[None]:
    """Run modules without their forward hooks and replaced methods, within the context."""
    before = [dict(vars(module)) for module in modules]
    try:
        for module in modules:
            vars(module).update(_forward_hooks=OrderedDict(), _forward_pre_hooks=OrderedDict())
            vars(module).pop("forward", None)
        yield
    finally:
        for module, own in zip(modules, before, strict=True):
            vars(module).clear()
            vars(module).update(own)


@contextlib.contextmanager
def disturbed(table: nn.Module, change: float) -> Iterator[None]:
    """Multiply what a module returns by about 1, within the context."""
    if not change:
        yield
        return

    def disturb(_module: nn.Module, _args: Any, out: Tensor) -> Tensor:
        noise = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
        return out * (1 + change * noise).to(out)

    hook = table.register_forward_hook(disturb)
    try:
        yield
    finally:
        hook.remove()


@contextlib.contextmanager
def uncompiled() -> Iterator[None]:
    """Run compiled functions as the Python code that they were made of, within the context."""
    stance = getattr(torch.compiler, "set_stance", None)
    if stance is None or "torch._dynamo" not in sys.modules:  # nothing was compiled
        yield
        return
    with stance("force_eager"):
        yield
