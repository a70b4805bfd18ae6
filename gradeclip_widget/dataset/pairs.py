"""Pairs of a picture and a caption, and the interface of their sources."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from ..core.regions import Box


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and its caption. It can be pickled, and so sent to any worker.

    Attributes:
        id: its name in the tables; the same in every run over the source.
        position: its index in the source, from 0.
        caption: its caption.
        image: the picture as `read_image` takes it: a path, bytes or a PIL image.
        place: location of the picture for readers: a path, or a shard and a key.
        box: (x0, y0, x1, y1), the part of the picture that the caption describes, if known; in pixels.
        fractions: whether the numbers of the box are fractions of the picture's width and height instead.
    """

    id: str
    position: int
    caption: str
    image: Any = field(repr=False)
    place: str
    box: Box | None = None
    fractions: bool = False

    def without_image(self) -> Pair:
        """Return the pair without its picture, which may be large."""
        return replace(self, image=None)


@dataclass(frozen=True, slots=True)
class FailedPair:
    """A pair that could not be explained, and the reason.

    Attributes:
        id, position, caption, place: as in `Pair`; the caption is empty if the pair has none.
        stage: the step that failed: ``"source"``, ``"picture"``, ``"caption"``, ``"box"`` or ``"model"``.
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
    """Pairs in a fixed order.

    Attributes:
        kind: name of this kind of source: ``"table"``, ``"webdataset"``, ...
    """

    kind: ClassVar[str]

    @abstractmethod
    def count(self) -> int | None:
        """Return the number of pairs, failed ones included; ``None`` if only reading all would tell."""

    @abstractmethod
    def pairs(self, start: int = 0, stop: int | None = None) -> Iterator[Pair | FailedPair]:
        """Yield the pairs at positions ``start`` to ``stop``, in order. Pictures are not decoded."""

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """Return a description of the source for JSON. It differs if the pairs of the source differ."""
