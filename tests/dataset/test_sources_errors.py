"""Errors of wrong sources, and the pairs that damaged sources still give."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

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


class Wrong(NamedTuple):
    """A source that raises an error, and a pattern in its message."""

    make: Callable[[Path], Any]
    error: type[Exception]
    message: str
    options: dict[str, Any] = {}  # noqa: RUF012  # never changed


def write(name: str, data: bytes = b"") -> Callable[[Path], Path]:
    """Return a function that writes a file to a folder."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def parquet(**columns: list[Any]) -> Callable[[Path], Path]:
    """Return a function that writes a Parquet table to a folder."""

    def make(folder: Path) -> Path:
        pq.write_table(pa.table(columns), folder / "t.parquet")
        return folder / "t.parquet"

    return make


def several_tables(folder: Path) -> Path:
    table(folder, "a.csv")
    table(folder, "b.csv")
    return folder


def different_parts(folder: Path) -> Path:
    pq.write_table(pa.table({"image": ["a"], "text": ["a"]}), folder / "a.parquet")
    pq.write_table(pa.table({"image": ["a"]}), folder / "b.parquet")
    return folder / "*.parquet"


def dataset(**columns: list[Any]) -> Any:
    return datasets.Dataset.from_dict(columns or {"image": ["a"], "text": ["a"]})


WRONG = {
    "a path that does not exist": Wrong(
        lambda p: table(p, "photos.csv").with_name("photo.csv"),
        FileNotFoundError,
        r"photo\.csv.*photos\.csv",
    ),
    "an unknown file": Wrong(write("a.zip"), ValueError, r"a\.zip.*folder of pictures"),
    "an unknown type": Wrong(lambda p: 7, TypeError, "source=7.*folder of pictures"),
    "an unknown address": Wrong(
        lambda p: "ftp://b/a.tar", ValueError, r"ftp://b/a\.tar.*s3, .*download"
    ),
    "an empty folder": Wrong(lambda p: p, ValueError, "data.*empty"),
    "a folder without captions": Wrong(
        lambda p: write("a.png", png(1))(p).parent, ValueError, "1 pictures and no captions"
    ),
    "several tables": Wrong(several_tables, ValueError, r"2 tables.*a\.csv"),
    "no column of pictures": Wrong(
        lambda p: table(p, photo=["a.png"], caption=["a dog"]),
        ValueError,
        "pictures.*'photo', 'caption'.*image_column=",
    ),
    "no column of captions": Wrong(
        lambda p: table(p, image=["a.png"], words=["a dog"]),
        ValueError,
        "captions.*'image', 'words'.*caption_column=",
    ),
    "no column of that name": Wrong(
        table, ValueError, "'captoin'.*'caption'", {"caption_column": "captoin"}
    ),
    "no rows": Wrong(lambda p: table(p, image=[], caption=[]), ValueError, "no rows"),
    "an empty table": Wrong(write("t.csv"), ValueError, r"t\.csv.*empty"),
    "names of columns in Latin-1": Wrong(
        write("t.csv", b"image,l\xe9gende\na,b\n"), ValueError, r"t\.csv.*UTF-8"
    ),
    "no JSON": Wrong(write("t.jsonl", b"dog\n"), ValueError, r"t\.jsonl.*Expecting value"),
    "no Parquet": Wrong(write("t.parquet", b"dog"), ValueError, r"t\.parquet.*ArrowInvalid"),
    "captions are numbers": Wrong(
        parquet(image=["a"], text=[1]), ValueError, "'text'.*int64.*caption_column="
    ),
    "pictures are numbers": Wrong(
        parquet(image=[1], text=["a"]), ValueError, "'image'.*int64.*image_column="
    ),
    "parts with different columns": Wrong(different_parts, ValueError, r"b\.parquet.*'text'"),
    "several files of a kind that cannot be joined": Wrong(
        lambda p: several_tables(p) / "*.csv", ValueError, r"2 files.*\.parquet"
    ),
    "a folder of pictures that does not exist": Wrong(
        table, FileNotFoundError, "images='/nowhere'", {"images": "/nowhere"}
    ),
    "an option of another kind of source": Wrong(
        table, ValueError, "split='test'.*image_column", {"split": "test"}
    ),
    "missing shards": Wrong(
        lambda p: shard(p / "s-0.tar", 1).with_name("s-{0..2}.tar"),
        FileNotFoundError,
        r"s-1\.tar, s-2\.tar",
    ),
    "shards without captions": Wrong(
        lambda p: shard(p / "s.tar", 2, png=b"x", cls=b"1", json=b'{"label": 3}'),
        ValueError,
        r"\.cls, \.json, \.png.*'label'.*caption_column=",
    ),
    "shards without pictures": Wrong(
        lambda p: shard(p / "s.tar", 2, npy=b"x", txt=b"1"),
        ValueError,
        r"\.npy, \.txt.*image_column=",
    ),
    "shards without that caption": Wrong(
        lambda p: shard(p / "s.tar", 2), ValueError, "'title'", {"caption_column": "title"}
    ),
    "an empty shard": Wrong(lambda p: shard(p / "s.tar", 0), ValueError, r"no samples.*s\.tar"),
    "a file that is not a tar file": Wrong(
        write("s.tar", b"dog" * 999), ValueError, r"s\.tar.*ReadError"
    ),
    "several splits": Wrong(
        lambda p: datasets.DatasetDict(a=dataset(), b=dataset()), ValueError, "'a', 'b'.*split="
    ),
    "no such split": Wrong(
        lambda p: datasets.DatasetDict(a=dataset()), ValueError, "'b'.*'a'", {"split": "b"}
    ),
    "a split of a single split": Wrong(
        lambda p: dataset(), ValueError, "split='b'", {"split": "b"}
    ),
    "a streamed dataset": Wrong(
        lambda p: dataset().to_iterable_dataset(), TypeError, "streaming=True"
    ),
    "a dataset without rows": Wrong(lambda p: dataset().select([]), ValueError, "no rows"),
    "a damaged dataset": Wrong(
        lambda p: write("state.json", b"{}")(p).parent, ValueError, "data' cannot be loaded"
    ),
    "an empty list": Wrong(lambda p: [], ValueError, "empty"),
    "a list of paths": Wrong(lambda p: ["a.png"], TypeError, r"'a\.png'.*\(image, caption\)"),
    "dicts with other keys": Wrong(
        lambda p: [{"image": "a", "words": "a dog"}], ValueError, "captions.*'image', 'words'"
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_sources_raise_an_error_with_the_value(name: str, tmp_path: Path) -> None:
    wrong = WRONG[name]
    folder = tmp_path / "data"
    folder.mkdir()
    with pytest.raises(wrong.error, match=wrong.message):
        open_source(wrong.make(folder), **wrong.options)


def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=r"'hf:nobody/nothing'.*save_to_disk\("):
        open_source("hf:nobody/nothing")


@pytest.mark.parametrize(
    ("module", "source", "library"),
    [
        ("pyarrow.parquet", "t.parquet", "pyarrow"),
        ("braceexpand", "s-{0..2}.tar", "braceexpand"),
        ("datasets", "hf:nobody/nothing", "datasets"),
    ],
)
def test_a_missing_library_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, source: str, library: str
) -> None:
    parquet(image=["a"], text=["a"])(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError, match=rf"need {library}.*\[dataset\]"):
        open_source(source if source.startswith("hf:") else tmp_path / source)


def test_text_tables_shards_and_lists_need_no_extra(tmp_path: Path) -> None:
    """In a new interpreter, in which no other module has imported the libraries of the extra."""
    sources = [str(table(tmp_path)), str(shard(tmp_path / "s.tar", 1)), [("a.png", "a")]]
    code = (
        "import sys\n"
        "for name in ('pyarrow', 'datasets', 'duckdb', 'pandas'): sys.modules[name] = None\n"
        "from gradeclip_widget.dataset.sources import open_source\n"
        f"for source in {sources!r}: print(len(list(open_source(source).pairs())))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["1", "1", "1"], run.stderr


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
    first, second, *others = outcomes(path)
    assert first == "a dog"
    assert second.startswith("its line cannot be read: Expecting property name")
    assert others == [
        "its line is not a JSON object: '[1]'",
        "its caption is not text but int: 5",
        "its picture is not a path but list: ['a']",
        "it has no picture",
        "b",
        "it has no caption",
        "its caption is not text but int: 5",
    ]


def test_items_of_a_list_fail_alone() -> None:
    items = [("a.png", "a dog"), 5, {"image": "a"}, ("b.png", 7), (None, "b"), ("c.png", "")]
    first, second, third, *others = outcomes(items)
    assert first == "a dog"
    assert second.startswith("item 1 is 5: give (image, caption)")
    assert third.startswith("item 2 is a dict")
    assert others == [
        "its caption is not text but int: 7",
        "it has no picture",
        "it has no caption",
    ]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_fifth_of_the_rows_fails(tmp_path: Path, suffix: str) -> None:
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


def damage(path: Path, at: int | None = None, cut: int | None = None) -> None:
    """Overwrite 64 bytes of a file, or cut it."""
    data = bytearray(path.read_bytes())
    if at is not None:
        data[at : at + 64] = b"\xff" * 64
    path.write_bytes(data[:cut])


@pytest.mark.parametrize(
    ("where", "good", "reason"),
    [
        ({"cut": 5 * 4 * 512 + 530}, 5, "cut short within '005"),  # within a picture
        ({"cut": 5 * 4 * 512 + 100}, 5, "damaged at byte 10240|cannot be read on"),  # in a header
        ({"cut": 5 * 4 * 512 + 1100}, 5, "damaged|cannot be read on"),  # before the text
        ({"cut": 4 * 512}, 1, ""),  # after a sample: the rest is not missed
        ({"at": 5 * 4 * 512}, 5, "damaged at byte 10240"),
        ({"cut": 0}, 0, "empty"),
        ({"cut": 100}, 0, "ReadError"),
    ],
)
def test_a_damaged_shard_loses_only_its_rest(
    tmp_path: Path, where: dict[str, int], good: int, reason: str
) -> None:
    for n in range(3):
        shard(tmp_path / f"s-{n}.tar", 10)
    damage(tmp_path / "s-1.tar", **where)
    source = open_source(tmp_path)
    pairs = list(source.pairs())
    failed = [p for p in pairs if isinstance(p, FailedPair)]
    samples = [[f"s-{s}/{n:03}" for n in range(10)] for s in range(3)]
    expected = [*samples[0], *samples[1][:good], *samples[2]]
    assert [p.id for p in pairs if isinstance(p, Pair)] == expected
    assert len(failed) == bool(reason)
    for pair in failed:
        assert (pair.stage, pair.position, pair.id) == ("source", 10 + good, "s-1")
        assert re.search(rf"s-1\.tar' is lost: .*({reason})", pair.reason)
    assert source.count() == len(pairs)
    assert [p.position for p in source.pairs(9, 22)] == list(range(9, min(22, len(pairs))))


def test_a_removed_shard_fails_once(tmp_path: Path) -> None:
    for n in range(3):
        shard(tmp_path / f"s-{n}.tar", 2)
    source = open_source(tmp_path)
    (tmp_path / "s-1.tar").unlink()
    failed = [p for p in source.pairs() if isinstance(p, FailedPair)]
    assert [(p.position, p.place) for p in failed] == [(2, str(tmp_path / "s-1.tar"))]
    assert "FileNotFoundError" in failed[0].reason


def test_a_damaged_first_shard_does_not_prevent_opening(tmp_path: Path) -> None:
    for n in range(2):
        shard(tmp_path / f"s-{n}.tar", 2)
    (tmp_path / "s-0.tar").write_bytes(b"not a tar file")
    assert len(list(open_source(tmp_path).pairs())) == 3


def test_samples_of_a_shard_fail_alone(tmp_path: Path) -> None:
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
    damage(path, at=column.data_page_offset + 40)
    pairs = list(open_source(path).pairs())
    assert [p.position for p in pairs] == list(range(900))
    failed = [p for p in pairs if isinstance(p, FailedPair)]
    assert [p.position for p in failed] == list(range(300, 600))
    assert "row 300" in failed[0].reason
    assert [p.position for p in open_source(path).pairs(450, 650)] == list(range(450, 650))


def test_a_large_parquet_file_is_read_only_from_the_position(
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


def test_a_table_beside_the_folder_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.png").write_bytes(png(1))
    for path in ("a.png", "photos/a.png"):  # relative to the folder, or to the table
        table(tmp_path, "captions.csv", image=[path], caption=["a dog"])
        (pair,) = open_source(folder).pairs()
        assert pair.place == str(folder / "a.png")


def test_paths_are_relative_to_the_table_or_to_a_folder(tmp_path: Path) -> None:
    rows = ["a.png", "/abs/b.png", "https://example.org/c.png"]
    path = table(tmp_path, image=rows, caption=["a dog"] * 3)
    (tmp_path / "in").mkdir()
    for folder, options in ((tmp_path, {}), (tmp_path / "in", {"images": tmp_path / "in"})):
        places = [pair.place for pair in open_source(path, **options).pairs()]
        assert places == [str(folder / "a.png"), *rows[1:]]


def test_pictures_without_a_text_fail_alone(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "in/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(png(1))
    (tmp_path / "a.txt").write_text("a\n dog\n")
    (tmp_path / "in" / "c.txt").write_bytes(b"caf\xe9")
    first, second, third = outcomes(tmp_path)
    assert first == "a dog"
    assert second == f"it has no caption: {str(tmp_path / 'b.txt')!r} does not exist"
    assert "c.txt' cannot be read: UnicodeDecodeError" in third
    assert [p.id for p in open_source(tmp_path).pairs()] == ["a", "b", "in/c"]
