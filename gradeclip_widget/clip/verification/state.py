"""A model's state, by which changes of its weights, modules, hooks, attributes or methods are noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.nn.modules import module as torch_module

# The dictionaries of a module's attributes.
_TENSORS = ("_parameters", "_buffers")
_OTHERS = (
    "_modules", "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks",
)  # fmt: skip
_SAMPLED = 64  # values of each tensor that are used to tell weights apart
_GLOBAL = ("_global_forward_hooks", "_global_forward_pre_hooks")


def modules_of(model: Any) -> Iterator[Any]:
    """Yield a model and all modules inside it, each once; several times faster than ``model.modules()``."""
    modules, seen = [model], {id(model)}
    for module in modules:  # the list grows within the loop
        yield module
        for child in module.__dict__["_modules"].values():
            if child is not None and id(child) not in seen:
                seen.add(id(child))
                modules.append(child)


def weights_digest(model: Any) -> str:
    """Return a digest of samples of all of a model's weights, which changes when the model is trained."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        flat = tensor.detach().reshape(-1)
        step = max(1, flat.numel() // _SAMPLED)
        sample = flat[::step][:_SAMPLED].cpu().double()  # not every device supports 64 bits
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(sample.numpy().tobytes())
    return digest.hexdigest()[:16]


class ModelState:
    """The state of a model at one time. It does not keep the model alive.

    A tensor is compared by its place in memory and by torch's count of changes in place, which does not count
    changes through ``.data``. No value is read, so a GPU is never waited for. A comparison takes about 50
    microseconds for a hundred modules; it must be fast, since every explanation compares.
    """

    def __init__(self, model: Any) -> None:
        modules = list(modules_of(model))
        self._inside = modules[1:]
        self._attributes = [module.__dict__ for module in modules]
        inner = [d[name] for d in self._attributes for name in _OTHERS if name in d]
        inner += [getattr(torch_module, name) for name in _GLOBAL if hasattr(torch_module, name)]
        tensors = [d[name] for d in self._attributes for name in _TENSORS]
        self._filled = [part for part in inner if part]
        self._tensors = [part for part in tensors if part]
        self._empty = [part for part in (*inner, *tensors) if not part]
        self._ignored = frozenset[int]()  # indices of parts that a forward pass changes
        self._parts, self._counts = self._look(model)

    def ignore_forward_changes(self, model: Any) -> None:
        """Ignore from now on what running the model has changed since, such as caches of layers."""
        parts, self._counts = self._look(model)
        changed = [
            n for n, (a, b) in enumerate(zip(parts, self._parts, strict=False)) if a is not b
        ]
        self._ignored = frozenset(changed)
        self._parts = parts

    def matches(self, model: Any) -> bool:
        """Return whether the model is still in this state."""
        if any(self._empty):
            return False
        parts, counts = self._look(model)
        if counts != self._counts or len(parts) != len(self._parts):
            return False
        try:
            if parts == self._parts:  # fast if all parts are the same objects
                return True
        except (RuntimeError, ValueError):
            pass  # other tensors or arrays, which cannot be compared as a whole
        pairs = enumerate(zip(parts, self._parts, strict=True))
        return all(a is b or n in self._ignored for n, (a, b) in pairs)

    def _look(self, model: Any) -> tuple[list[Any], list[int]]:
        kind = type(model)
        parts = [kind, getattr(kind, "encode_image", None), getattr(kind, "encode_text", None)]
        parts += [type(module) for module in self._inside]
        for attributes in self._attributes:
            parts += attributes.values()
        for part in self._filled:
            parts += part.values()
        tensors = [t for part in self._tensors for t in part.values() if t is not None]
        counts = [*map(id, tensors), *map(Tensor.data_ptr, tensors), *map(_changes, tensors)]
        return parts, counts


def _changes(tensor: Tensor) -> int:
    # Tensors made under `torch.inference_mode()` count no changes.
    return 0 if tensor.is_inference() else tensor._version  # noqa: SLF001
