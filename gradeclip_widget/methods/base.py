"""What a method is: maps of a picture along directions of the text space, and a caption's token shares."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from ..clip.blocks.attention import TangentFn
from ..clip.image_towers.base import ImageTower, ImageTrace
from ..clip.text_towers.attributions import Attributions
from ..clip.text_towers.base import TextTower, TextTrace

_METHODS: dict[str, type[Method]] = {}


class Method(ABC):
    """An explanation method. A subclass with a ``name`` can be asked for by that name.

    Attributes:
        name: what it is asked for by.
        label: what it is called on show.
        needs_query: whether it needs towers in which a pooled token attends to the others.
        priority: methods of a higher one are listed first, those of the same one by name.

    Args:
        reference: behave as the authors' published code does, quirks included.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    needs_query: ClassVar[bool] = False
    priority: ClassVar[int] = 0

    def __init_subclass__(cls) -> None:
        """Register the method under its name, where it has one of its own."""
        if "name" in vars(cls):
            _METHODS[cls.name] = cls

    def __init__(self, reference: bool = False) -> None:
        self.reference = reference

    def check_towers(self, image: ImageTower, text: TextTower) -> None:
        """Raise ``ValueError`` where the method cannot explain a model of these towers."""
        for side, tower in (("image", image), ("text", text)):
            if self.needs_query and not tower.has_query:
                raise ValueError(
                    f"method={self.name!r} shows what a query attends to, and this model's {side} tower "
                    f"({tower.family}) has none; use 'grad-eclip' or 'grad-cam'"
                )
        if self.reference and not (image.supports_reference and text.supports_reference):
            raise ValueError(
                "reference=True computes as the authors' code does, which knows vision transformers with a "
                "class token and causal text transformers pooled at EOT only; this model's towers: "
                f"{image.family}; {text.family}"
            )

    @abstractmethod
    def image_maps(self, trace: ImageTrace, directions: Tensor) -> Tensor:
        """Signed maps (K, patches) of the picture along K directions (K, E) of the text space."""

    @abstractmethod
    def token_attributions(self, trace: TextTrace) -> Attributions:
        """Return what each of the T tokens between SOT and EOT gives to the caption's embedding."""

    def tangent_fn(self) -> TangentFn | None:
        """What `shares` pushes, block by block, if it does: a text tower may take that along."""
        return None


class BlockwiseMethod(Method):
    """A method that explains block by block: its maps and shares are sums over the traced blocks."""

    @abstractmethod
    def block_maps(self, trace: ImageTrace, directions: Tensor) -> Tensor:
        """Signed maps (L, K, patches) that each of L traced blocks gives by itself, shallowest first."""

    @abstractmethod
    def block_attributions(self, trace: TextTrace) -> Attributions:
        """Return what each token gives to the caption's embedding in each traced block alone, (L, T, E)."""

    def image_maps(self, trace: ImageTrace, directions: Tensor) -> Tensor:
        """Signed maps (K, patches), summed over the explained blocks."""
        return self.block_maps(trace, directions).sum(0)


def get_method(name: str, reference: bool = False) -> Method:
    """The method of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in _METHODS:
        near = difflib.get_close_matches(name, _METHODS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        known = ", ".join(map(repr, method_names()))
        raise ValueError(f"no method {name!r}: there are {known}{hint}")
    return _METHODS[name](reference)


def method_names() -> tuple[str, ...]:
    """Return the names of all methods, the default one first."""
    return tuple(sorted(_METHODS, key=lambda name: (-_METHODS[name].priority, name)))
