"""The account of a run: what became of every picture and caption of its source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..pairs import Contents, LeftOut

_STAGES = {
    "source": "in the source",
    "picture": "reading the picture",
    "caption": "reading the caption",
    "box": "reading the box",
    "model": "in the model",
}


@dataclass(frozen=True, slots=True)
class Failures:
    """Pairs that failed in one way.

    Attributes:
        stage: as in `FailedPair`.
        error: class of the exception.
        count: how many.
        example: the id of one of them.
        reason: its reason.
    """

    stage: str
    error: str
    count: int
    example: str
    reason: str


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the pictures and captions of a source. ``str`` gives it as text.

    Attributes:
        pictures: how many the source has; ``None`` if that is not known.
        captions: how many the source has; ``None`` if that is not known.
        explained: pairs that have a row.
        taken_over: how many of them an earlier start explained, while the source has changed since.
        failed: the pairs without a row, by the way in which they failed.
        left_out: what makes no pair.
        before: rows of earlier starts whose pairs are not in the source any more; they stay in ``before/``.
    """

    pictures: int | None
    captions: int | None
    explained: int
    taken_over: int
    failed: tuple[Failures, ...]
    left_out: tuple[LeftOut, ...]
    before: int

    @classmethod
    def of(
        cls,
        contents: Contents,
        explained: int,
        taken_over: int,
        failed: Iterable[Failures],
        before: int,
    ) -> Account:
        """Return the account of a run over a source."""
        return cls(
            contents.pictures,
            contents.captions,
            explained,
            taken_over,
            tuple(failed),
            contents.left_out,
            before,
        )

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Account:
        """Return the account that `to_record` described."""
        lists = {
            "failed": tuple(Failures(**one) for one in record["failed"]),
            "left_out": tuple(LeftOut(**one) for one in record["left_out"]),
        }
        return cls(**{**record, **lists})

    def to_record(self) -> dict[str, Any]:
        """Return the account for JSON."""
        return asdict(self)

    @property
    def failures(self) -> int:
        """The number of pairs that failed."""
        return sum(one.count for one in self.failed)

    @property
    def omissions(self) -> int:
        """The number of things of the source that make no pair."""
        return sum(one.count for one in self.left_out)

    @property
    def lines(self) -> list[str]:
        """The account as sentences."""
        pairs = self.explained + self.failures
        there = [
            _count(number, what)
            for number, what in ((self.pictures, "picture"), (self.captions, "caption"))
            if number is not None
        ]
        lines = [
            f"The source has {' and '.join([*there, ''] if there else [])}{_count(pairs, 'pair')}."
        ]
        explained = f"{_count(self.explained, 'pair')} explained"
        if self.taken_over:
            explained += f", {self.taken_over:,} of them by an earlier start"
        lines.append(f"{explained}.")
        lines += [
            f"{_count(one.count, 'pair')} failed {_STAGES.get(one.stage, one.stage)} ({one.error}), "
            f"such as {one.example!r}: {one.reason.rstrip('.')}."
            for one in self.failed
        ]
        lines += [
            f"Left out: {one.count:,} {one.reason}, such as {one.example!r}."
            for one in self.left_out
        ]
        if self.before:
            lines.append(
                f"{_count(self.before, 'row')} of earlier starts, of pairs that the source does not have "
                "now, stay in the folder before/."
            )
        return lines

    def __str__(self) -> str:
        return "\n".join(self.lines)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
