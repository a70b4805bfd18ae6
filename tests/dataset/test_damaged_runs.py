"""Damaged folders of runs: every reader gives the rows or one kind of error, which names the file."""

from __future__ import annotations

import contextlib
import json
import math
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gradeclip_widget as gw
from gradeclip_widget.core.errors import UnreadableFileError
from gradeclip_widget.dataset.runs.dataset_run import Comparison
from gradeclip_widget.dataset.runs.reader import MAP_COLUMNS

from .stored_run import write_run

FAILURE = {
    "id": "9",
    "position": 9,
    "caption": "a cat",
    "image": "9.png",
    "stage": "picture",
    "error": "ValueError",
    "reason": "it is damaged",
}
PART = "pairs/part-000001.parquet"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    rows = [{"caption": f"a dog and {n} cars", "map": [n % 3 - 1.0] * 4} for n in range(6)]
    return write_run(folder, rows, 4, errors=[FAILURE], part=3)


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


ALL = frozenset(("open_run", "to_frame", "table", "rows", "word_statistics", "disagreements"))
READERS: dict[str, Callable[[Path, Path], Any]] = {
    "open_run": lambda run, _: gw.open_run(run).explained,
    "errors": lambda run, _: gw.open_run(run).errors,
    "account": lambda run, _: gw.open_run(run).account.lines,
    "to_frame": lambda run, _: gw.open_run(run).to_frame(),
    "table": lambda run, _: gw.open_run(run).table.measures(),
    "rows": lambda run, _: gw.open_run(run).reader(MAP_COLUMNS).take(np.arange(6)),
    "word_statistics": lambda run, _: gw.word_statistics(run),
    "disagreements": lambda run, whole: Comparison.of(
        gw.open_run(whole), gw.open_run(run)
    ).disagreements(),
}


def outcomes(run: Path, whole: Path) -> dict[str, str]:
    """Return each reader's error; no reader raises another kind, and no message has SQL in it."""
    errors = {}
    for name, read in READERS.items():
        with contextlib.suppress(UnreadableFileError):
            read(run, whole)
            continue
        with pytest.raises(UnreadableFileError) as caught:
            read(run, whole)
        errors[name] = str(caught.value)
        assert str(run) in errors[name]
        assert not re.search(r"SELECT|read_parquet", errors[name])
    return errors


def test_a_whole_run_is_read_by_all(run: Path, whole: Path) -> None:
    assert outcomes(run, whole) == {}


def other_column(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.set_column(4, "picture", pa.array(range(len(table)))), path)


def fewer_columns(path: Path) -> None:
    pq.write_table(pq.read_table(path).drop_columns(["caption"]), path)


def other_maps(path: Path) -> None:
    table = pq.read_table(path)
    at = table.schema.get_field_index("grid_rows")
    rows = pa.array([200] * len(table), pa.int16())
    pq.write_table(table.set_column(at, table.schema.field(at), rows), path)


def maps_of_nan(path: Path) -> None:
    table = pq.read_table(path)
    at = table.schema.get_field_index("map")
    field = table.schema.field(at)
    maps = pa.array([[math.nan] * 4] * len(table), field.type)
    pq.write_table(table.set_column(at, field, maps), path)


def far_covers(path: Path) -> None:
    table = pq.read_table(path)
    at = table.schema.get_field_index("cover")
    field = table.schema.field(at)
    covers = pa.array([[0, 0, 1e30, 1e30]] * len(table), field.type)
    pq.write_table(table.set_column(at, field, covers), path)


def one_large_group(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table] * 30_000), path, row_group_size=10**6)


@pytest.mark.parametrize(
    ("damage", "readers"),
    [
        (lambda path: path.write_bytes(b""), ALL),
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), ALL),
        (lambda path: path.write_text("id,caption\n1,a dog"), ALL),
        (other_column, ALL - {"word_statistics"}),
        (fewer_columns, ALL - {"word_statistics"}),
        (one_large_group, ALL - {"word_statistics"}),
        (other_maps, frozenset(("rows", "disagreements"))),
        (maps_of_nan, frozenset(("rows", "disagreements"))),
        (far_covers, frozenset(("rows", "disagreements"))),
    ],
)  # fmt: skip
def test_the_damaged_file_is_named(
    run: Path, whole: Path, damage: Callable[[Path], Any], readers: frozenset[str]
) -> None:
    damage(run / PART)
    errors = outcomes(run, whole)
    assert readers <= set(errors)
    assert all(PART.rpartition("/")[2] in text for text in errors.values())


def test_damaged_errors_are_named(run: Path, whole: Path) -> None:
    (run / "errors" / "part-000000.parquet").write_bytes(b"PAR1")
    errors = outcomes(run, whole)
    assert {"errors", "account"} <= set(errors)
    assert "errors/part-000000.parquet" in errors["errors"]


def test_a_score_that_is_no_number_is_named(run: Path) -> None:
    table = pq.read_table(run / PART)
    at = table.schema.get_field_index("score")
    scores = pa.array([math.nan] * len(table))
    pq.write_table(table.set_column(at, table.schema.field(at), scores), run / PART)
    with pytest.raises(UnreadableFileError, match="no finite score for '3'"):
        gw.open_run(run).table  # noqa: B018


@pytest.mark.parametrize(
    "change",
    [
        {"format": "one"},
        {"format": None},
        {"format": 10**400},
        {"model": "demo"},
        {"model": {"name": 3}},
        {"method": []},
        {"settings": None},
        {"rows_per_part": -1},
        {"rows_per_part": "many"},
        {"source": []},
        {"account": {}},
        {"account": 3},
    ],
)
def test_a_record_of_other_types_is_damaged(run: Path, change: dict[str, Any]) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | change))
    with pytest.raises(UnreadableFileError, match=r"run\.json"):
        gw.open_run(run)


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "[" * 100_000, '{"format": NaN}', "\xff"])
def test_a_record_that_is_no_object_is_damaged(run: Path, text: str) -> None:
    (run / "run.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UnreadableFileError, match=r"run\.json"):
        gw.open_run(run)


def test_wrong_bytes_are_read_or_raise_the_error_of_files(run: Path, whole: Path) -> None:
    rng = random.Random(3)
    files = [path.relative_to(whole) for path in whole.rglob("*") if path.is_file()]
    for _ in range(15):
        name = rng.choice(files)
        content = bytearray((whole / name).read_bytes())
        for _ in range(rng.randint(1, 4)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        if rng.random() < 0.2:
            del content[rng.randrange(len(content)) :]
        (run / name).write_bytes(content)
        outcomes(run, whole)
        (run / name).write_bytes((whole / name).read_bytes())
