"""`Explanation`: the data of an explanation with methods that show, save and export it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from ..core.explanation_data import IN_CAPTION, ExplanationData
from ..export.files import write_content
from ..export.painting.color_scales import OPACITY

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from ..export.cell_output import StaticOutput


@dataclass(frozen=True, eq=False)
class Explanation(ExplanationData):
    """Why a model matched one picture with one caption; with methods to show, save and export it.

    Its fields, and what can be asked of them, are those of `ExplanationData`.
    """

    def overlay(
        self,
        phrase: str | int | Sequence[str | int] | None = None,
        *,
        reading: str = IN_CAPTION,
        opacity: float = OPACITY,
        color_scale: str = "inferno",
        sign: str | None = None,
        caption_map: bool = False,
    ) -> Image.Image:
        """Return the picture with the evidence of a word, a phrase, or (``None``) all words painted on.

        All words are painted as their `highlights`: each in its hue, with a contour at half of its maximum
        and its name at its peak. A single word is painted in proportion to what it adds to the score: the
        strongest word's peak has the last color of the scale, and a word of little importance is faint.

        Args:
            phrase: what to paint.
            reading: as in `word_map`; for all words it is ``evidence_reading``.
            opacity: of the strongest evidence, 0 to 1; contours and names are always opaque.
            color_scale: a sequential plotly color scale by name, for the positive part of a single map.
            sign: which part of a single map: ``"positive"``, ``"negative"`` (purple) or ``"both"`` (purple
                against the match, orange for it, as in the widget). ``None`` is ``"negative"`` for words
                that lower the score, else ``"positive"``.
            caption_map: paint the map of the whole caption, the paper's ``image_map``, instead of the
                highlights. An explanation made with ``reference=True`` always does.

        Raises:
            ValueError: no such word, reading, scale or sign; or ``caption_map`` with a phrase.
        """
        from ..export.painting.overlay import overlay

        return overlay(self, phrase, reading, opacity, color_scale, sign, caption_map)

    def figure(
        self, phrase: str | int | Sequence[str | int] | None = None, *, reading: str = IN_CAPTION
    ) -> go.Figure:
        """Return a plotly figure: the picture, its `overlay`, and bars of word importance."""
        from ..export.figure import figure

        return figure(self, phrase, reading)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with a row per word.

        Columns: word; importance by the default measure; evidence, leave_one_out, grad_eclip and
        integrated_gradients: importance by each measure, NaN where it was not computed (all in units of the
        score); sum and peak of the word's signed map in ``evidence_reading``; position of the peak in image
        pixels (peak_x, peak_y); whether the model read all of the word and was trained on it (read, known).
        """
        from ..export.table import table

        return table(self)

    def save(self, path: str | Path) -> Path:
        """Write the explanation to a file, in the format that the path's suffix names.

        ``.npz`` holds all of it, and is what `load` reads. ``.html`` is the page of `to_html`, ``.json`` the
        numbers, ``.png``, ``.jpg`` and ``.webp`` the picture of `overlay`, ``.gif`` the animation of
        `to_gif`, ``.svg`` the drawing of `to_svg`.

        Args:
            path: where to write it; its folder exists. A file that is there is replaced once the new one
                is written whole, and stays as it was where that fails.

        Returns:
            The path.

        Raises:
            ValueError: no format has that suffix; the message lists those there are.
            OSError: the file cannot be written, and why.
        """
        from ..export.formats import writer_for

        path = Path(path)
        writer_for(path)(self, path)
        return path

    @staticmethod
    def load(path: str | Path) -> Explanation:
        """Read what `save` wrote to an ``.npz`` file. Nothing in the file is executed.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is damaged, or from another program or a later version.
        """
        from ..export.npz import load

        return load(Path(path), Explanation)

    def static(
        self,
        words: str | int | Sequence[str | int] | None = None,
        *,
        reading: str = IN_CAPTION,
        width: int = 800,
    ) -> StaticOutput:
        """Return a cell's output that is a picture everywhere, and alive where scripts run.

        It is the picture of `to_png`, described in words: on GitHub, on nbviewer, in a PDF, in a notebook
        that is not trusted. Where scripts run, the interactive page of `to_html` covers it.

        Args:
            words: as the ``phrase`` of `overlay`: a word or phrase whose map to paint, or ``None`` for all.
            reading: as in `overlay`.
            width: of the picture in pixels, at most; less where it is taller than wide.

        Raises:
            ValueError: no such word or reading, or the width is less than 400 pixels.
        """
        from ..export.cell_output import StaticOutput

        return StaticOutput(self, words, reading, width)

    def to_png(
        self,
        path: str | Path | None = None,
        words: str | int | Sequence[str | int] | None = None,
        *,
        reading: str = IN_CAPTION,
        width: int = 800,
    ) -> bytes:
        """Return a picture that explains itself: `overlay`, below it the caption and what each word brings.

        `save` writes the painted picture alone.

        Args:
            path: a file to write it to as well, if any.
            words: as in `static`.
            reading: as in `static`.
            width: as in `static`. The file has 1.5 pixels for each.

        Returns:
            The encoded PNG, which holds a description in words too.

        Raises:
            ValueError: as `static` does.
            OSError: the file cannot be written, and why.
        """
        from ..export.cell_output import png

        return write_content(png(self, words, reading, width), path)

    def to_gif(
        self,
        path: str | Path | None = None,
        words: str | Sequence[str | int] | None = None,
        *,
        reading: str = IN_CAPTION,
        width: int = 640,
        seconds: float = 1.4,
    ) -> bytes:
        """Return an animation: all words together, then one word after the other with its map and name.

        Args:
            path: a file to write it to as well, if any.
            words: the words and phrases to go through; ``None`` for those that count.
            reading: as in `overlay`.
            width: in pixels, at most.
            seconds: for each word.

        Returns:
            The encoded GIF.

        Raises:
            ValueError: no such word or reading; the width is less than 400 pixels, or the time not 0.1 to 60.
            OSError: the file cannot be written, and why.
        """
        from ..export.gif import gif

        return write_content(gif(self, words, reading, width, seconds), path)

    def to_svg(
        self,
        path: str | Path | None = None,
        words: str | Sequence[str | int] | None = None,
        *,
        level: float = 0.5,
    ) -> str:
        """Return the picture with contours and names of words as vectors, for papers and posters.

        Args:
            path: a file to write it to as well, if any.
            words: the words and phrases to draw; ``None`` for those that count.
            level: where a contour runs, as a fraction of its word's largest evidence.

        Returns:
            The SVG. It embeds the picture, so it is whole in itself.

        Raises:
            ValueError: no such word, or the level is not between 0 and 1.
            OSError: the file cannot be written, and why.
        """
        from ..export.svg import svg

        return write_content(svg(self, words, level), path)

    def to_html(
        self, path: str | Path | None = None, *, title: str | None = None, fragment: bool = False
    ) -> str:
        """Return a self-contained page with the same interaction as the widget, which needs no network.

        Args:
            path: a file to write it to as well, if any.
            title: title of the page; the caption when ``None``.
            fragment: return the page in a frame instead, to paste into a page of one's own. It weighs less,
                its picture is smaller, and any number of them stand on one page.

        Returns:
            The HTML.

        Raises:
            OSError: the file cannot be written, and why.
        """
        from ..export.html import frame, page

        return write_content(frame([self], title), path) if fragment else page([self], path, title)

    def _repr_html_(self) -> str:
        """Return the page in a frame, for notebooks without a kernel."""
        from ..export.html import frame

        return frame([self])
