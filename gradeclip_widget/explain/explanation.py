"""`Explanation`: the data of an explanation, with methods to show, save and export it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from ..core.explanation_data import IN_CAPTION, ExplanationData
from ..core.paths import existing_path
from ..export.files import write_content
from ..export.painting.color_scales import OPACITY

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from ..export.cell_output import StaticOutput


@dataclass(frozen=True, eq=False)
class Explanation(ExplanationData):
    """Why a model matched one picture with one caption, with methods to show, save and export it.

    `ExplanationData` has its fields, maps and measures.
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
        and its name at its peak. A single word is painted in proportion to its importance: the strongest
        word's peak has the last color of the scale, and a word of little importance is faint.

        Args:
            phrase: what to paint.
            reading: as in `word_map`; for all words it is ``evidence_reading``.
            opacity: of the strongest evidence, 0 to 1; contours and names are always opaque.
            color_scale: a sequential plotly color scale by name, for the positive part of a single map.
            sign: the part of a single map to paint: ``"positive"``, ``"negative"`` (purple) or ``"both"``
                (purple against the match, orange for it, as in the widget). ``None`` is ``"negative"`` for
                words that lower the score, else ``"positive"``.
            caption_map: paint the map of the whole caption, the paper's ``image_map``, instead of the
                highlights. An explanation made with ``reference=True`` always does.

        Raises:
            ValueError: the word, reading, scale or sign does not exist; or ``caption_map`` with a phrase.
        """
        from ..export.painting.overlay import overlay

        return overlay(self, phrase, reading, opacity, color_scale, sign, caption_map)

    def figure(
        self, phrase: str | int | Sequence[str | int] | None = None, *, reading: str = IN_CAPTION
    ) -> go.Figure:
        """Return a plotly figure: the picture, its `overlay`, and bars of word importance.

        Bars, and the value of a patch under the pointer, are in units of the score: for all words
        ``evidence_map``, for a phrase `phrase_map`.

        Args:
            phrase: as in `overlay`.
            reading: as in `overlay`.

        Raises:
            ValueError: the word or reading does not exist.
        """
        from ..export.figure import figure

        return figure(self, phrase, reading)

    def to_frame(self, *, full: bool = False) -> pd.DataFrame:
        """Return a table with a row per word.

        ================  ==========================================================================
        ``word``          the word
        ``importance``    what the widget's bar shows, in units of the score: the default measure of
                          `importance`
        ``lost_without``  what the score loses without the word, in units of the score; absent if it
                          was not computed
        ``x``, ``y``      where the word's evidence is strongest (`word_evidence`), the center of the
                          patch in pixels of ``image``; NaN for a word without evidence
        ================  ==========================================================================

        Args:
            full: also return ``evidence``, ``grad_eclip`` and ``integrated_gradients``, the importance by
                every other measure that was computed, in units of the score; ``raw_sum`` and ``raw_peak``,
                the sum and the largest value of the word's raw map in ``evidence_reading``, in units of the
                method; ``read`` and ``known``, whether the model read all of the word and was trained on it.
        """
        from ..export.table import table

        return table(self, full)

    def save(self, path: str | Path) -> Path:
        """Write the explanation to a file, in the format of the path's suffix.

        ``.npz`` has all of it, and `load` reads it. ``.html`` is the page of `to_html`, ``.json`` the
        numbers, ``.png``, ``.jpg`` and ``.webp`` the picture of `overlay`, ``.gif`` the animation of
        `to_gif`, ``.svg`` the drawing of `to_svg`.

        Args:
            path: the file, in an existing folder. An existing file is replaced when the new one is complete;
                if writing fails, it does not change.

        Returns:
            The path.

        Raises:
            ValueError: no format has that suffix; the message lists all suffixes.
            OSError: the file cannot be written; the message names the cause.
        """
        from ..export.formats import writer_for

        path = Path(path)
        writer_for(path)(self, path)
        return path

    @staticmethod
    def load(path: str | Path) -> Explanation:
        """Read an ``.npz`` file that `save` wrote. Nothing in the file is executed.

        Raises:
            FileNotFoundError: the file does not exist.
            ValueError: the file is damaged, or from another program or a later version.
        """
        from ..export.npz import load

        return load(existing_path(path, "saved explanation"), Explanation)

    def static(
        self,
        words: str | int | Sequence[str | int] | None = None,
        *,
        reading: str = IN_CAPTION,
        width: int = 800,
    ) -> StaticOutput:
        """Return a cell's output that is a still picture everywhere, and interactive where scripts run.

        On GitHub, in a PDF and in a notebook that is not trusted it is the picture of `to_png` with a
        description. Where scripts run, the interactive page of `to_html` covers the picture.

        Args:
            words: the word or phrase whose map to paint, as ``phrase`` of `overlay`; ``None`` for all words.
            reading: as in `overlay`.
            width: maximum width of the picture in pixels; less if it is taller than wide.

        Raises:
            ValueError: the word or reading does not exist, or the width is less than 400 pixels.
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
        """Return a card: the picture of `overlay`, and below it the caption and the importance of its words.

        `save` writes only the painted picture.

        Args:
            path: a file to write as well, or ``None``.
            words: as in `static`.
            reading: as in `static`.
            width: as in `static`, in display pixels; the file has 1.5 times as many.

        Returns:
            The encoded PNG, with a description in words.

        Raises:
            ValueError: as in `static`.
            OSError: the file cannot be written.
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
        """Return an animation: all words together, then each word with its map and name.

        Args:
            path: a file to write as well, or ``None``.
            words: the words and phrases to show; ``None`` for the words that count.
            reading: as in `overlay`.
            width: maximum width in pixels.
            seconds: time for each word.

        Returns:
            The encoded GIF.

        Raises:
            ValueError: a word or the reading does not exist, the width is less than 400 pixels, or the time
                is not 0.1 to 60 s.
            OSError: the file cannot be written.
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
            path: a file to write as well, or ``None``.
            words: the words and phrases to draw; ``None`` for the words that count.
            level: the level of a contour, as a fraction of its word's largest evidence.

        Returns:
            The SVG, which embeds the picture.

        Raises:
            ValueError: a word does not exist, or the level is not between 0 and 1.
            OSError: the file cannot be written.
        """
        from ..export.svg import svg

        return write_content(svg(self, words, level), path)

    def to_html(
        self, path: str | Path | None = None, *, title: str | None = None, fragment: bool = False
    ) -> str:
        """Return a self-contained page with the same interaction as the widget, which needs no network.

        Args:
            path: a file to write as well, or ``None``.
            title: title of the page; the caption when ``None``.
            fragment: return the page in a frame, to paste into another page. It is compressed, its picture is
                smaller, and a page may have any number of them. A picture and a line of text remain where
                frames or scripts are removed. The frame has the height of its page where scripts run outside
                it, otherwise an estimate.

        Returns:
            The HTML.

        Raises:
            OSError: the file cannot be written.
        """
        from ..export.html import page

        if not fragment:
            return page([self], path, title)
        return write_content(self._output().to_html(title), path)

    def _output(self) -> StaticOutput:
        """Return what a cell shows of the explanation."""
        from ..export.cell_output import StaticOutput

        return StaticOutput(self, small=True)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the page in a frame with a picture beneath it, the picture, and a description."""
        return self._output()._repr_mimebundle_()

    def _repr_html_(self) -> str:
        """Return the page in a frame with a picture beneath it."""
        return self._output().to_html()

    def _repr_png_(self) -> bytes:
        """Return the picture."""
        return self._output()._repr_png_()
