"""Why a model's own embeddings may differ from the traced ones, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .state import modules_of

_FEW = 3  # modules that a message names
_GENERIC = (
    "The model does something that this package does not know: docs/extending.md says how to add a family "
    "of towers"
)


def way_out(model: Any, ways_in: Iterable[str], again: str = "") -> str:
    """Return sentences on what sets a model apart from its known towers, and how to have it explained.

    Args:
        model: the model as it was given.
        ways_in: names of the methods that encode pictures and captions.
        again: what to say where nothing of the kind is found.
    """
    adapters, hooked, patched = [], [], []
    for name, module in model.named_modules():
        own = vars(module)
        if "base_layer" in own["_modules"] or "lora_A" in own["_modules"]:
            adapters.append(name)
        elif own["_forward_hooks"] or own["_forward_pre_hooks"]:
            hooked.append(name)
        if _replaced(module):
            patched.append(name)
    replaced = [name for name in ways_in if name in vars(model)]
    sentences = []
    if adapters:
        sentences.append(
            f"It has adapters of peft ({listed(adapters)}): merge them into the weights, with "
            "model = peft_model.merge_and_unload(), and give that model"
        )
    if hooked:
        sentences.append(
            f"It has forward hooks ({listed(hooked)}): remove those that change outputs, by "
            "handle.remove() of what register_forward_hook returned"
        )
    if patched:
        sentences.append(
            f"The method forward is replaced on {listed(patched)}: restore it, with del module.forward"
        )
    if replaced:
        sentences.append(
            f"The method {' and '.join(replaced)} is replaced on the model: restore it, with "
            f"del model.{replaced[0]}, or put what it adds into the tower itself"
        )
    if not sentences and again:
        sentences.append(again[0].upper() + again[1:])
    if not sentences and (names := _overriding(model, ways_in)):
        sentences.append(
            f"Its class {type(model).__name__} defines {' and '.join(names)} itself, and does more than its "
            "towers there; put that into the tower (docs/extending.md says how to add a family), or give "
            "the model without it"
        )
    return ". ".join(sentences or [_GENERIC])


def _overriding(model: Any, ways_in: Iterable[str]) -> list[str]:
    """Return which methods a class outside the known libraries defines."""
    libraries = ("open_clip", "transformers", "gradeclip_widget")
    found = []
    for name in ways_in:
        owner = next((kind for kind in type(model).__mro__ if name in vars(kind)), None)
        if owner is not None and owner.__module__.partition(".")[0] not in libraries:
            found.append(name)
    return found


def listed(names: list[str]) -> str:
    """Return the first few names of modules, and how many more there are."""
    shown = [name or "the model itself" for name in names[:_FEW]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def hooked_modules(parts: Iterable[Any]) -> list[Any]:
    """Return the modules among some parts, and inside them, with forward hooks or a replaced ``forward``."""
    found = {id(module): module for part in parts for module in modules_of(part)}
    return [
        module
        for module in found.values()
        if module._forward_hooks or module._forward_pre_hooks or _replaced(module)  # noqa: SLF001
    ]


def _replaced(module: Any) -> bool:
    """Return whether a module's ``forward`` is replaced, and not by `torch.compile`."""
    return "forward" in vars(module) and not hasattr(module, "_orig_mod")
