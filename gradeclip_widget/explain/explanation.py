"""`Explanation`: the data of an explanation with methods that show, save and export it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from ..core.explanation_data import ExplanationData
from ..core.explanation_record import IN_CAPTION
from ..export.painting.color_scales import OPACITY

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


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
        sign: str = "positive",
        caption_map: bool = False,
    ) -> Image.Image:
        """Return the picture with the evidence of a word, a phrase, or (``None``) all words painted on.

        All words are painted as their `highlights`: each in its hue, with a contour at half of its maximum
        and its name at its peak.

        Args:
            phrase: what to paint.
            reading: as in `word_map`; for all words it is ``evidence_reading``.
            opacity: of the strongest evidence, 0 to 1; contours and names are always opaque.
            color_scale: a sequential plotly color scale by name, for the positive part of a single map.
            sign: which part of a single map: ``"positive"``, ``"negative"`` (purple) or ``"both"`` (purple
                against the match, orange for it, as in the widget).
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
        numbers, ``.png``, ``.jpg`` and ``.webp`` the picture of `overlay`.

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

    def to_html(self, path: str | Path | None = None, *, title: str | None = None) -> str:
        """Return a self-contained page with the same interaction as the widget, which needs no network.

        Args:
            path: a file to write it to as well, if any.
            title: title of the page; the caption when ``None``.

        Returns:
            The page's HTML.

        Raises:
            OSError: the file cannot be written, and why.
        """
        from ..export.html import page

        return page([self], path, title)

    def _repr_html_(self) -> str:
        """Return the page in a frame, for notebooks without a kernel."""
        from ..export.html import frame

        return frame([self])
