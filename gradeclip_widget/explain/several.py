"""Several pictures, explained one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Pictures = list[Any] | tuple[Any, ...]
T = TypeVar("T")


def for_each(pictures: Pictures, work: Callable[[Any], T]) -> list[T]:
    """Return the results for several pictures, in their order; an error has a note which picture it was.

    Args:
        pictures: each as `Explainer.__call__` takes one.
        work: what to do with each.

    Raises:
        ValueError: there are none.
    """
    if not pictures:
        raise ValueError("the list of pictures is empty; give at least one")
    results = []
    for n, picture in enumerate(pictures, 1):
        try:
            results.append(work(picture))
        except (TypeError, ValueError, OSError) as error:
            error.add_note(f"This was picture {n} of {len(pictures)}.")
            raise
    return results
