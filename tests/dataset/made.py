"""Runs over data sets, written by hand as `explain_dataset` writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gradeclip_widget.dataset.schema import (
    ERRORS,
    FORMAT,
    PAIRS,
    ROW_GROUP,
    RUN,
    errors_schema,
    pairs_schema,
)

_SIDE = 224  # pixels of the pictures that rows are of unless they say otherwise


def row(position: int, patches: int = 49, **given: Any) -> dict[str, Any]:
    """Return a row of a run; what is not given is plain: a map of zeros, one word a space, no box."""
    caption = given.get("caption", "a dog")
    words = given.get("words", caption.split())
    side = round(patches**0.5)
    return {
        "id": str(position),
        "position": position,
        "caption": caption,
        "image": f"{position}.png",
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
        "concentration": None,
        "foreign": False,
        "thumbnail": None,
        "method": "grad-eclip",
        "model": "demo",
        "seconds": 0.01,
        **given,
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
        folder: where to.
        rows: what is known of each; the rest as in `row`. Or a whole table with the columns of a run.
        patches: in every map; ``None`` for maps that differ in size.
        errors: rows of the pairs that failed, with all their columns.
        part: rows in a part.
        **record: of ``run.json``, beside the format.
    """
    if not isinstance(rows, pa.Table):
        schema = pairs_schema(patches)
        made = [row(**({"position": n} | dict(given))) for n, given in enumerate(rows)]
        rows = pa.table({name: [one[name] for one in made] for name in schema.names}, schema)
    for name in (PAIRS, ERRORS):
        (folder / name).mkdir(parents=True)
    failed = pa.Table.from_pylist(list(errors), errors_schema())
    for number, start in enumerate(range(0, max(len(rows), 1), part)):
        name = f"part-{number:06}.parquet"
        pq.write_table(failed if not number else failed[:0], folder / ERRORS / name)
        pq.write_table(rows[start : start + part], folder / PAIRS / name, row_group_size=ROW_GROUP)
    content = {
        "format": FORMAT,
        "version": "0",
        "model": {"name": "demo"},
        "method": {"name": "grad-eclip", "label": "grad-eclip", "options": {}},
        "rows_per_part": part,
        "source": {"kind": "table"},
        **record,
    }
    (folder / RUN).write_text(json.dumps(content))
    return folder
