"""Runs over datasets, written directly in the form that `explain_dataset` writes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gradeclip_widget.dataset.runs.schema import (
    ERRORS,
    FORMAT,
    PAIRS,
    ROW_GROUP,
    RUN,
    errors_schema,
    pairs_schema,
)

_SIDE = 224  # pixels of a picture's side, by default


def row(position: int, patches: int = 49, **values: Any) -> dict[str, Any]:
    """Return a row of a run, with default values for missing columns: a map of zeros, no box."""
    caption = values.get("caption", "a dog")
    words = values.get("words", caption.split())
    side = round(patches**0.5)
    return {
        "id": str(position),
        "position": position,
        "caption": caption,
        "image": f"{position}.png",
        "picture": f"{position:032}",
        "stamp": "",
        "box": None,
        "taken_over": False,
        "words": words,
        "importances": [0.1] * len(words),
        "score": 0.25,
        "map": [0.0] * patches,
        "grid_rows": side,
        "grid_cols": patches // side,
        "width": _SIDE,
        "height": _SIDE,
        "cover": [0, 0, _SIDE, _SIDE],
        "energy": None,
        "box_seen": None,
        "concentration": None,
        "foreign": False,
        "thumbnail": None,
        "method": "grad-eclip",
        "model": "demo",
        "seconds": 0.01,
        **values,
    }


def write_run(
    folder: Path,
    rows: Iterable[Mapping[str, Any]] | pa.Table,
    patches: int | None = 49,
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    part: int = 1000,
    **record: Any,
) -> Path:
    """Write a run and return its folder.

    Args:
        folder: does not exist yet.
        rows: some values of each row; `row` adds the others. Or a table with all columns of a run.
        patches: number of patches of every map; ``None`` for maps that differ in size.
        errors: rows of the pairs that failed, with all their columns.
        part: number of rows in a part.
        **record: entries of ``run.json``.
    """
    if not isinstance(rows, pa.Table):
        schema = pairs_schema(patches)
        whole = [
            row(**({"position": n, "patches": patches or 49} | dict(values)))
            for n, values in enumerate(rows)
        ]
        rows = pa.table({name: [one[name] for one in whole] for name in schema.names}, schema)
    for name in (PAIRS, ERRORS):
        (folder / name).mkdir(parents=True)
    failed = pa.Table.from_pylist([{"traceback": "", **one} for one in errors], errors_schema())
    for number, start in enumerate(range(0, max(len(rows), 1), part)):  # one part without rows
        name = f"part-{number:06}.parquet"
        pq.write_table(failed if not number else failed[:0], folder / ERRORS / name)
        pq.write_table(rows[start : start + part], folder / PAIRS / name, row_group_size=ROW_GROUP)
    content = {
        "format": FORMAT,
        "version": "0",
        "model": {"name": "demo"},
        "method": {"name": "grad-eclip", "label": "grad-eclip", "options": {}},
        "rows_per_part": part,
        "settings": {},
        "source": {"kind": "table"},
        **record,
    }
    (folder / RUN).write_text(json.dumps(content))
    return folder
