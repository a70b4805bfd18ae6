"""A still picture of a gallery's first pairs, for hosts that cannot show the live view."""

from __future__ import annotations

import base64
import contextlib
import html
import textwrap
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from ...dataset.runs.reader import Maps
from ...export.cell_output import PNG, fallback_kind, hidden_while_live
from ...export.painting.color_scales import OPACITY, color_table
from ...export.painting.fonts import font_for
from ...export.picture import card_url, small_png
from ...images import enlarge, read_image

MAX_PAIRS = 12
_HINT = (
    "A picture of the live gallery, which needs the notebook's kernel: run the cell to explore it."
)
_COLUMNS, _SIDE, _GAP, _TEXT, _LINE = 4, 128, 10, 11, 15  # pixels, except the columns
_INK, _GROUND, _EMPTY, _CHARACTERS = "#14161a", "#ffffff", "#e6e8ec", 22


def gallery_output(summary: str, table: Any | None, model_id: str) -> dict[str, str]:
    """Return a picture of the first pairs and a line of text, by MIME type.

    Args:
        summary: what the gallery shows, in one line.
        table: the first pairs, `TILE_COLUMNS` as a pyarrow table; ``None`` if there are none.
        model_id: id of the gallery's model, whose views hide the HTML.
    """
    pairs = [] if table is None else table.select(["caption", "score"]).to_pylist()
    first = "; ".join(f"“{pair['caption']}” {pair['score']:.3f}" for pair in pairs)
    description = f"{summary}{first and f'. The first pairs and their scores: {first}'}"
    bundle = {"text/plain": description}
    content = f"<p>{html.escape(description)}.<br>{_HINT}</p>"
    if table is not None:
        sheet = contact_sheet(table)
        bundle["image/png"] = base64.b64encode(small_png(sheet, description)).decode("ascii")
        content = (
            f'<img src="{card_url(sheet)}" alt="{html.escape(description)}" width="{sheet.width}" '
            f'style="max-width: 100%; height: auto">{content}'
        )
    if fallback_kind() != PNG:
        bundle["text/html"] = hidden_while_live(content, model_id)
    return bundle


def contact_sheet(table: Any) -> Image.Image:
    """Return the pairs of a table as a grid of thumbnails with their maps, captions and scores."""
    maps, count = Maps.of(table), table.num_rows
    columns, step, height = min(_COLUMNS, count), _SIDE + _GAP, _SIDE + 2 * _LINE + _GAP
    size = columns * step + _GAP, -(-count // columns) * height + _GAP
    sheet = Image.new("RGB", size, _GROUND)
    draw = ImageDraw.Draw(sheet)
    rows = table.select(["caption", "score", "thumbnail"]).to_pylist()
    for n, row in enumerate(rows):
        x, y = _GAP + n % columns * step, _GAP + n // columns * height
        picture = _painted(row["thumbnail"], maps, n)
        sheet.paste(picture, (x + (_SIDE - picture.width) // 2, y + (_SIDE - picture.height) // 2))
        caption = textwrap.shorten(row["caption"], _CHARACTERS, placeholder=" …")
        for line, text in enumerate((f"{row['score']:.3f}", caption)):
            draw.text((x, y + _SIDE + 3 + line * _LINE), text, _INK, font_for((text,), _TEXT))
    return sheet


def _painted(thumbnail: bytes | None, maps: Maps, n: int) -> Image.Image:
    """Return a thumbnail with the positive part of its map, in proportion to the map's maximum."""
    width, height = maps.sizes[n]
    scale = _SIDE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture = Image.new("RGB", size, _EMPTY)
    if thumbnail is not None:
        with contextlib.suppress(ValueError):  # a damaged one stays empty
            picture = read_image(thumbnail).resize(size)
    x0, y0, x1, y1 = (round(v * scale) for v in maps.covers[n])
    values = np.maximum(maps[n], 0)
    strength = enlarge(values / max(values.max(), 1e-12), (max(1, x1 - x0), max(1, y1 - y0)))
    heat = Image.fromarray(color_table("inferno", "positive")[np.rint(strength * 255).astype(int)])
    alpha = Image.fromarray(np.rint(255 * OPACITY * strength).astype(np.uint8))
    picture.paste(heat, (x0, y0), alpha)
    return picture
