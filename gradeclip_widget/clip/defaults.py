"""Torch's own default device and dtype, in place of those that the caller has set."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def torch_defaults() -> Iterator[None]:
    """Build with torch's own defaults, not with the caller's: the model is shared with other callers.

    Tensors made under ``torch.inference_mode()`` never have gradients; those made on the device "meta", or
    with another default type, would not contain the weights.
    """
    before = torch.get_default_dtype()
    with torch.inference_mode(False), contextlib.ExitStack() as stack:
        if torch.empty(0).device.type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if before is not torch.float32:
            torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            if before is not torch.float32:
                torch.set_default_dtype(before)
