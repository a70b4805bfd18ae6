"""Runs to browse: thousands of generated pairs, quickly."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw

from gradeclip_widget.dataset.runs.schema import pairs_schema

from ..dataset.stored_run import write_run

SIDES = 14, 14  # patches
SIZE = 640, 480  # pixels of every picture
COVER = 80.0, 0.0, 560.0, 480.0  # the middle, to which a model crops the picture
THINGS = "dog cat boat kite clock horse bench bird train vase".split()
COLORS = "red green blue orange purple teal pink brown white yellow".split()
RECORD: dict[str, Any] = {
    "model": {
        "name": "demo",
        "weights": "",
        "load": {"name": "demo", "pretrained": None, "dtype": None},
    },
    "method": {"name": "grad-eclip", "label": "Grad-ECLIP", "options": {}},
    "settings": {"fit": "crop", "resolution": None, "image_layers": 1},
    "importances": True,
    "thumbnails": True,
    "source": {"kind": "list", "source": None},
}


def write_pairs(folder: Path, count: int, *, seed: int = 0, **more: Any) -> Path:
    """Write a run of ``count`` pairs and return its folder. ``more`` is as in `write_run`.

    The id of pair N is ``pair-N``. Its caption names a thing in a color, its picture shows it, and its map is
    positive there.
    """
    part = pairs(count, seed=seed)
    return write_run(folder, part, SIDES[0] * SIDES[1], **(RECORD | more))


def pairs(count: int, *, seed: int = 0) -> pa.Table:
    """Return a table of pairs; the seed changes their scores and maps only."""
    dice = np.random.default_rng(seed)
    position = np.arange(count)
    thing, color, place = position % 10, position // 10 % 10, position // 100 % 9
    words = [
        ["a", COLORS[c], THINGS[t], "number", str(n)]
        for t, c, n in zip(thing, color, position, strict=True)
    ]
    maps = _maps()[place] * dice.uniform(0.2, 1, (count, 1)).astype(np.float32)
    maps += dice.normal(0, 0.001, maps.shape).astype(np.float32)
    importances = dice.normal(0, 0.004, (count, 5)).astype(np.float32)
    importances[:, 2] = 0.1
    importances[:, 1] = np.where(
        position % 3, 0.06, 0.0
    )  # a third of the colors have no importance
    thumbnails = [_thumbnail(t, c, p) for t, c, p in zip(thing, color, place, strict=True)]
    columns = {
        "id": [f"pair-{n}" for n in position],
        "position": position,
        "caption": [" ".join(w) for w in words],
        "image": [f"/nowhere/{n}.jpg" for n in position],
        "picture": [f"{n:032}" for n in position],
        "stamp": [""] * count,
        "box": pa.nulls(count, pa.list_(pa.float64())),
        "taken_over": [False] * count,
        "words": words,
        "importances": _lists(importances),
        "score": dice.normal(0.25, 0.05, count).astype(np.float32),
        "map": pa.FixedSizeListArray.from_arrays(pa.array(maps.ravel()), maps.shape[1]),
        "cover": pa.FixedSizeListArray.from_arrays(
            pa.array(np.tile(np.array(COVER, np.float32), count)), 4
        ),
        "energy": pa.nulls(count, pa.float32()),
        "box_seen": pa.nulls(count, pa.float32()),
        "concentration": dice.uniform(0.1, 0.9, count).astype(np.float32),
        "foreign": [False] * count,
        "thumbnail": thumbnails,
        "method": ["grad-eclip"] * count,
        "model": ["demo"] * count,
        "seconds": np.full(count, 0.02, np.float32),
    }
    for name, value in zip(
        ("grid_rows", "grid_cols", "width", "height"), (*SIDES, *SIZE), strict=True
    ):
        columns[name] = np.full(count, value, np.int16 if name.startswith("grid") else np.int32)
    schema = pairs_schema(maps.shape[1])
    return pa.table({name: columns[name] for name in schema.names}, schema)


@cache
def _maps() -> Any:
    """Return a map (196,) for each of nine places."""
    rows, cols = np.mgrid[: SIDES[0], : SIDES[1]]
    maps = [
        np.exp(-((rows - 3 - 4 * (p // 3)) ** 2 + (cols - 3 - 4 * (p % 3)) ** 2) / 6)
        for p in range(9)
    ]
    return np.stack(maps).reshape(9, -1).astype(np.float32)


@cache
def _thumbnail(thing: int, color: int, place: int) -> bytes:
    """Return a picture of a thing in a color at a place, 128 pixels wide, as noisy as a photograph."""
    dice = np.random.default_rng([thing, color, place])
    grain = dice.normal(0, 1, (24, 32, 1)) * 26 + dice.uniform(60, 190, 3)
    image = Image.fromarray(np.uint8(np.clip(grain, 0, 255))).resize(
        (128, 96), Image.Resampling.BICUBIC
    )
    x, y = 16 + (3.5 + 4 * (place % 3)) * 96 / 14, (3.5 + 4 * (place // 3)) * 96 / 14
    draw, size = ImageDraw.Draw(image), 9 + thing
    corners = [
        (x + size * np.cos(a), y + size * np.sin(a))
        for a in np.linspace(0, 2 * np.pi, 3 + thing, endpoint=False)
    ]
    draw.polygon(corners, fill=COLORS[color])
    with io.BytesIO() as file:
        image.save(file, "JPEG" if thing % 2 else "WEBP", quality=80)  # a run may have either
        return file.getvalue()


def _lists(values: Any) -> pa.ListArray:
    count, each = values.shape
    return pa.ListArray.from_arrays(np.arange(count + 1, dtype=np.int32) * each, values.ravel())
