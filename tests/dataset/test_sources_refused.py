"""What sources refuse with which sentence, and what damaged ones still give."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gradeclip_widget.dataset.pairs import FailedPair, Pair
from gradeclip_widget.dataset.sources import open_source
from gradeclip_widget.dataset.sources.parquet import ParquetTable

from .test_sources import add, png


def table(folder: Path, name: str = "t.csv", **columns: list[Any]) -> Path:
    columns = columns or {"image": ["a.png"], "caption": ["a dog"]}
    pd.DataFrame(columns).to_csv(folder / name, index=False)
    return folder / name


def shard(path: Path, count: int, **suffixes: bytes) -> Path:
    with tarfile.open(path, "w") as tar:
        for n in range(count):
            for suffix, data in (suffixes or {"png": png(n), "txt": b"a dog"}).items():
                add(tar, f"{n:03}.{suffix}", data)
    return path


REFUSED: dict[str, tuple[Callable[[Path], Any], dict[str, Any], type[Exception], str]] = {
    "nothing there": (
        lambda p: (table(p, "photos.csv"), p / "photo.csv")[1],
        {},
        FileNotFoundError,
        r"no '.*photo\.csv'; did you mean 'photos\.csv'\?; a source is a folder",
    ),
    "unknown file": (
        lambda p: ((p / "a.zip").write_bytes(b""), p / "a.zip")[1],
        {},
        ValueError,
        r"a\.zip' is none of the files that hold pairs: a source is",
    ),
    "unknown kind": (lambda p: 7, {}, TypeError, "source=7 is int, but a source is a folder"),
    "web address": (lambda p: "s3://b/a.tar", {}, ValueError, "web address: download it"),
    "empty folder": (
        lambda p: ((p / "in").mkdir(), p / "in")[1],
        {},
        ValueError,
        "the folder '.*in' is empty",
    ),
    "no captions": (
        lambda p: ((p / "a.png").write_bytes(png(1)), p)[1],
        {},
        ValueError,
        r"has 1 pictures and no captions: neither a table .* nor texts such as dog\.txt",
    ),
    "several tables": (
        lambda p: (table(p, "a.csv"), table(p, "b.csv"), p)[2],
        {},
        ValueError,
        r"has 2 tables \(a\.csv, b\.csv\); name one: '.*a\.csv'",
    ),
    "no column of pictures": (
        lambda p: table(p, photo=["a.png"], caption=["a dog"]),
        {},
        ValueError,
        r"no column of pictures: call it 'image'; it has 'photo', 'caption', one of which image_column=",
    ),
    "no column of captions": (
        lambda p: table(p, image=["a.png"], words=["a dog"]),
        {},
        ValueError,
        r"no column of captions: call it 'caption'; it has 'image', 'words', one of which caption_col",
    ),
    "no column of that name": (
        table,
        {"caption_column": "captoin"},
        ValueError,
        r"caption_column='captoin': .* has no such column; it has .*; did you mean 'caption'\?",
    ),
    "no rows": (lambda p: table(p, image=[], caption=[]), {}, ValueError, "has no rows"),
    "empty table": (
        lambda p: ((p / "t.csv").write_text(""), p / "t.csv")[1],
        {},
        ValueError,
        "cannot be read: it is empty",
    ),
    "latin-1 names of columns": (
        lambda p: ((p / "t.csv").write_bytes(b"image,l\xe9gende\na,b\n"), p / "t.csv")[1],
        {},
        ValueError,
        "cannot be read: it is not UTF-8; save it as UTF-8",
    ),
    "no JSON": (
        lambda p: ((p / "t.jsonl").write_text("dog\n"), p / "t.jsonl")[1],
        {},
        ValueError,
        "cannot be read: its line cannot be read: Expecting value",
    ),
    "no Parquet": (
        lambda p: ((p / "t.parquet").write_text("dog"), p / "t.parquet")[1],
        {},
        ValueError,
        r"t\.parquet' cannot be read: ArrowInvalid",
    ),
    "captions are numbers": (
        lambda p: (pq.write_table(pa.table({"image": ["a"], "text": [1]}), p / "t.parquet"), p)[1],
        {},
        ValueError,
        r"'text' of '.*t\.parquet' holds int64, neither captions nor lists of them; give the caption_col",
    ),
    "pictures are numbers": (
        lambda p: (pq.write_table(pa.table({"image": [1], "text": ["a"]}), p / "t.parquet"), p)[1],
        {},
        ValueError,
        "'image' of .* holds int64, not paths, bytes or structs",
    ),
    "parts differ": (
        lambda p: (
            pq.write_table(pa.table({"image": ["a"], "text": ["a"]}), p / "a.parquet"),
            pq.write_table(pa.table({"image": ["a"]}), p / "b.parquet"),
            p / "*.parquet",
        )[2],
        {},
        ValueError,
        r"b\.parquet' has no column 'text', but '.*a\.parquet' has",
    ),
    "files of several kinds": (
        lambda p: (table(p, "a.csv"), table(p, "b.csv"), p / "*.csv")[2],
        {},
        ValueError,
        r"is 2 files \(a\.csv, b\.csv\): several are read as one only where",
    ),
    "images are nowhere": (
        table,
        {"images": "/nowhere"},
        FileNotFoundError,
        "images='/nowhere' is not a folder",
    ),
    "an option of another kind": (
        table,
        {"split": "test"},
        ValueError,
        "split='test' says nothing of tables: they take image_column, ",
    ),
    "shards that are missing": (
        lambda p: (shard(p / "s-0.tar", 1), p / "s-{0..2}.tar")[1],
        {},
        FileNotFoundError,
        r"names 3 files, of which 2 are not there: s-1\.tar, s-2\.tar",
    ),
    "shards without captions": (
        lambda p: shard(p / "s.tar", 2, png=b"x", cls=b"1", json=b'{"label": 3}'),
        {},
        ValueError,
        r"have \.cls, \.json, \.png \(the \.json has 'label'\), no captions .* 'caption'; give .* as capt",
    ),
    "shards without pictures": (
        lambda p: shard(p / "s.tar", 2, npy=b"x", txt=b"1"),
        {},
        ValueError,
        r"have \.npy, \.txt, no pictures \.jpg or .*; give their suffix as image_column=",
    ),
    "shards without that caption": (
        lambda p: shard(p / "s.tar", 2),
        {"caption_column": "title"},
        ValueError,
        "nothing that caption_column='title' names",
    ),
    "an empty shard": (
        lambda p: shard(p / "s.tar", 0),
        {},
        ValueError,
        r"no samples in '.*s\.tar'; the last shard, ",
    ),
    "no shard": (
        lambda p: ((p / "s.tar").write_bytes(b"dog" * 999), p)[1],
        {},
        ValueError,
        r"no samples in .*s\.tar': it cannot be read on: ReadError",
    ),
    "splits": (
        lambda p: datasets.DatasetDict(
            {n: datasets.Dataset.from_dict({"image": ["a"], "text": ["a"]}) for n in "ab"}
        ),
        {},
        ValueError,
        "the dataset has the splits 'a', 'b'; give split=",
    ),
    "no such split": (
        lambda p: datasets.DatasetDict({"a": datasets.Dataset.from_dict({"image": ["a"]})}),
        {"split": "b"},
        ValueError,
        "split='b': the dataset has the splits 'a'",
    ),
    "a split of one": (
        lambda p: datasets.Dataset.from_dict({"image": ["a"], "text": ["a"]}),
        {"split": "b"},
        ValueError,
        "split='b': the dataset is one split already",
    ),
    "a streamed dataset": (
        lambda p: datasets.Dataset.from_dict({"image": ["a"]}).to_iterable_dataset(),
        {},
        TypeError,
        "streamed dataset .* load it without streaming=True",
    ),
    "a dataset without rows": (
        lambda p: datasets.Dataset.from_dict({"image": [""], "text": [""]}).select([]),
        {},
        ValueError,
        "the dataset has no rows",
    ),
    "a damaged dataset": (
        lambda p: ((p / "state.json").write_text("{}"), p)[1],
        {},
        ValueError,
        "the dataset in .* cannot be loaded: ",
    ),
    "an empty list": (lambda p: [], {}, ValueError, "the list of pairs is empty"),
    "a list of paths": (
        lambda p: ["a.png"],
        {},
        TypeError,
        r"the first item of the list is 'a\.png': give \(image, caption\), a dict with these, or an obj",
    ),
    "dicts with other keys": (
        lambda p: [{"image": "a", "words": "a dog"}],
        {},
        ValueError,
        "the first dict has no column of captions: call it 'caption'; it has 'image', 'words'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_sources_are_refused_with_the_way_out(name: str, tmp_path: Path) -> None:
    make, options, error, message = REFUSED[name]
    folder = tmp_path / "data"
    folder.mkdir()
    with pytest.raises(error, match=message):
        open_source(make(folder), **options)


def test_a_name_on_a_hub_that_cannot_be_reached_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=r"'hf:nobody/nothing' cannot be loaded .*save_to_disk\("):
        open_source("hf:nobody/nothing")


@pytest.mark.parametrize(
    ("module", "make", "what"),
    [
        ("pyarrow.parquet", lambda p: p / "t.parquet", "Parquet tables need pyarrow"),
        (
            "webdataset.tariterators",
            lambda p: shard(p / "s.tar", 1),
            "shards need webdataset",
        ),
        ("braceexpand", lambda p: p / "s-{0..2}.tar", "in braces need braceexpand"),
        ("datasets", lambda p: "hf:nobody/nothing", "Hugging Face datasets need datasets"),
    ],
)
def test_a_library_that_is_missing_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    make: Callable[[Path], Any],
    what: str,
) -> None:
    pq.write_table(pa.table({"image": ["a"], "text": ["a"]}), tmp_path / "t.parquet")
    source = make(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        ModuleNotFoundError, match=rf"{what}: pip install 'gradeclip-widget\[dataset\]'"
    ):
        open_source(source)


def test_text_tables_and_lists_need_no_extra(tmp_path: Path) -> None:
    """In a fresh interpreter, where nothing else has imported the libraries of the extra."""
    table(tmp_path)
    code = (
        "import sys\n"
        "for name in ('pyarrow', 'datasets', 'webdataset', 'duckdb', 'pandas'): sys.modules[name] = None\n"
        "from gradeclip_widget.dataset.sources import open_source\n"
        f"print(len(list(open_source({str(tmp_path)!r}).pairs())))\n"
        "print(len(list(open_source([('a.png', 'a')]).pairs())))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["1", "1"], run.stderr


def outcomes(source: Any, **options: Any) -> list[str]:
    """Return the caption of every pair, and the reason of every failure."""
    return [
        p.reason if isinstance(p, FailedPair) else p.caption
        for p in open_source(source, **options).pairs()
    ]


def test_rows_of_a_table_fail_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(
        b"image,caption\r\na.png,a dog\r\n\r\n,no picture\r\nb.png\r\nc.png,a cat, asleep\r\n"
        b'd.png,caf\xe9\r\n"e.png","two\nlines"\r\nf.png,x,\r\n'
    )
    assert outcomes(path) == [
        "a dog",
        "it has no picture",
        "it has no caption",
        "it has 3 cells, but the table 2 columns; put quotation marks around a caption with commas",
        "its text is not UTF-8; save the table as UTF-8",
        "two\nlines",
        "x",
    ]


def test_lines_of_json_fail_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    rows = ['{"image": "a", "text": "a dog"}', "{", "[1]", '{"image": "a", "text": 5}']
    rows += [
        '{"image": ["a"], "text": "b"}',
        '{"text": "b"}',
        '{"image": "a", "text": ["b", null, 5]}',
    ]
    path.write_text("\n".join(rows))
    found = outcomes(path)
    assert found[0] == "a dog"
    assert found[1].startswith("its line cannot be read: Expecting property name")
    assert found[2:] == [
        "its line is no JSON object: '[1]'",
        "its caption is not text but int: 5",
        "its picture is not a path but list: ['a']",
        "it has no picture",
        "b",
        "it has no caption",
        "its caption is not text but int: 5",
    ]


def test_items_of_a_list_fail_alone() -> None:
    items = [("a.png", "a dog"), 5, {"image": "a"}, ("b.png", 7), (None, "b"), ("c.png", "")]
    found = outcomes(items)
    assert found[0] == "a dog"
    assert found[1].startswith("item 1 is 5: give (image, caption)")
    assert found[2].startswith("item 2 is a dict, but the first one is not")
    assert found[3:] == [
        "its caption is not text but int: 7",
        "it has no picture",
        "it has no caption",
    ]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_fifth_of_the_rows_may_be_bad(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"image": [f"{n}.png" for n in range(2000)], "caption": "a dog"})
    frame.loc[frame.index % 5 == 2, "caption"] = None
    path = tmp_path / f"t{suffix}"
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    elif suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path, row_group_size=256)
    pairs = list(open_source(path).pairs())
    failed = [p.position for p in pairs if isinstance(p, FailedPair)]
    assert failed == list(range(2, 2000, 5))
    assert len(pairs) == 2000


def damaged(path: Path, at: int | None = None, cut: int | None = None) -> None:
    data = bytearray(path.read_bytes())
    if at is not None:
        data[at : at + 64] = b"\xff" * 64
    path.write_bytes(data[:cut])


@pytest.mark.parametrize(
    ("damage", "kept", "reason"),
    [
        ({"cut": 5 * 4 * 512 + 530}, 5, "it is cut short within '005"),  # within a picture
        (
            {"cut": 5 * 4 * 512 + 100},
            5,
            "damaged at byte 10240|cannot be read on",
        ),  # within a header
        ({"cut": 5 * 4 * 512 + 1100}, 5, "damaged|cannot be read on"),  # between picture and text
        ({"cut": 4 * 512}, 1, ""),  # at the end of a sample, as if the rest had never been
        ({"at": 5 * 4 * 512}, 5, "damaged at byte 10240"),
        ({"cut": 0}, 0, "cannot be read on: ReadError: empty"),
        ({"cut": 100}, 0, "cannot be read on: ReadError"),
    ],
)
def test_a_damaged_shard_loses_only_its_rest(
    tmp_path: Path, damage: dict[str, int], kept: int, reason: str
) -> None:
    for n in range(3):
        shard(tmp_path / f"s-{n}.tar", 10)
    damaged(tmp_path / "s-1.tar", **damage)
    source = open_source(tmp_path)
    pairs = list(source.pairs())
    failed = [p for p in pairs if isinstance(p, FailedPair)]
    good = [p.id for p in pairs if isinstance(p, Pair)]
    whole = [[f"s-{s}/{n:03}" for n in range(10)] for s in range(3)]
    assert good == [*whole[0], *whole[1][:kept], *whole[2]]
    assert len(failed) == bool(reason)
    for one in failed:
        assert (one.stage, one.position, one.id) == ("source", 10 + kept, "s-1")
        assert re.search(rf"the rest of the shard '.*s-1\.tar' is lost: .*({reason})", one.reason)
    assert source.count() == len(pairs)
    assert [p.position for p in source.pairs(9, 22)] == list(range(9, min(22, len(pairs))))


def test_a_shard_that_has_gone_since_fails_once(tmp_path: Path) -> None:
    for n in range(3):
        shard(tmp_path / f"s-{n}.tar", 2)
    source = open_source(tmp_path)
    (tmp_path / "s-1.tar").unlink()
    failed = [p for p in source.pairs() if isinstance(p, FailedPair)]
    assert [(p.position, p.place) for p in failed] == [(2, str(tmp_path / "s-1.tar"))]
    assert "FileNotFoundError" in failed[0].reason


def test_a_first_shard_that_is_damaged_does_not_hide_the_others(tmp_path: Path) -> None:
    for n in range(2):
        shard(tmp_path / f"s-{n}.tar", 2)
    (tmp_path / "s-0.tar").write_bytes(b"no tar at all")
    assert len(list(open_source(tmp_path).pairs())) == 3


def test_a_sample_without_a_picture_says_what_it_has(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        add(tar, "0.png", png(1))
        add(tar, "0.txt", b"a dog")
        add(tar, "1.txt", b"a cat")
        add(tar, "2.png", png(1))
        add(tar, "2.txt", b"caf\xe9")
    assert outcomes(tmp_path / "s.tar") == [
        "a dog",
        "it has no picture, only ['txt']",
        "its text is not UTF-8; save the table as UTF-8",
    ]


def test_a_row_group_that_cannot_be_read_fails_row_by_row(tmp_path: Path) -> None:
    rows = {"image": [f"{n:04}.png" for n in range(900)], "text": ["a dog"] * 900}
    path = tmp_path / "t.parquet"
    pq.write_table(
        pa.table(rows), path, row_group_size=300, compression="zstd", use_dictionary=False
    )
    column = pq.ParquetFile(path).metadata.row_group(1).column(0)
    damaged(path, at=column.data_page_offset + 40)
    pairs = list(open_source(path).pairs())
    assert [p.position for p in pairs] == list(range(900))
    failed = [p for p in pairs if isinstance(p, FailedPair)]
    assert [p.position for p in failed] == list(range(300, 600))
    assert "cannot be read from row 300 on" in failed[0].reason
    assert [p.position for p in open_source(path).pairs(450, 650)] == list(range(450, 650))


def test_of_a_large_parquet_file_only_the_rows_needed_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.parquet"
    schema = pa.schema([("image", pa.string()), ("text", pa.string()), ("rest", pa.int64())])
    with pq.ParquetWriter(path, schema) as writer:
        for group in range(100):
            names = [f"{group}/{n}.png" for n in range(10_000)]
            writer.write_table(pa.table([names, ["a dog"] * 10_000, range(10_000)], schema))
    read: list[tuple[int, list[str]]] = []
    batches = ParquetTable._batches

    def counted(self: ParquetTable, group: Any, columns: list[str]) -> Iterator[Any]:
        for batch in batches(self, group, columns):
            read.append((batch.num_rows, batch.schema.names))
            yield batch

    monkeypatch.setattr(ParquetTable, "_batches", counted)
    source = open_source(path)
    assert source.count() == 1_000_000
    assert read == []
    before = pa.total_allocated_bytes()
    pairs = source.pairs(500_100, 900_000)
    assert [next(pairs).position for _ in range(50)] == list(range(500_100, 500_150))
    assert sum(rows for rows, _ in read) <= 300
    assert read[0][1] == ["image", "text"]
    assert pa.total_allocated_bytes() - before < 5_000_000


def test_captions_beside_the_folder_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.png").write_bytes(png(1))
    for written in ("a.png", "photos/a.png"):  # relative to the folder, or to the table
        table(tmp_path, "captions.csv", image=[written], caption=["a dog"])
        (pair,) = open_source(folder).pairs()
        assert pair.place == str(folder / "a.png")


def test_paths_are_relative_to_the_table_or_to_a_folder_given(tmp_path: Path) -> None:
    rows = ["a.png", "/abs/b.png", "https://example.org/c.png"]
    path = table(tmp_path, image=rows, caption=["a dog"] * 3)
    (tmp_path / "in").mkdir()
    for folder, options in ((tmp_path, {}), (tmp_path / "in", {"images": tmp_path / "in"})):
        places = [pair.place for pair in open_source(path, **options).pairs()]
        assert places == [str(folder / "a.png"), *rows[1:]]


def test_a_picture_without_a_text_beside_it_fails(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "in/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(png(1))
    (tmp_path / "a.txt").write_text("a\n dog\n")
    (tmp_path / "in" / "c.txt").write_bytes(b"caf\xe9")
    found = outcomes(tmp_path)
    assert found[0] == "a dog"
    assert found[1] == f"it has no caption: there is no {str(tmp_path / 'b.txt')!r}"
    assert "c.txt' cannot be read: UnicodeDecodeError" in found[2]
    assert [p.id for p in open_source(tmp_path).pairs()] == ["a", "b", "in/c"]
