"""The base class of questions: a trait that asks, a trait with the answer, and what computes it.

No torch is imported here.
"""

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


@dataclass(frozen=True)
class Context:
    """What a widget shows when a question is asked.

    Attributes:
        request: of the explanations shown.
        caption: the active prompt.
        region: the region, as the trait's value, or ``None``.
        compare: names of the methods that are compared.
        overview: what the picture shows while no word is chosen, as the trait's value.
    """

    request: Request
    caption: str
    region: Mapping[str, Any] | None
    compare: tuple[str, ...] = ()
    overview: str = "words"

    @property
    def of_caption(self) -> Request:
        """The request for the active prompt alone, without a method."""
        return replace(self.request, prompts=(self.caption,), method="")


class Question(ABC):
    """A question about the explanations that a widget shows. Every subclass is listed in this package.

    Attributes:
        asks: name of the trait that asks. A value that is false, such as "" or [], asks nothing.
        answer: name of the trait with the answer. Its default value means that there is no answer.
        Traits: a class with both traits, and others that belong to them. The widget gets all of them.
        depends_on: names of more traits that the arguments depend on.
        streams: whether `compute` yields the answer in steps. Such questions are answered after the others.
        quiet: whether the widget shows "ready" while it answers the question. Such questions come last.
    """

    asks: ClassVar[str]
    answer: ClassVar[str]
    depends_on: ClassVar[tuple[str, ...]] = ()
    streams: ClassVar[bool] = False
    quiet: ClassVar[bool] = False
    Traits: ClassVar[type[t.HasTraits]]

    def default(self, name: str) -> Any:
        """Return the first value of one of the question's traits."""
        return self.Traits.class_traits()[name].default()

    @abstractmethod
    def arguments(self, value: Any, context: Context, backend: Backend) -> tuple[Any, ...] | None:
        """Return the arguments of `compute`, or ``None`` if there is nothing to answer.

        The answer is computed again when the arguments change.

        Args:
            value: of the trait that asks; not false.
            context: what the widget shows.
            backend: the pictures and models of the widget.
        """

    @abstractmethod
    def compute(self, backend: Backend, *arguments: Any, progress: Progress | None = None) -> Any:
        """Return the answer, as a value of its trait. Called on the worker thread.

        If the question ``streams``, yield the part of the answer that is known, several times; the last time
        the whole answer.
        """

    def answers(
        self, backend: Backend, *arguments: Any, progress: Progress | None = None
    ) -> Iterator[Any]:
        """Yield what `compute` returns, or all that it yields."""
        computed = self.compute(backend, *arguments, progress=progress)
        yield from computed if self.streams else (computed,)

    def values(self, answer: Any) -> dict[str, Any]:
        """Return the values that traits get with an answer, by name."""
        return {self.answer: answer}

    def no_answer(self) -> dict[str, Any]:
        """Return the values that traits get without an answer, by name."""
        return self.values(self.default(self.answer))

    def after_cancel(self, values: Mapping[str, Any]) -> Any:
        """Return the value that the trait that asks gets when the reader cancels the answer.

        Args:
            values: of the widget's traits, by name.
        """
        return self.default(self.asks)


class RegionQuestion(Question):
    """A question about the region. Without a region there is nothing to answer."""

    def arguments(self, value: Any, context: Context, backend: Backend) -> tuple[Any, ...] | None:
        """Return the request, the value of the trait that asks, and the region."""
        return None if context.region is None else (context.request, value, context.region)
