"""A cheap mark of a model's state: whether its weights, modules, hooks or methods have changed since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn.modules import module as torch_module

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
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


def fingerprint(model: Any) -> list[Any]:
    """Return marks that differ once a model's weights, modules, hooks, attributes or methods have changed.

    A tensor counts by its place in memory and by torch's count of changes in place, which misses only what
    is written through ``.data``. No value is read, so that it costs no wait for a GPU.

    Args:
        model: a module.
    """
    marks: list[Any] = [
        getattr(type(model), name, None) for name in ("encode_image", "encode_text")
    ]
    for name in _GLOBAL:
        marks.extend(getattr(torch_module, name, ()))
    for module in modules_of(model):
        own = module.__dict__
        marks.append(type(module))
        marks.extend(map(id, own.values()))  # a method replaced, a number changed, a part exchanged
        for name in _HOOKS:
            if hooks := own.get(name):
                marks.extend(hooks)
        for name in ("_parameters", "_buffers"):
            for tensor in own[name].values():
                if tensor is not None:
                    marks += id(tensor), tensor.data_ptr(), _version(tensor)
        marks.extend(map(id, own["_modules"].values()))
    return marks


def _version(tensor: Tensor) -> int:
    # Tensors made under `torch.inference_mode()` count no changes.
    return 0 if tensor.is_inference() else tensor._version  # noqa: SLF001


@dataclass(frozen=True, eq=False)
class CheckedState:
    """The state in which a model was checked.

    Attributes:
        marks: its `fingerprint`.
        restless: which of them a forward pass alone changes, as where a layer keeps what it computed.
    """

    marks: list[Any]
    restless: frozenset[int]

    @classmethod
    def of(cls, before: list[Any], after: list[Any]) -> CheckedState:
        """Return the state after a forward pass, given fingerprints before and after it."""
        pairs = enumerate(zip(before, after, strict=False))
        changed = frozenset(n for n, (a, b) in pairs if a != b)
        return cls(after, changed if len(before) == len(after) else frozenset())

    def holds(self, marks: list[Any]) -> bool:
        """Return whether a model with this fingerprint is in the same state."""
        if marks == self.marks:
            return True
        if not self.restless or len(marks) != len(self.marks):
            return False
        pairs = enumerate(zip(marks, self.marks, strict=True))
        return all(a == b or n in self.restless for n, (a, b) in pairs)
