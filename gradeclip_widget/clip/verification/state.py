"""A model's state: whether its weights, modules, hooks, attributes or methods have changed since."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules import module as torch_module

# What a module keeps in dictionaries of its own.
_TENSORS = ("_parameters", "_buffers")
_OTHERS = (
    "_modules", "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks",
)  # fmt: skip
_SAMPLED = 64  # values of each tensor that tell weights apart
_GLOBAL = ("_global_forward_hooks", "_global_forward_pre_hooks")


def modules_of(model: Any) -> Iterator[Any]:
    """Yield a model and all modules inside it, each once; several times faster than ``model.modules()``."""
    found, seen = [model], {id(model)}
    for module in found:
        yield module
        for child in module.__dict__["_modules"].values():
            if child is not None and id(child) not in seen:
                seen.add(id(child))
                found.append(child)


def weights_digest(model: Any) -> str:
    """Return a digest of samples of all of a model's weights: another one if it was trained further."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        flat = tensor.detach().reshape(-1)
        step = max(1, flat.numel() // _SAMPLED)
        sample = flat[::step][:_SAMPLED].to("cpu", torch.float64)
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(sample.numpy().tobytes())
    return digest.hexdigest()[:16]


class ModelState:
    """What a model was made of at some time. The model itself is not kept alive by it.

    A tensor counts by its place in memory and by torch's count of changes in place, which misses only what is
    written through ``.data``. No value is read, so that it costs no wait for a GPU; comparing takes some 50
    microseconds for a hundred modules, since every explanation does.
    """

    def __init__(self, model: Any) -> None:
        modules = list(modules_of(model))
        self._inside = modules[1:]
        self._own = [module.__dict__ for module in modules]
        inner = [own[name] for own in self._own for name in _OTHERS if name in own]
        inner += [getattr(torch_module, name) for name in _GLOBAL if hasattr(torch_module, name)]
        tensors = [own[name] for own in self._own for name in _TENSORS]
        self._filled = [part for part in inner if part]
        self._tensors = [part for part in tensors if part]
        self._empty = [part for part in (*inner, *tensors) if not part]
        self._restless = frozenset[int]()  # places of parts that a forward pass alone changes
        self._parts, self._counts = self._look(model)

    def rest(self, model: Any) -> None:
        """Look at a model again that has only run since, as where a layer keeps what it computed."""
        parts, self._counts = self._look(model)
        changed = [
            n for n, (a, b) in enumerate(zip(parts, self._parts, strict=False)) if a is not b
        ]
        self._restless = frozenset(changed)
        self._parts = parts

    def holds(self, model: Any) -> bool:
        """Return whether the model is still in this state."""
        if any(self._empty):
            return False
        parts, counts = self._look(model)
        if counts != self._counts or len(parts) != len(self._parts):
            return False
        try:
            if parts == self._parts:  # quick where all are the very same objects
                return True
        except (RuntimeError, ValueError):
            pass  # tensors or arrays in new places
        pairs = enumerate(zip(parts, self._parts, strict=True))
        return all(a is b or n in self._restless for n, (a, b) in pairs)

    def _look(self, model: Any) -> tuple[list[Any], list[int]]:
        kind = type(model)
        parts = [kind, getattr(kind, "encode_image", None), getattr(kind, "encode_text", None)]
        parts += [type(module) for module in self._inside]
        for own in self._own:
            parts += own.values()
        for part in self._filled:
            parts += part.values()
        tensors = [t for part in self._tensors for t in part.values() if t is not None]
        counts = [*map(id, tensors), *map(Tensor.data_ptr, tensors), *map(_changes, tensors)]
        return parts, counts


def _changes(tensor: Tensor) -> int:
    # Tensors made under `torch.inference_mode()` count no changes.
    return 0 if tensor.is_inference() else tensor._version  # noqa: SLF001
