"""What an explanation is made with: a model, a method and options that fit them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..clip import ClipModel
from ..clip.image_towers.base import ImageTrace
from ..clip.preprocessing import Picture
from ..methods import Method
from .settings import ExplainSettings


@dataclass(frozen=True, eq=False)
class Setup:
    """A model, a method and options, as `Explainer` has checked them.

    Attributes:
        clip: the model.
        method: the method.
        settings: the options, resolved.
        method_options: those of the method, by name.
    """

    clip: ClipModel
    method: Method
    settings: ExplainSettings
    method_options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What to call the method where it is shown."""
        return self.method.label_for(self.clip.image_tower)

    @property
    def readings(self) -> bool:
        """Whether to compute a word's maps *alone* and *left out*; where not said, if they are cheap."""
        wanted = self.settings.readings
        return not self.method.per_text if wanted is None else wanted

    @property
    def word_scores(self) -> bool:
        """Whether to compute the score of the caption with some of its words only."""
        return self.settings.readings is not False

    def picture(self, image: Any) -> Picture:
        """Return a picture ready for the image tower.

        Args:
            image: as in `Explainer.__call__`, not yet encoded.

        Raises:
            TypeError, ValueError, FileNotFoundError: it cannot be read; the message says why.
        """
        return self.clip.image_processor.prepare(image, self.settings.fit, self.settings.resolution)

    def trace(self, picture: Picture, *, contributions: bool = True) -> ImageTrace:
        """Run the image tower on a picture and trace the blocks to explain, while the model is running.

        Args:
            picture: ready for the tower.
            contributions: whether to compute what each block adds to the embedding.
        """
        return self.clip.image_tower.trace(
            self.clip.to_device(picture.pixels),
            self.settings.image_layers,
            single_head=self.settings.reference,
            contributions=contributions,
        )
