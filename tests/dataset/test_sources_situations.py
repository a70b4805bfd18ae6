"""Sources as people have them: repeated ids, lists as text, mixed shards and folders, odd items."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import fsspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
import torch
from PIL import Image

from gradeclip_widget.dataset.pairs import Contents, FailedPair, Pair
from gradeclip_widget.dataset.sources import Source, open_source, reopen
from gradeclip_widget.dataset.sources.base import number_repeats
from gradeclip_widget.dataset.sources.rows import lines_of, parse_list

from .test_sources import add, number_of, png

PICTURE = Image.new("RGB", (4, 4))


def given(source: Any, **options: Any) -> list[tuple[str, str, int | str]]:
    """Return the id, the caption, and the picture's number or the reason of the failure of every pair."""
    return [
        (p.id, p.caption, number_of(p.image) if isinstance(p, Pair) else p.reason)
        for p in open_source(source, **options).pairs()
    ]


def left_out(source: Any, **options: Any) -> dict[str, tuple[int, str]]:
    """Return what a source leaves out: the number and an example for each reason."""
    contents = open_source(source, **options).contents()
    return {one.reason: (one.count, one.example) for one in contents.left_out}


def make(folder: Path, files: Mapping[str, Any]) -> Path:
    """Write files to a folder: pictures of a number, texts and bytes."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(content))
    return folder


def encode(content: int | str | bytes) -> bytes:
    if isinstance(content, int):
        return png(content)
    return content.encode() if isinstance(content, str) else content


def shard(path: Path, *members: tuple[str, int | str | bytes], mode: Any = "w") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, content in members:
            add(tar, name, encode(content))
    return path


# Ids


def test_repeated_ids_get_numbers_that_are_free() -> None:
    ids = ["7", "8", "7", "7#2", "7", "9", "7#2"]
    numbers = number_repeats(lambda: iter(ids))
    assert numbers is not None
    assert numbers.tolist() == [0, 0, 3, 0, 4, 0, 2]
    assert number_repeats(lambda: iter(["a", "b"])) is None


REPEATED = [
    ("7", "a"),
    ("8", ["b", "c"]),
    ("7", "d"),
    ("", "e"),
    ("8", ["f", "g"]),
    ("7#2", "h"),
    ("3", "i"),
]
UNIQUE = ["7", "8#1", "8#2", "7#3", "3", "8#1#2", "8#2#2", "7#2", "3#2"]


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet", "list", "frame", "dataset", "json"])
def test_ids_are_unique_from_any_position_and_in_any_process(name: str, tmp_path: Path) -> None:
    rows = [
        {"id": key, "image": f"{n}.png", "caption": text} for n, (key, text) in enumerate(REPEATED)
    ]
    frame = pd.DataFrame(rows)
    lists = [{**row, "caption": np.atleast_1d(row["caption"]).tolist()} for row in rows]
    expected = UNIQUE
    source: Any = rows
    if name in ("parquet", "dataset"):  # lists in every row
        expected = ["7#1", "8#1", "8#2", "7#1#2", "3#1", "8#1#2", "8#2#2", "7#2#1", "3#1#2"]
        source = datasets.Dataset.from_list(lists)
    if name == "frame":
        source = frame
    elif name == "csv":
        frame.to_csv(source := tmp_path / "t.csv", index=False)
    elif name == "jsonl":
        frame.to_json(source := tmp_path / "t.jsonl", orient="records", lines=True)
    elif name == "json":
        frame.to_json(source := tmp_path / "t.json")
    elif name == "parquet":
        pd.DataFrame(lists).to_parquet(source := tmp_path / "t.parquet", row_group_size=2)
    opened = open_source(source)
    assert [pair.id for pair in opened.pairs()] == expected
    for start in range(len(expected)):
        assert [pair.id for pair in open_source(source).pairs(start, start + 2)] == expected[
            start : start + 2
        ]
    assert [p.id for p in pickle.loads(pickle.dumps(opened)).pairs(3)] == expected[3:]


def test_ids_of_pictures_and_shards_with_one_name_are_unique(tmp_path: Path) -> None:
    folder = make(
        tmp_path / "a", {"0.png": 1, "0.jpg": 2, "0.txt": "x\ny", "0#1.png": 3, "0#1.txt": "z"}
    )
    assert [p.id for p in open_source(folder).pairs()] == ["0#1", "0#1#2", "0#2", "0#1#3", "0#2#2"]
    (tmp_path / "b" / "in").mkdir(parents=True)
    for name in ("b/s.tar", "b/in/s.tar"):
        shard(tmp_path / name, ("0.png", 1), ("0.txt", "x"))
    assert [p.id for p in open_source(tmp_path / "b").pairs()] == ["in/s/0", "s/0"]
    twice = shard(tmp_path / "t.tar", ("0.txt", "x\ny"), ("0.png", 1), ("0.png", 2))
    assert [p.id for p in open_source(twice).pairs()] == ["t/0#1", "t/0#2", "t/0#2#2"]
    keys = [p.id for p in open_source(tmp_path / "b", id_column="__key__").pairs()]
    assert keys == ["0", "0#2"]


# Lists of captions


TEXTS = ['it\'s a "dog"', "a\ncat", "é, [x]", "'q'"]


@pytest.mark.parametrize(
    "text",
    [
        str(TEXTS),
        str(tuple(TEXTS)),
        str(np.array(TEXTS, object)),
        str([np.str_(one) for one in TEXTS]),
        json.dumps(TEXTS),
        json.dumps(TEXTS, ensure_ascii=False),
    ],
)
def test_a_list_written_as_text_is_read_as_one(text: str) -> None:
    assert parse_list(f" {text}\n") == TEXTS


def test_cells_that_only_look_like_lists_stay_or_fail(tmp_path: Path) -> None:
    cells = [
        "[a dog]",
        "(a dog)",
        '["Hello" on a sign]',
        "['a', 'b",
        "['a' 'b' ... 'c']",
        "['a', 5]",
        "[]",
    ]
    frame = pd.DataFrame({"image": "a.png", "caption": cells})
    frame.to_csv(tmp_path / "t.csv", index=False)
    captions = [
        (p.caption, getattr(p, "reason", "")) for p in open_source(tmp_path / "t.csv").pairs()
    ]
    assert captions[:3] == [(cell, "") for cell in cells[:3]]
    assert all(reason.startswith("its caption") and "JSON" in reason for _, reason in captions[3:6])
    assert captions[6] == ("", "it has no caption")
    assert parse_list("[" * 100_000) is None
    assert parse_list("['" + "\\" * 100_001) is None


def test_lists_as_text_in_a_column_of_texts_are_seen_in_its_first_rows(tmp_path: Path) -> None:
    for name, captions in (("first", ["a", "['b', 'c']"]), ("late", ["a"] * 100 + ["['b', 'c']"])):
        path = tmp_path / f"{name}.parquet"
        pd.DataFrame({"image": "a.png", "caption": captions}).to_parquet(path)
        for source in (path, pl.read_parquet(path), datasets.Dataset.from_parquet(str(path))):
            opened = open_source(source)
            pairs = list(opened.pairs())
            assert len(pairs) == opened.count()
            if name == "first":
                assert [p.id for p in pairs] == ["0", "1#1", "1#2"]
            else:
                assert isinstance(pairs[-1], FailedPair)
                assert "list written as text" in pairs[-1].reason


def test_each_line_of_a_text_is_a_caption(tmp_path: Path) -> None:
    assert lines_of("a dog\r\n\r\na cat\u00a0\n") == ["a dog", "a cat"]
    assert lines_of("a dog\n  on grass\n") == "a dog on grass"
    folder = make(
        tmp_path / "a", {"0.png": 1, "0.txt": "a dog\na cat\n", "1.png": 2, "1.txt": "one"}
    )
    assert [p.id for p in open_source(folder).pairs()] == ["0#1", "0#2", "1"]
    assert [p.id for p in open_source(folder).pairs(1)] == ["0#2", "1"]
    assert open_source(folder).contents() == Contents(2, 3)
    path = shard(tmp_path / "s.tar", ("0.png", 1), ("0.txt", "a dog\na cat\n"))
    assert given(path) == [("s/0#1", "a dog", 1), ("s/0#2", "a cat", 1)]


# Shards


TWICE = "two different files"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (
            [("0.png", 0), ("1.png", 1), ("0.txt", "a"), ("1.txt", "b")],
            [("a", 0), ("b", 1)],
        ),  # apart
        ([("0.png", 0), ("0.png", 1), ("0.txt", "b")], [("", TWICE), ("b", 1)]),
        ([("0.png", 0), ("0.txt", "a"), ("0.png", 1)], [("a", 0), ("", TWICE)]),
        ([("0.png", 0), ("0.txt", "a"), ("0.png", 1), ("0.txt", "b")], [("a", 0), ("b", 1)]),
        (
            [("0.png", 0), ("0.png", 1), ("0.txt", "a"), ("0.txt", "b")],
            [("", TWICE), ("a", TWICE), ("b", TWICE)],
        ),
        (  # apart and twice: nothing tells which belong together
            [("0.png", 0), ("x.cls", "1"), ("0.png", 1), ("y.cls", "1"), ("0.txt", "b")],
            [("", TWICE), ("", TWICE), ("b", TWICE), ("", "no picture"), ("", "no picture")],
        ),
        (  # captions come first in this shard
            [
                *(("9.caption", "j"), ("9.png", 9), ("8.caption", "i"), ("8.png", 8)),
                *(("1.png", 0), ("1.caption", "b"), ("1.png", 1)),
            ],
            [("j", 9), ("i", 8), ("", TWICE), ("b", 1)],
        ),
        (
            [("0.png", 0), ("0.txt", "a"), ("0.png", 0), ("0.txt", "a")],
            [("a", 0)],
        ),  # appended again
        ([("0.png", 0), ("0.PNG", 1), ("0.txt", "a")], [("", TWICE), ("a", 1)]),
    ],
)
def test_a_picture_of_a_shard_has_no_other_caption(
    tmp_path: Path, members: list[tuple[str, Any]], expected: list[tuple[str, Any]]
) -> None:
    source = open_source(shard(tmp_path / "s.tar", *members))
    assert len({p.id for p in source.pairs()}) == source.count() == len(expected)
    for pair, (caption, result) in zip(source.pairs(), expected, strict=True):
        assert pair.caption == caption
        if isinstance(pair, Pair):
            assert number_of(pair.image) == result
        else:
            assert str(result) in pair.reason


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (
            [("img.1.jpg", 1), ("img.1.txt", "a"), ("img.2.jpg", 2), ("img.2.txt", "b")],
            [("s/img.1", "a", 1), ("s/img.2", "b", 2)],
        ),
        (
            [("img.1.jpg", 1), ("img.1.json", '{"caption": "a"}'), ("img.2.jpg", 2), ("img.2.json", "{}")],
            [("s/img.1", "a", 1), ("s/img.2", "", "it has no caption")],
        ),
        ([("7.mask.png", 1), ("7.jpg", 7), ("7.txt", "a")], [("s/7", "a", 7)]),
        ([("./A/0.PNG", 1), ("A/0.TXT", "a")], [("s/A/0", "a", 1)]),
        ([("a/0.png", 1), ("a/0.txt", "a"), ("b/0.png", 2), ("b/0.txt", "b")],
         [("s/a/0", "a", 1), ("s/b/0", "b", 2)]),
        ([(unicodedata.normalize("NFD", "é.png"), 1), ("é.txt", "a")], [("s/é", "a", 1)]),
        ([("d" * 200 + "/0.png", 1), ("d" * 200 + "/0.txt", "a")], [("s/" + "d" * 200 + "/0", "a", 1)]),
        ([("0.png", 1), ("0.txt", ""), ("._0.png", "mac"), ("__MACOSX/._0.png", "mac"), ("README", "x")],
         [("s/0", "", "it has no caption")]),
        ([("0.bmp", 1), ("0.txt", "a")], [("s/0", "a", 1)]),
    ],
)  # fmt: skip
def test_names_in_a_shard_are_grouped_rightly(
    tmp_path: Path, members: list[tuple[str, Any]], expected: list[tuple[str, str, Any]]
) -> None:
    assert given(shard(tmp_path / "s.tar", *members)) == expected


def test_links_and_sparse_files_of_a_shard(tmp_path: Path) -> None:
    path = shard(tmp_path / "s.tar", ("in/0.png", 7), *((f"in/{n}.txt", "a") for n in range(5)))
    links = {
        "in/1.png": (tarfile.SYMTYPE, "0.png"),
        "in/2.png": (tarfile.LNKTYPE, "in/0.png"),
        "in/3.png": (tarfile.SYMTYPE, "/etc/passwd"),
        "in/4.png": (tarfile.GNUTYPE_SPARSE, ""),
    }
    with tarfile.open(path, "a", format=tarfile.GNU_FORMAT) as tar:
        for name, (kind, target) in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            tar.addfile(info)
    results = [result for _, _, result in given(path)]
    assert results[:3] == [7, 7, 7]
    assert "link to '/etc/passwd'" in str(results[3])
    assert "sparse" in str(results[4])


def test_compressed_shards_and_tables_are_refused_by_name(tmp_path: Path) -> None:
    for name in ("s.tar", "s.tar.gz", "s.tgz"):
        path = shard(tmp_path / name, ("0.png", 1), ("0.txt", "a"), mode="w:gz")
        with pytest.raises(ValueError, match=r"compressed.*decompress"):
            open_source(path)
    for name in ("t.csv.gz", "t.jsonl.bz2"):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(ValueError, match=rf"{name}' is compressed"):
            open_source(tmp_path / name)


def test_the_contents_of_shards(tmp_path: Path) -> None:
    path = shard(
        tmp_path / "s.tar",
        *(("0.png", 1), ("0.mask.png", 2), ("0.txt", "a\nb"), ("1.png", 1), ("README", "x")),
    )
    contents = open_source(path).contents()
    assert (contents.pictures, contents.captions) == (3, 2)
    assert left_out(path) == {
        "further pictures of a sample": (1, "0.mask.png"),
        "files of no sample": (1, "README"),
    }


# Folders


def test_pictures_of_all_suffixes_and_linked_folders_count(tmp_path: Path) -> None:
    other = make(tmp_path / "other", {"4.png": 4, "4.txt": "four"})
    folder = make(
        tmp_path / "in",
        {"a.jfif": 0, "a.txt": "zero", "b.PPM": 1, "b.TXT": "one", "c.avif": 2, "c.avif.txt": "two"}
        | {".x.png": 5, "__MACOSX/a.png": 6, "Thumbs.db": "x", "n.npy": "x", "lost.txt": "x"},
    )
    (folder / "linked").symlink_to(other)
    (folder / "again").symlink_to(other)
    (folder / "up").symlink_to(tmp_path)
    (folder / "self").symlink_to(folder)
    pairs = [("a", "zero", 0), ("again/4", "four", 4), ("b", "one", 1), ("c", "two", 2)]
    assert given(folder) == pairs
    assert open_source(folder).contents().pictures == 4
    assert left_out(folder) == {
        "texts without a picture of their name": (1, "lost.txt"),
        "files of other kinds": (1, "n.npy"),
    }


def test_a_text_is_a_caption_only_of_a_picture_of_its_name(tmp_path: Path) -> None:
    folder = make(tmp_path / "photos", {"0.png": 1, "README.txt": "CC-BY"})
    with pytest.raises(ValueError, match="photos' has 1 pictures and no captions"):
        open_source(folder)
    make(tmp_path, {"captions.csv": "image,caption\n0.png,a dog\n"})
    assert given(folder) == [("0", "a dog", 1)]
    assert left_out(folder) == {"texts: the table has the captions": (1, "README.txt")}


def test_the_table_of_a_folder_comes_before_its_texts(tmp_path: Path) -> None:
    folder = make(
        tmp_path / "photos",
        {"0.png": 1, "0.txt": "a text", "1.png": 2, "stats.csv": "a,b\n1,2\n", "x.bin": "x"}
        | {"any name.tsv": "image\tcaption\n0.png\tof the table\n"},
    )
    assert given(folder) == [("0", "of the table", 1)]
    assert left_out(folder) == {
        "pictures that no row of the table names": (1, "1.png"),
        "tables without the columns of pictures and captions": (1, "stats.csv"),
        "texts: the table has the captions": (1, "0.txt"),
        "files of other kinds": (1, "x.bin"),
    }
    assert reopen(open_source(folder).description()).count() == 1


def test_a_table_in_a_subfolder_names_pictures_from_there_or_from_the_folder(
    tmp_path: Path,
) -> None:
    for name, image in (("a", "0.png"), ("b", "in/0.png"), ("c", "../in/0.png")):
        where = "in" if name == "a" else "meta"
        files = {"in/0.png": 1, f"{where}/t.csv": f"image,caption\n{image},a dog\n"}
        assert given(make(tmp_path / name, files)) == [("0", "a dog", 1)]


# Datasets of Hugging Face, PyTorch, Arrow


def test_a_transform_of_a_dataset_is_applied() -> None:
    rows = {"image": ["a.png"] * 3, "caption": ["a", "b", "c"]}
    data = datasets.Dataset.from_dict(rows)

    def change(batch: dict[str, Any]) -> dict[str, Any]:
        return {
            "photo": [png(5)] * len(batch["image"]),
            "text": [f"not {c}" for c in batch["caption"]],
        }

    changed = data.with_transform(change)
    options = {"image_column": "photo"}
    assert given(changed, **options) == [("0", "not a", 5), ("1", "not b", 5), ("2", "not c", 5)]
    assert [p.id for p in open_source(datasets.DatasetDict(a=changed), **options).pairs(1)] == [
        "1",
        "2",
    ]
    description = open_source(changed, **options).description()
    assert (
        description
        != open_source(
            data.with_transform(lambda _: change({"image": [1], "caption": "a"})), **options
        ).description()
    )
    for form in ("torch", "numpy", "pandas", "arrow"):
        assert [p.caption for p in open_source(data.with_format(form)).pairs()] == ["a", "b", "c"]


class Items(torch.utils.data.Dataset[Any]):
    """A map-style dataset; an exception among the items is raised."""

    def __init__(self, *items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, number: int) -> Any:
        if isinstance(self.items[number], Exception):
            raise self.items[number]
        return self.items[number]


def test_map_style_datasets() -> None:
    data = Items((png(1), "a"), RuntimeError("no"), (png(2), ["b", "c"]), (png(3), ["d"]))
    rows = given(data)
    assert [(key, caption) for key, caption, _ in rows] == [
        ("0", "a"),
        ("1", ""),
        ("2", ""),
        ("3#1", "d"),
    ]
    assert "RuntimeError: no" in str(rows[1][2])
    assert "several captions" in str(rows[2][2])
    part = open_source(torch.utils.data.Subset(data, [0, 3]))
    assert [p.id for p in part.pairs()] == ["0", "1#1"]
    lists = Items((png(1), ["a", "b"]), (png(2), ["c"]))
    opened = open_source(torch.utils.data.ConcatDataset([lists, lists]))
    assert opened.count() is None
    assert [p.id for p in opened.pairs(1, 5)] == ["0#2", "1#1", "2#1", "2#2"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Items((PICTURE, 3)), "number 3.*classes"),
        (Items((PICTURE, torch.tensor(3))), "classes"),
        (Items(("a dog on grass", PICTURE)), "'a dog on grass' before its picture"),
        ([("a dog", "dog.png")], "'a dog' before its picture"),
        (torch.utils.data.DataLoader(Items((PICTURE, "a"))), "loader.dataset"),
        (pl.LazyFrame({"image": ["a"], "caption": ["b"]}), "collect"),
    ],
)
def test_datasets_that_are_no_pairs_are_refused_by_name(source: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        open_source(source)


@pytest.mark.parametrize(
    "text", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_types_of_arrow(text: pa.DataType, tmp_path: Path) -> None:
    column = pa.array(["a.png", "b.png"]).cast(text)
    captions = pa.array(["a dog", None]).cast(text)
    table = pa.table({"image": column, "caption": captions, "id": [7, 7]})
    for source in (table, table.to_batches()[0], pa.dataset.dataset(table)):
        pairs = list(open_source(source, images=tmp_path).pairs())
        assert [(p.id, p.place) for p in pairs] == [
            ("7", str(tmp_path / "a.png")),
            ("7#2", str(tmp_path / "b.png")),
        ]
        assert [p.caption for p in pairs] == ["a dog", ""]


@pytest.mark.parametrize("binary", [pa.large_binary(), pa.binary_view()])
@pytest.mark.parametrize("lists", [pa.large_list, pa.list_view])
def test_pictures_and_lists_in_arrow(
    binary: pa.DataType, lists: Callable[..., pa.DataType]
) -> None:
    images = pa.array([png(1), None], binary)
    captions = pa.array([["a", "b"], None], lists(pa.large_string()))
    rows = given(pa.table({"image": images, "caption": captions}))
    assert rows == [("0#1", "a", 1), ("0#2", "b", 1), ("1", "", "it has no caption")]
    frame = pl.DataFrame(
        {"image": [png(1)], "caption": ["a"]}, schema_overrides={"caption": pl.Categorical}
    )
    assert given(frame) == [("0", "a", 1)]


# Lists in a program


def broken(_: Any) -> str:
    raise RuntimeError("no")


def test_odd_items_fail_alone_and_every_pair_can_be_pickled(tmp_path: Path) -> None:
    path = tmp_path / "7.png"
    path.write_bytes(png(7))
    closed = path.open("rb")
    closed.close()
    cut = Image.open(io.BytesIO(png(1)[:50]))
    pipe = io.BytesIO(png(8))
    pipe.seekable = lambda: False  # type: ignore[method-assign]
    failing = type("Property", (), {"image": property(broken)})
    with path.open("rb") as file, path.open(errors="ignore") as text:
        file.read()
        items: list[tuple[Any, int | str]] = [
            ((file, "a"), 7),
            ((pipe, "a"), 8),
            ((path, np.str_("a")), 7),
            ((np.str_(path), b"a"), 7),
            ((bytearray(png(9)), "a"), 9),
            (np.array([str(path), "a"]), 7),
            ((Image.open(path), "a"), 7),
            ((torch.zeros((3, 8, 6), requires_grad=True), "a"), 0),
            ((closed, "a"), "closed file"),
            ((text, "a"), "open as text"),
            ((cut, "a"), "picture cannot be read: OSError"),
            ((lambda: 1, "a"), "its picture is function"),
            ((PICTURE, (c for c in "ab")), "generator"),
            ((PICTURE, {"a"}), "set"),
            ((PICTURE, float("nan")), "no caption"),
            ((PICTURE, pd.NA), "no caption"),
            ((PICTURE, 7), "not text but int: 7"),
            (("a dog", PICTURE), "'a dog' before its picture"),
            (failing(), "RuntimeError: no"),
            ({1: 2, None: 3}, "is a dict"),
        ]
        source = open_source([item for item, _ in items])
        source.description()
        pairs = pickle.loads(pickle.dumps(list(source.pairs())))
    assert len(pairs) == source.count() == len(items)
    for pair, (_, expected) in zip(pairs, items, strict=True):
        if isinstance(pair, Pair):
            assert (number_of(pair.image), pair.caption) == (expected, "a")
        else:
            assert str(expected) in pair.reason


def test_a_pandas_table_with_a_column_twice_is_refused() -> None:
    frame = pd.DataFrame([["a.png", "a", "b"]], columns=["image", "caption", "caption"])
    with pytest.raises(ValueError, match="several columns 'caption'"):
        open_source(frame)


# Tables on disk


def csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    (folder / "t.csv").write_bytes(text.encode(encoding))
    return folder / "t.csv"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("image,caption\na.png,\"é, a dog\"\n", "utf-16"),
        ("image,caption\na.png,\"é, a dog\"\n", "utf-8-sig"),
        ("image;caption\na.png;é, a dog\n", "utf-8"),
        ("image\tcaption\na.png\té, a dog\n", "utf-8"),
    ],
)  # fmt: skip
def test_tables_of_spreadsheets(tmp_path: Path, text: str, encoding: str) -> None:
    make(tmp_path, {"a.png": 1})
    assert given(csv(tmp_path, text, encoding)) == [("0", "é, a dog", 1)]


def test_a_quotation_mark_loses_only_its_row(tmp_path: Path) -> None:
    make(tmp_path, {"a.png": 1})
    rows = given(
        csv(tmp_path, 'image,caption\na.png,"open\na.png,b\na.png,"a "big" dog"\na.png,12" disc\n')
    )
    assert [caption for _, caption, _ in rows] == ["", "b", "", '12" disc']
    assert "cannot be read" in str(rows[0][2])
    assert "expected after" in str(rows[2][2])
    rows = given(csv(tmp_path, 'image,caption\na.png,"open\na.png,b\n'))
    assert [caption for _, caption, _ in rows] == ["", "b"]
    assert "unexpected end of data" in str(rows[0][2])


def test_a_column_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"t\.csv' has several columns 'caption'"):
        open_source(csv(tmp_path, "image,caption,caption\na.png,a,b\n"))


def test_paths_in_other_forms_of_writing(tmp_path: Path) -> None:
    make(tmp_path, {"my photos/é.png": 7})
    names = [
        "my photos\\é.png",
        "my%20photos/%C3%A9.png",
        unicodedata.normalize("NFD", "my photos/é.png"),
    ]
    names.append((tmp_path / "my photos" / "é.png").as_uri())
    table = csv(tmp_path, "image,caption\n" + "".join(f"{name},a\n" for name in names))
    assert [result for _, _, result in given(table)] == [7] * 4
    assert open_source(table).contents().pictures == 1


# COCO and JSON


def coco(folder: Path, **changes: Any) -> Path:
    content = {
        "images": [
            {"id": 1, "file_name": "1.jpg", "coco_url": "memory://coco/9.jpg"},
            {"id": 2, "file_name": "2.jpg"},
            {"id": 3, "coco_url": "memory://coco/9.jpg"},
        ],
        "annotations": [
            {"id": 10, "image_id": 1, "caption": "a"},
            {"id": 11, "image_id": 3, "caption": "b"},
            {"id": 12, "image_id": 1, "caption": "c"},
            {"id": 13, "image_id": 9, "caption": "lost"},
        ],
    }
    text = json.dumps(content | changes)
    return make(folder, {"val2017/1.jpg": 1, "annotations/captions_val2017.json": text})


def test_captions_of_coco(tmp_path: Path) -> None:
    path = coco(tmp_path) / "annotations" / "captions_val2017.json"
    rows = given(path)
    assert rows[:2] == [("1#1", "a", 1), ("1#2", "c", 1)]
    assert "image_column='coco_url'" in str(rows[2][2])
    assert given(path, images=tmp_path / "val2017") == given(tmp_path) == rows
    contents = open_source(path).contents()
    assert (contents.pictures, contents.captions) == (3, 4)
    assert left_out(path) == {
        "pictures without a caption": (1, "2.jpg"),
        "captions without a picture": (1, "lost"),
    }
    with fsspec.open("memory://coco/9.jpg", "wb") as file:
        file.write(png(9))
    assert given(path, image_column="coco_url")[2] == ("3#1", "b", 9)
    assert reopen(open_source(path).description()).count() == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"annotations": [{"image_id": 1, "bbox": [1]}]}, "no captions.*'bbox'.*captions_"),
        ({"images": [3]}, "damaged"),
        ({"images": [{"id": 1, "file_name": "no.jpg"}]}, r"no 'no\.jpg' in.*images="),
    ],
)
def test_other_files_of_coco_are_refused(tmp_path: Path, changes: Any, message: str) -> None:
    path = coco(tmp_path, **changes) / "annotations" / "captions_val2017.json"
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        open_source(path)


def test_two_images_of_one_id_fail(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "1.jpg"}, {"id": 1, "file_name": "2.jpg"}]
    rows = given(coco(tmp_path, images=images) / "annotations" / "captions_val2017.json")
    assert all("2 images with the id 1" in str(result) for _, _, result in rows)
    assert len({key for key, _, _ in rows}) == 4


def test_tables_in_json(tmp_path: Path) -> None:
    make(tmp_path, {"a.png": 1, "b.png": 2})
    frame = pd.DataFrame({"image": ["a.png", "b.png"], "caption": ["x", ["y", "z"]]})
    expected = [("0", "x", 1), ("1#1", "y", 2), ("1#2", "z", 2)]
    path = tmp_path / "t.json"
    for options in ({}, {"orient": "records"}, {"orient": "records", "lines": True}):
        frame.to_json(path, **options)
        assert given(path) == given(tmp_path) == expected
    path.write_text('{"a": 3}')
    with pytest.raises(ValueError, match=r"t\.json' is neither COCO.*'a': 3"):
        open_source(path)


# Addresses


def upload(files: Mapping[str, Any]) -> None:
    system = fsspec.filesystem("memory")
    for name, content in files.items():
        with system.open(name, "wb") as file:
            file.write(encode(content))


def test_tables_folders_and_shards_at_addresses(tmp_path: Path) -> None:
    tar = shard(tmp_path / "s.tar", ("0.png", 5), ("0.txt", "a dog")).read_bytes()
    table = io.BytesIO()
    pd.DataFrame({"image": [png(6)], "caption": ["a dog"]}).to_parquet(table)
    upload(
        {"/t/t.csv": "image,caption\nin/a.png,a dog\n", "/t/in/a.png": 1, "/t/b.png": 2}
        | {"/side/c.png": 3, "/side/c.txt": "a dog", "/side/README.txt": "x"}
        | {"/w/s-0.tar": tar, "/w/s-1.tar": tar, "/p/p.parquet": table.getvalue()}
    )
    sources: Sequence[tuple[str, list[int]]] = [
        ("memory://t/t.csv", [1]),
        ("memory://t", [1]),
        ("memory://side/", [3]),
        ("memory://w", [5, 5]),
        ("memory://w/s-{0..1}.tar", [5, 5]),
        ("memory://w/*.tar", [5, 5]),
        ("memory://p/p.parquet", [6]),
    ]
    for address, numbers in sources:
        source = open_source(address)
        assert isinstance(source, Source)
        assert [result for _, _, result in given(address)] == numbers
        assert (
            reopen(json.loads(json.dumps(source.description()))).description()
            == source.description()
        )
    assert left_out("memory://t") == {"pictures that no row of the table names": (1, "b.png")}
    before = open_source("memory://t/t.csv").description()
    upload({"/t/t.csv": "image,caption\nb.png,another\n"})
    assert open_source("memory://t/t.csv").description() != before
    (tmp_path / "t.csv").write_text("image,caption\nmemory://t/b.png,a dog\n")
    assert given(tmp_path / "t.csv") == [("0", "a dog", 2)]


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("memory://none/here", FileNotFoundError, "memory://none/here"),
        ("memory://none/t.csv", FileNotFoundError, r"memory://none/t\.csv"),
        ("memory://none/*.tar", FileNotFoundError, "matches no file"),
        ("https://example.org/photos", ValueError, "does not list"),
        ("hdfs://a/t.csv", ValueError, "'hdfs'.*s3"),
    ],
)
def test_addresses_that_cannot_be_read(address: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        open_source(address)


def test_the_package_for_an_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    with pytest.raises(ModuleNotFoundError, match=r"s3fs.*\[remote\]"):
        open_source("s3://a/t.csv")
