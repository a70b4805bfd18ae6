"""The options of `explore` and `show`: which there are, and what they may be taken for."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Collection, Iterable
from typing import Any

from ..core.errors import did_you_mean
from .traits import declared

# What options are called elsewhere.
_SYNONYMS = {
    "alpha": "opacity",
    "cmap": "color_scale",
    "colormap": "color_scale",
    "colorscale": "color_scale",
    "colour": "color_scale",
    "color": "color_scale",
    "layers": "image_layers",
    "size": "resolution",
    "image_size": "resolution",
    "words": "selected_words",
    "box": "region",
    "outline": "contour",
}


def check_options(given: Iterable[str], known: Collection[str]) -> None:
    """Refuse what is no option, before any work.

    Raises:
        TypeError: there is no such option; the message names the nearest one.
    """
    for name in sorted(set(given) - set(known)):
        meant = _SYNONYMS.get(name.lower())
        hint = f"; did you mean {meant!r}?" if meant in known else did_you_mean(name, known)
        raise TypeError(f"no option {name!r}{hint or '.'} There are {', '.join(sorted(known))}")


def spell_out(function: Any, keywords: Iterable[tuple[str, Any]]) -> None:
    """Name the keywords behind ``**`` in a function's signature, for `help` and completion."""
    signature = inspect.signature(function)
    named = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in keywords
        if name not in signature.parameters
    ]
    function.__signature__ = signature.replace(parameters=[*named, *more])


def describe_traits() -> str:
    """Return the traits and their help, as the section of a docstring."""
    lines = [
        textwrap.fill(
            f"{name}: {trait.help}.", 106, initial_indent=" " * 8, subsequent_indent=" " * 12
        )
        for name, trait in declared()
        if not name.startswith("_")
    ]
    return "    Attributes:\n" + "\n".join(lines) + "\n"
