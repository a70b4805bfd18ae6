"""The options of an `Explainer`: defaults, checks and comparison in one place. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..clip.image_towers.base import ImageTower
    from ..clip.preprocessing import Fit
    from ..clip.text_towers.base import TextTower


@dataclass(frozen=True)
class ExplainSettings:
    """What an `Explainer` takes beside its model and method; it says what each option means."""

    reference: bool = False
    freeze_norms: bool = True
    image_layers: int = 1
    text_layers: int | None = None
    fit: Fit = "whole"
    resolution: int | None = None
    readings: bool | None = None
    integrated_gradients: bool = False

    def resolve(self, image: ImageTower, text: TextTower) -> ExplainSettings:
        """Return the settings as they apply to a model's towers, with numbers in place of ``None``.

        Raises:
            ValueError: a number of blocks that the towers do not have.
        """
        from ..clip.image_towers.base import check_layers

        check_layers(self.image_layers, image.depth)
        if self.text_layers is not None and self.text_layers < 1:
            raise ValueError(f"text_layers={self.text_layers}: give at least 1")
        return replace(
            self,
            freeze_norms=self.freeze_norms and not self.reference,
            text_layers=min(self.text_layers or text.default_text_layers, text.depth),
        )

    @property
    def layers(self) -> tuple[int, int]:
        """How many of the last image and text blocks are explained, once `resolve` has filled them in."""
        assert self.text_layers is not None, "these settings are not resolved"
        return self.image_layers, self.text_layers

    @property
    def image_side(self) -> ExplainSettings:
        """The options that a picture's pass through the image tower depends on; the others at defaults."""
        return ExplainSettings(
            reference=self.reference,
            image_layers=self.image_layers,
            fit=self.fit,
            resolution=self.resolution,
        )


def option(name: str, of: str = "_setup.settings") -> Any:
    """Return a read-only attribute of `Explainer` that gives one of its settings."""
    return property(attrgetter(f"{of}.{name}"))
