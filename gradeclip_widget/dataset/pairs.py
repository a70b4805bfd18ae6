"""Pairs of a picture and a caption, and the interface of their sources."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from ..core.regions import Box

UNREADABLE = (TypeError, ValueError, OSError)  # errors of pictures and captions that cannot be read
_FRAMES = 20  # of a traceback, those nearest to the error


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
        traceback: where an unexpected error was raised; empty for data that cannot be used.
    """

    id: str
    position: int
    caption: str
    place: str
    stage: str
    error: str
    reason: str
    traceback: str = ""

    @classmethod
    def of(cls, pair: Pair, stage: str, error: BaseException) -> FailedPair:
        """Return the failure of a pair at a stage."""
        name = type(error).__name__
        expected = stage != "model" and isinstance(error, UNREADABLE)
        trace = "" if expected else "".join(traceback.format_exception(error, limit=-_FRAMES))
        return cls(
            pair.id,
            pair.position,
            pair.caption,
            pair.place,
            stage,
            name,
            str(error) or name,
            trace,
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Things of one kind in a source that make no pair.

    Attributes:
        reason: why, as the end of a sentence about them: "pictures without a caption".
        count: how many.
        example: the name of one of them.
    """

    reason: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a source holds, pairs or not.

    Attributes:
        pictures: number of pictures, used or not; ``None`` if only reading all would tell.
        captions: number of captions, used or not; ``None`` if only reading all would tell.
        left_out: what makes no pair, and so has neither a row nor a failure in the tables.
    """

    pictures: int | None = None
    captions: int | None = None
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownPair:
    """A pair whose row an earlier start of the run has computed.

    Attributes:
        pair: the pair, without its picture.
        row: its row, with the pair's present id, position and place.
    """

    pair: Pair
    row: dict[str, Any] = field(repr=False)

    @property
    def position(self) -> int:
        """The pair's index in the source."""
        return self.pair.position


ListedPair = Pair | FailedPair | KnownPair


class PairSource(ABC):
    """Pairs in a fixed order.

    Ids are unique: the second and third pair of an id ``7`` in the data are ``7#2`` and ``7#3``.

    Attributes:
        kind: name of this kind of source: ``"table"``, ``"webdataset"``, ...
        covered: whether `description` changes with each picture that is in the source itself. It cannot if
            items are computed when they are read.
    """

    kind: ClassVar[str]
    covered: ClassVar[bool] = True

    @abstractmethod
    def count(self) -> int | None:
        """Return the number of pairs, failed ones included; ``None`` if only reading all would tell."""

    @abstractmethod
    def pairs(self, start: int = 0, stop: int | None = None) -> Iterator[Pair | FailedPair]:
        """Yield the pairs at positions ``start`` to ``stop``, in order. Pictures are not decoded."""

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """Return a description of the source for JSON. It differs if the pairs of the source differ."""

    def contents(self) -> Contents:
        """Return what the source holds, for the account at the end of a run."""
        return Contents()
