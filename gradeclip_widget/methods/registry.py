"""All explanation methods, each by its name, and which of them can explain a model."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

from ..clip.image_towers.base import ImageTower
from ..clip.text_towers.base import TextTower
from ..core.errors import did_you_mean
from .base import BlockwiseMethod, Method
from .clip_surgery import ClipSurgery
from .exclip import ExClip
from .game import Game
from .grad_cam import GradCam
from .grad_eclip import GradEclip
from .grad_eclip_without_lambda import GradEclipWithoutLambda
from .legrad import LeGrad
from .m2ib import M2ib
from .maskclip import MaskClip
from .rise import Rise
from .rollout import Rollout
from .self_attention import SelfAttention

# In the order in which they are listed.
METHODS: list[type[Method]] = [
    GradEclip,  # the default
    ClipSurgery,
    ExClip,
    Game,
    GradCam,
    GradEclipWithoutLambda,
    LeGrad,
    M2ib,
    MaskClip,
    Rise,
    Rollout,
    SelfAttention,
]


def method_names() -> tuple[str, ...]:
    """Return the names of all methods, the default one first."""
    return tuple(method.name for method in METHODS)


def get_method(
    name: str, reference: bool = False, options: Mapping[str, Any] | None = None
) -> Method:
    """Return the method of that name.

    >>> method_options("grad-eclip")
    ()

    Args:
        name: one of `method_names`.
        reference: compute exactly as the authors' published code does.
        options: the method's options by name; see `method_options`.

    Raises:
        ValueError: there is no such method, it has no such option, or an option has no such value.
    """
    cls, known = find_method(name), method_options(name)
    for option in options or {}:
        if option not in known:
            takes = f"has the options {', '.join(map(repr, known))}" if known else "has no options"
            guess = did_you_mean(option, known)
            raise ValueError(f"method={name!r} {takes}, not {option!r}{guess}")
    return cls(reference, **options or {})


def method_options(name: str) -> tuple[str, ...]:
    """Return the names of a method's options.

    Raises:
        ValueError: there is no such method.
    """
    return _options(find_method(name))


@functools.cache  # called for every method on every prompt
def _options(method: type[Method]) -> tuple[str, ...]:
    return tuple(p for p in inspect.signature(method).parameters if p != "reference")


def find_method(name: str) -> type[Method]:
    """Return the class of the method of that name.

    Raises:
        ValueError: there is no such method.
    """
    for method in METHODS:
        if method.name == name:
            return method
    names = method_names()
    known = ", ".join(map(repr, names))
    raise ValueError(f"no method {name!r}: there are {known}{did_you_mean(name, names)}")


def blockwise(method: Method) -> BlockwiseMethod:
    """Return a method that has maps of single blocks.

    Raises:
        ValueError: the method has no maps of single blocks.
    """
    if not isinstance(method, BlockwiseMethod):
        others = " or ".join(f"method={m.name!r}" for m in METHODS if m.has_blocks)
        raise ValueError(
            f"method={method.name!r} explains only the last block: it has no maps of single blocks; use "
            f"{others}"
        )
    return method


def check_towers(method: Method, image: ImageTower, text: TextTower) -> None:
    """Check that a method can explain a model of these towers.

    Raises:
        ValueError: a tower has no query that the method needs, the image tower is not a transformer, or
            ``reference=True`` was given and the authors' code does not know the towers.
    """
    for side, tower in (("image", image), ("text", text)):
        if method.needs_query and not tower.has_query:
            others = " or ".join(repr(m.name) for m in METHODS if not m.needs_query)
            raise ValueError(
                f"method={method.name!r} shows what a query attends to, but this model's {side} tower "
                f"({tower.family}) has no query; use {others}"
            )
    if method.needs_transformer and not image.has_transformer:
        others = ", ".join(
            repr(m.name)
            for m in METHODS
            if not m.needs_transformer and not (m.needs_query and not image.has_query)
        )
        raise ValueError(
            f"method={method.name!r} runs through the blocks of a transformer, but this model's image "
            f"tower ({image.family}) is no transformer; use one of {others}"
        )
    if method.reference and not (image.supports_reference and text.supports_reference):
        raise ValueError(
            "reference=True computes as the authors' code does, which supports only vision transformers with "
            "a class token and causal text transformers pooled at EOT; this model's towers: "
            f"{image.family}; {text.family}"
        )
