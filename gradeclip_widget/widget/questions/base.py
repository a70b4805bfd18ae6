"""The base class of questions: traits that ask and hold the answer, and what computes it. No torch here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets as t

from ...core.progress import Progress
from ..request import Request

if TYPE_CHECKING:
    from ..backend.backend import Backend

QUESTIONS: dict[str, Question] = {}  # by the trait that holds the answer


@dataclass(frozen=True)
class Shown:
    """What a widget shows while it is asked something.

    Attributes:
        request: what was explained.
        caption: the active prompt.
        region: the region as the widget's trait holds it, or ``None``.
        compare: names of the methods that are compared.
        overview: what the picture shows while no word is chosen.
    """

    request: Request
    caption: str
    region: Mapping[str, Any] | None
    compare: tuple[str, ...] = ()
    overview: str = "words"

    @property
    def of_caption(self) -> Request:
        """The request for the active prompt alone, whatever the method."""
        return replace(self.request, prompts=(self.caption,), method="")


class Question(ABC):
    """Something that a widget can be asked about what it shows.

    A subclass with an ``answer`` registers itself.

    Attributes:
        asks: name of the trait that asks. Its default value means that nothing is asked.
        answer: name of the trait that holds the answer. Its default value means that there is none.
        Traits: a class of both traits, and of others that belong to them. They become the widget's own.
        depends_on: names of further traits on which the arguments depend.
        streams: whether `compute` yields the answer bit by bit. Questions that do are answered last.
        quiet: whether the widget shows itself ready while the question is answered, after all others.
    """

    asks: ClassVar[str]
    answer: ClassVar[str]
    depends_on: ClassVar[tuple[str, ...]] = ()
    streams: ClassVar[bool] = False
    quiet: ClassVar[bool] = False
    Traits: ClassVar[type[t.HasTraits]]

    def __init_subclass__(cls) -> None:
        """Register the question, where it has an answer of its own."""
        if "answer" in vars(cls):
            QUESTIONS[cls.answer] = cls()

    def default(self, name: str) -> Any:
        """Return the first value of a trait that the question declares."""
        return self.Traits.class_traits()[name].default()

    @abstractmethod
    def arguments(self, value: Any, shown: Shown, backend: Backend) -> tuple[Any, ...] | None:
        """Return what `compute` takes, or ``None`` where there is nothing to answer.

        An answer is kept for as long as its arguments stay equal.

        Args:
            value: of the trait that asks.
            shown: what the widget shows.
            backend: the pictures and models behind the widget.
        """

    @abstractmethod
    def compute(self, backend: Backend, *arguments: Any, progress: Progress | None = None) -> Any:
        """Return the answer, as its trait holds it. Called on the worker's thread.

        Where the question ``streams``, yield it as far as it is known, the last time all of it.
        """

    def answers(
        self, backend: Backend, *arguments: Any, progress: Progress | None = None
    ) -> Iterator[Any]:
        """Yield what `compute` returns, or all that it yields."""
        computed = self.compute(backend, *arguments, progress=progress)
        yield from computed if self.streams else (computed,)

    def show(self, widget: Any, value: Any) -> None:
        """Set the widget's traits to an answer."""
        setattr(widget, self.answer, value)

    def clear(self, widget: Any) -> None:
        """Set the widget's traits to no answer."""
        self.show(widget, self.default(self.answer))

    def after_cancel(self, widget: Any) -> Any:
        """Return the value that the trait takes which asks, where the answer was cancelled."""
        return self.default(self.asks)


class RegionQuestion(Question):
    """A question about the region, asked while there is one."""

    def arguments(self, value: Any, shown: Shown, backend: Backend) -> tuple[Any, ...] | None:
        """Return the request, the trait's value and the region."""
        if shown.region is None or value == self.default(self.asks):
            return None
        return shown.request, value, shown.region
