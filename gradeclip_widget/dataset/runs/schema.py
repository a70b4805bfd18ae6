"""The tables of a run: their columns and types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1  # version of the folder's format
PAIRS, ERRORS, BEFORE, RUN = "pairs", "errors", "before", "run.json"
ROW_GROUP = 256  # rows that a gallery reads at once: few, so that a jump to any row is quick
THUMBNAIL = 128  # pixels of a thumbnail's long side


def pairs_schema(patches: int | None) -> pa.Schema:
    """Return the columns of explained pairs.

    Args:
        patches: number of patches of every map; ``None`` if pictures keep their aspect ratio, so that maps
            differ in size.
    """
    import pyarrow as pa

    f32 = pa.float32()
    cover = pa.list_(f32, 4)  # x0, y0, x1, y1
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("position", pa.int64(), nullable=False),  # in the source, from 0
            pa.field("caption", pa.string(), nullable=False),
            pa.field("image", pa.string(), nullable=False),  # path of the picture, or shard and key
            pa.field("picture", pa.string(), nullable=False),  # digest of its pixels
            pa.field(
                "stamp", pa.string(), nullable=False
            ),  # changes when its file does; see `stamp_of`
            pa.field("box", pa.list_(pa.float64())),  # x0, y0, x1, y1 of the pair, in pixels
            pa.field("taken_over", pa.bool_(), nullable=False),  # from an earlier start of the run
            pa.field("words", pa.list_(pa.string()), nullable=False),
            # Of each word, in units of the score; null for a word that the model did not read.
            pa.field("importances", pa.list_(f32)),
            pa.field("score", pa.float64(), nullable=False),  # cosine similarity
            # The whole caption's raw map, signed, row by row.
            pa.field("map", pa.list_(f32, -1 if patches is None else patches), nullable=False),
            pa.field("grid_rows", pa.int16(), nullable=False),
            pa.field("grid_cols", pa.int16(), nullable=False),
            pa.field("width", pa.int32(), nullable=False),  # of the picture, in pixels
            pa.field("height", pa.int32(), nullable=False),
            pa.field("cover", cover, nullable=False),  # the part of the picture that the map covers
            # Share of the positive map inside the pair's box; null if the model did not see the box.
            pa.field("energy", f32),
            pa.field("box_seen", f32),  # share of the box that the model saw
            pa.field("concentration", f32),  # share of the positive map in its strongest tenth
            pa.field("foreign", pa.bool_()),  # whether the picture is unlike the training pictures
            pa.field("thumbnail", pa.binary()),  # JPEG
            pa.field("method", pa.string(), nullable=False),
            pa.field("model", pa.string(), nullable=False),
            pa.field("seconds", f32, nullable=False),
        ]
    )


def errors_schema() -> pa.Schema:
    """Return the columns of pairs that could not be explained."""
    import pyarrow as pa

    text = ("id", "caption", "image", "stage", "error", "reason", "traceback")
    fields = [pa.field(name, pa.string(), nullable=False) for name in text]
    return pa.schema([fields[0], pa.field("position", pa.int64(), nullable=False), *fields[1:]])
