"""Pairs of a picture and a caption, and what a source of them offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from ..core.regions import Box


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and its caption. It can be pickled, so that any worker can explain it.

    Attributes:
        id: what it is called in the tables; the same in every run over the source.
        position: its place in the source, from 0.
        caption: its caption.
        image: what `read_image` reads: a path, bytes or a PIL image.
        place: where the picture lies, for people: a path, or a shard and a key.
        box: (x0, y0, x1, y1) in pixels, what the caption speaks of, where that is known.
    """

    id: str
    position: int
    caption: str
    image: Any = field(repr=False)
    place: str
    box: Box | None = None

    def without_image(self) -> Pair:
        """Return the pair without its picture, which may be large."""
        return replace(self, image=None)


@dataclass(frozen=True, slots=True)
class FailedPair:
    """A pair that could not be explained, and why.

    Attributes:
        id, position, caption, place: as in `Pair`; the caption is empty where there is none.
        stage: what failed: ``"source"``, ``"picture"``, ``"caption"`` or ``"model"``.
        error: class of the exception.
        reason: a sentence.
    """

    id: str
    position: int
    caption: str
    place: str
    stage: str
    error: str
    reason: str

    @classmethod
    def of(cls, pair: Pair, stage: str, error: BaseException) -> FailedPair:
        """Return the failure of a pair at a stage."""
        reason = str(error) or type(error).__name__
        return cls(
            pair.id, pair.position, pair.caption, pair.place, stage, type(error).__name__, reason
        )


class PairSource(ABC):
    """Pairs in an order that is the same every time they are gone through.

    Attributes:
        kind: what sources of this class are called: ``"table"``, ``"webdataset"``, ...
    """

    kind: ClassVar[str]

    @abstractmethod
    def count(self) -> int | None:
        """Return how many pairs there are, failed ones included; ``None`` where only reading all tells."""

    @abstractmethod
    def pairs(self, start: int = 0, stop: int | None = None) -> Iterator[Pair | FailedPair]:
        """Yield the pairs at positions ``start`` to ``stop``, in order. Pictures are not decoded."""

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """Return what the source is, as JSON holds it: another one if its pairs are others."""
