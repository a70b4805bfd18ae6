"""The base classes of explanation methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import ClassVar

from torch import Tensor

from ..clip import ClipModel
from ..clip.blocks.attention import TangentFn
from ..clip.image_towers.base import ImageBatch, ImageTower, ImageTrace
from ..clip.text_towers.attributions import Attributions
from ..clip.text_towers.base import TextTrace
from ..core.progress import Progress, no_progress
from .token_attributions import caption_attributions, caption_tangents


class Method(ABC):
    """An explanation method: maps of a picture along texts, and attributions to a caption's tokens.

    A subclass that is listed in `METHODS` of `registry` can be chosen by its ``name``.

    Attributes:
        name: the value of ``method`` that selects it.
        label: its name in menus and pictures.
        purpose: one sentence on what it is for.
        limits: one sentence on what it cannot show.
        needs_query: whether both towers must have a pooled token that attends to the others.
        needs_transformer: whether the image tower must be a transformer of known blocks
            (`ImageTower.has_transformer`).
        has_blocks: whether it has maps of single blocks; see `BlockwiseMethod`.
        has_batches: whether it maps several pictures at once; see `batch_maps`.
        per_text: whether every text needs a separate optimization, so that lists of texts are not accepted.

    Further arguments of a subclass are its options. They are keyword arguments, and the subclass checks them.

    Args:
        reference: compute exactly as the authors' published code does.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    purpose: ClassVar[str]
    limits: ClassVar[str]
    needs_query: ClassVar[bool] = False
    needs_transformer: ClassVar[bool] = False
    has_blocks: ClassVar[bool] = False
    has_batches: ClassVar[bool] = False
    per_text: ClassVar[bool] = False

    def __init__(self, reference: bool = False) -> None:
        self.reference = reference

    def label_for(self, image: ImageTower) -> str:
        """Return the label of the method for a model with this image tower."""
        return self.label

    def bind(self, clip: ClipModel) -> None:
        """Set the model that is explained, for methods that need more of it than its traces."""
        self.clip = clip

    @abstractmethod
    def image_maps(
        self, trace: ImageTrace, directions: Tensor, progress: Progress = no_progress
    ) -> Tensor:
        """Return signed maps (K, patches) of a picture along texts.

        Args:
            trace: the picture's pass through the image tower.
            directions: text embeddings, or any other directions of the embedding space, (K, E).
            progress: called before every step of a method that has steps.
        """

    def batch_maps(self, batch: ImageBatch, directions: Tensor) -> Tensor:
        """Return signed maps (B, K, patches) of several pictures, each along its texts.

        They are those of `image_maps` with one explained block, up to rounding.

        Args:
            batch: the pictures' pass through the image tower.
            directions: K text embeddings for each picture, (B, K, E).

        Raises:
            NotImplementedError: the method maps one picture at a time (``has_batches``).
        """
        raise NotImplementedError(f"method {self.name!r} maps one picture at a time")

    def token_attributions(
        self, trace: TextTrace, image: Tensor | None = None, progress: Progress = no_progress
    ) -> Attributions:
        """Return what each of a caption's T tokens contributes to its embedding, or to the score.

        Special tokens are not included. A subclass that does not define attributions has those of Grad-ECLIP.

        Args:
            trace: the caption's pass through the text tower.
            image: unit image embedding (E,), for methods that explain only the score.
            progress: called before every step of a method that has steps.
        """
        return caption_attributions(trace, self.reference)

    def tangent_fn(self) -> TangentFn | None:
        """Return a function to tangents whose propagation gives `token_attributions`, or ``None``.

        A text tower may then propagate them in the same pass as the caption.
        """
        if type(self).token_attributions is not Method.token_attributions:
            return None
        return partial(caption_tangents, reference=self.reference)


class BlockwiseMethod(Method):
    """A method whose maps and attributions are sums over the explained blocks, and also exist for each."""

    has_blocks = True

    @abstractmethod
    def block_maps(self, trace: ImageTrace, directions: Tensor) -> Tensor:
        """Return signed maps (L, K, patches) of each of the L explained blocks, lowest block first."""

    @abstractmethod
    def block_attributions(self, trace: TextTrace) -> Attributions:
        """Return what each token contributes to the embedding in each explained block, (L, T, E)."""

    def image_maps(
        self, trace: ImageTrace, directions: Tensor, progress: Progress = no_progress
    ) -> Tensor:
        """Return signed maps (K, patches), summed over the explained blocks."""
        return self.block_maps(trace, directions).sum(0)
