"""The formats that an explanation can be written in: a table of suffixes and writers.

A new format is a file with a writer and a row in `WRITERS`; `Explanation.save` and ``gradeclip explain -o``
then take its suffix. A writer takes an explanation and the path of a temporary file, which replaces the real
one when it is complete (see `replacing`). `WRITERS` imports every format, so a module that is slow to import
(plotly, pandas, contourpy) is imported inside the function that needs it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .files import replacing
from .gif import write_gif
from .html import write_page
from .json import write_json
from .npz import save
from .raster import write_picture
from .svg import write_svg

if TYPE_CHECKING:
    from ..core.explanation_data import ExplanationData

Writer = Callable[["ExplanationData", Path], object]

WRITERS: dict[str, Writer] = {
    ".gif": write_gif,
    ".html": write_page,
    ".jpeg": write_picture,
    ".jpg": write_picture,
    ".json": write_json,
    ".npz": save,
    ".png": write_picture,
    ".svg": write_svg,
    ".webp": write_picture,
}


def suffixes() -> tuple[str, ...]:
    """Return the suffixes of all formats, in alphabetical order."""
    return tuple(sorted(WRITERS))


def writer_for(path: Path) -> Writer:
    """Return the function that writes files of a path's suffix; a file is replaced only when it is complete.

    Raises:
        ValueError: no format has that suffix; the message lists the suffixes of all formats.
    """
    if path.suffix not in WRITERS:
        raise ValueError(f"cannot write {path.name!r}: end its name in {', '.join(suffixes())}")
    return functools.partial(_write_whole, WRITERS[path.suffix])


def _write_whole(writer: Writer, explanation: ExplanationData, path: Path) -> None:
    with replacing(path) as temporary:
        writer(explanation, temporary)
