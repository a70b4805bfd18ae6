"""Sources of pairs: what each kind reads, from any position, and how it is opened again."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from gradeclip_widget.dataset.pairs import FailedPair, Pair
from gradeclip_widget.dataset.sources import Source, open_source, reopen
from gradeclip_widget.images import read_image

COUNT = 1100  # rows: more than two blocks of 512


def png(number: int) -> bytes:
    """Return a picture of 8 x 6 pixels whose color encodes its number."""
    file = io.BytesIO()
    Image.new("RGB", (8, 6), (number % 256, number // 256, 7)).save(file, "PNG")
    return file.getvalue()


def number_of(image: Any) -> int:
    """Return the number of a picture of `png`."""
    red, green, _ = read_image(image).getpixel((0, 0))
    return red + 256 * green


def captions(number: int) -> list[str]:
    """Return the captions of a row: none for every fifth, else one to three."""
    return [] if number % 5 == 3 else [f"caption {number}, {n}" for n in range(1 + number % 3)]


def caption(number: int) -> str:
    """Return the caption of a row; every fifth has none."""
    return "" if number % 5 == 3 else f"a dog, number {number}"


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def pictures(folder: Path, count: int = COUNT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        (folder / f"{n:04}.png").write_bytes(png(n))
    return folder


def csv_table(folder: Path) -> Any:
    rows = pd.DataFrame({"file_name": [f"{n:04}.png" for n in range(COUNT)]})
    rows["Caption"] = [caption(n) for n in range(COUNT)]
    rows.to_csv(pictures(folder) / "captions.csv", index=False)
    return folder


def tsv_table(folder: Path) -> Any:
    lines = ["image\ttext", *(f"{n:04}.png\t{caption(n)}" for n in range(COUNT))]
    (pictures(folder) / "t.tsv").write_text("\r\n".join(lines), encoding="utf-8-sig")
    return folder / "t.tsv"


def jsonl_lists(folder: Path) -> Any:
    rows = [{"image": f"{n:04}.png", "captions": captions(n)} for n in range(COUNT)]
    (pictures(folder) / "t.jsonl").write_text("\n\n".join(map(json.dumps, rows)))
    return folder / "t.jsonl"


def parquet_paths(folder: Path) -> Any:
    pictures(folder)
    rows = {
        "path": [f"{n:04}.png" for n in range(COUNT)],
        "text": [caption(n) for n in range(COUNT)],
    }
    pq.write_table(pa.table(rows), folder / "t.parquet", row_group_size=300)
    return folder


def parquet_bytes(folder: Path) -> Any:
    folder.mkdir()
    for part, rows in enumerate((range(700), range(700, COUNT))):
        images = [{"bytes": png(n), "path": None} for n in rows]
        table = pa.table({"box": [[0, 0, 4, 4.5]] * len(rows), "image": images})
        table = table.append_column("captions", [[captions(n) or None for n in rows]])
        pq.write_table(table, folder / f"part-{part}.parquet", row_group_size=150)
    return f"{folder}/part-*.parquet"


def side_by_side(folder: Path) -> Any:
    pictures(folder)
    for n in range(COUNT):
        if caption(n):
            (folder / f"{n:04}.txt").write_text(caption(n) + "\n")
    return folder


def shards_with_texts(folder: Path) -> Any:
    folder.mkdir()
    for shard in range(4):
        with tarfile.open(folder / f"shard-{shard:02}.tar", "w") as tar:
            for n in range(shard * 275, (shard + 1) * 275):
                add(tar, f"in/{n:04}.PNG", png(n))
                if caption(n):
                    add(tar, f"in/{n:04}.txt", caption(n).encode())
    return f"{folder}/shard-{{00..03}}.tar"


def shards_with_json(folder: Path) -> Any:
    folder.mkdir()
    for shard in range(2):
        with tarfile.open(folder / f"{shard}.tar", "w") as tar:
            for n in range(shard * 550, (shard + 1) * 550):
                add(tar, f"{n}.png", png(n))
                add(tar, f"{n}.json", json.dumps({"Caption": captions(n)}).encode())
    return folder


def dataset(listed: bool) -> Any:
    return datasets.Dataset.from_dict(
        {
            "picture_of_it": [{"bytes": png(n), "path": None} for n in range(COUNT)],
            "caption": [captions(n) if listed else caption(n) for n in range(COUNT)],
        },
        features=datasets.Features(
            {
                "picture_of_it": datasets.Image(),
                "caption": [datasets.Value("string")] if listed else datasets.Value("string"),
            }
        ),
    )


def saved_dataset(folder: Path) -> Any:
    splits = {"train": dataset(False), "test": dataset(False).select(range(10))}
    datasets.DatasetDict(splits).save_to_disk(folder)
    return folder


def json_rows(folder: Path) -> Any:
    rows = [{"image": f"{n:04}.png", "captions": captions(n)} for n in range(COUNT)]
    (pictures(folder) / "t.json").write_text(json.dumps(rows))
    return folder / "t.json"


class Numbered(torch.utils.data.Dataset[tuple[bytes, str]]):
    """A map-style dataset."""

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, number: int) -> tuple[bytes, str]:
        return png(number), caption(number)


class Example(NamedTuple):
    image: bytes
    caption: str
    id: str


class Kind(NamedTuple):
    """How to make and open a source of a kind, and whether its rows have lists of captions."""

    make: Callable[[Path], Any]
    listed: bool = False
    options: dict[str, Any] = {}  # noqa: RUF012  # never changed
    on_disk: bool = True


KINDS = {
    "csv in a folder": Kind(csv_table),
    "tsv": Kind(tsv_table),
    "jsonl with lists": Kind(jsonl_lists, True),
    "parquet with paths": Kind(parquet_paths),
    "parquet with pictures": Kind(parquet_bytes, True),
    "side by side": Kind(side_by_side),
    "shards with texts": Kind(shards_with_texts),
    "shards with json": Kind(shards_with_json, True),
    "dataset": Kind(lambda folder: dataset(True), True, on_disk=False),
    "saved dataset": Kind(saved_dataset, options={"split": "train"}),
    "tuples": Kind(
        lambda folder: [(png(n), captions(n)) for n in range(COUNT)], True, on_disk=False
    ),
    "iterator of dicts": Kind(
        lambda folder: ({"img": png(n), "Text": caption(n)} for n in range(COUNT)), on_disk=False
    ),
    "objects": Kind(
        lambda folder: [Example(png(n), caption(n), f"e{n}") for n in range(COUNT)], on_disk=False
    ),
    "json": Kind(json_rows, True),
    "map-style dataset": Kind(lambda folder: Numbered(), on_disk=False),
    "Polars table": Kind(
        lambda folder: pl.DataFrame(
            {"image": map(png, range(COUNT)), "text": map(captions, range(COUNT))}
        ),
        True,
        on_disk=False,
    ),
    "data frame": Kind(
        lambda folder: pd.DataFrame([{"image": png(n), "text": caption(n)} for n in range(COUNT)]),
        on_disk=False,
    ),
}


def expected(listed: bool) -> Iterator[tuple[int, str | None]]:
    """Yield the number of each pair's picture, and its caption; ``None`` if the pair fails."""
    for n in range(COUNT):
        for text in captions(n) or [None] if listed else [caption(n) or None]:
            yield n, text


def opened(kind: Kind, folder: Path) -> Source:
    source = open_source(kind.make(folder), **kind.options)
    assert isinstance(source, Source)
    return source


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture(scope="module")
def source(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Source:
    return opened(kind, tmp_path_factory.mktemp("source") / "data")


@pytest.fixture(scope="module")
def pairs(source: Source) -> list[Pair | FailedPair]:
    return list(source.pairs())


def test_gives_every_picture_with_its_captions_in_order(
    kind: Kind, source: Source, pairs: list[Pair | FailedPair]
) -> None:
    rows = list(expected(kind.listed))
    assert len(pairs) == len(rows) == source.count()
    assert [p.position for p in pairs] == list(range(len(rows)))
    assert len({p.id for p in pairs}) == len(pairs)
    for pair, (number, text) in zip(pairs, rows, strict=True):
        if text is None:
            assert isinstance(pair, FailedPair)
            assert (pair.stage, pair.caption) == ("source", "")
            assert "no caption" in pair.reason
        else:
            assert isinstance(pair, Pair)
            assert pair.caption == text
            if number % 50 == 0:
                assert number_of(pair.image) == number


def check_part(
    source: Source, pairs: list[Pair | FailedPair], start: int, stop: int | None
) -> None:
    part = [(p.id, p.position) for p in source.pairs(start, stop)]
    assert part == [(p.id, p.position) for p in pairs[start:stop]]


def test_a_part_over_the_end_of_a_block(source: Source, pairs: list[Pair | FailedPair]) -> None:
    check_part(source, pairs, 299, 903)


@pytest.mark.parametrize("name", ["jsonl with lists", "side by side", "tuples"])
def test_parts_from_any_position(name: str, tmp_path: Path) -> None:
    """In blocks, as a list of files, and in memory."""
    source = opened(KINDS[name], tmp_path / "data")
    pairs = list(source.pairs())
    for start, stop in ((0, 7), (3, 3), (1, None), (511, 514), (1095, 5000), (5000, None)):
        check_part(source, pairs, start, stop)


def test_single_pairs_are_found(source: Source, pairs: list[Pair | FailedPair]) -> None:
    good = next(p for p in pairs[1020:] if isinstance(p, Pair))
    pair = source.pair_at(good.position)
    assert (pair.id, number_of(pair.image)) == (good.id, number_of(good.image))
    failed = next(p for p in pairs if isinstance(p, FailedPair))
    with pytest.raises(ValueError, match="no caption"):
        source.pair_at(failed.position)
    for position in (-1, len(pairs)):
        with pytest.raises(IndexError, match=str(position)):
            source.pair_at(position)


def test_a_source_goes_to_another_process(source: Source, pairs: list[Pair | FailedPair]) -> None:
    other = pickle.loads(pickle.dumps(source))
    assert [p.id for p in other.pairs(700, 730)] == [p.id for p in pairs[700:730]]
    assert other.description() == source.description()


def test_a_source_is_opened_again_from_its_description(
    kind: Kind, source: Source, pairs: list[Pair | FailedPair]
) -> None:
    description = json.loads(json.dumps(source.description()))
    if not kind.on_disk:
        with pytest.raises(ValueError, match="not on disk"):
            reopen(description)
        return
    other = reopen(description)
    assert other.description() == source.description()
    assert [p.id for p in other.pairs(700, 730)] == [p.id for p in pairs[700:730]]
    with pytest.raises(FileNotFoundError, match=r"source of this run.*/other/place\.tar"):
        reopen(description | {"source": "/other/place.tar"})


def test_pairs_can_be_pickled_and_have_a_place(
    source: Source, pairs: list[Pair | FailedPair]
) -> None:
    pair = next(p for p in pairs if isinstance(p, Pair))
    assert pickle.loads(pickle.dumps(pair)) == pair
    assert pair.place
    assert isinstance(pair.image, str | bytes)


def change_csv(folder: Path) -> None:
    with (folder / "captions.csv").open("a") as file:
        file.write("0000.png,one more\n")


def change_shard(folder: Path) -> None:
    with tarfile.open(folder / "1.tar", "a") as tar:
        add(tar, "x.png", png(1))


def change_text(folder: Path) -> None:
    (folder / "0000.txt").write_text("another caption")


@pytest.mark.parametrize(
    ("make", "change"),
    [(csv_table, change_csv), (shards_with_json, change_shard), (side_by_side, change_text)],
)
def test_the_description_changes_with_the_pairs(
    tmp_path: Path, make: Callable[[Path], Any], change: Callable[[Path], None]
) -> None:
    source = make(tmp_path / "data")
    before = open_source(source).description()
    assert open_source(source).description() == before
    change(tmp_path / "data")
    assert open_source(source).description() != before


def test_the_description_of_a_list_changes_with_pictures_and_captions() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    base = open_source([("a.png", "x"), (pixels, "y")]).description()
    assert open_source([("a.png", "x"), (pixels.copy(), "y")]).description() == base
    for items in (
        [("a.png", "x"), (pixels + 1, "y")],
        [("a.png", "z"), (pixels, "y")],
        [("b.png", "x"), (pixels, "y")],
    ):
        assert open_source(items).description() != base
    image = Image.new("RGB", (3, 3))
    assert (
        open_source([(image, "x")]).description()
        != open_source([(Image.new("RGB", (3, 3), "red"), "x")]).description()
    )


def test_the_description_of_a_dataset_changes_with_its_rows() -> None:
    whole = dataset(False)
    assert open_source(whole).description() == open_source(dataset(False)).description()
    assert open_source(whole).description() != open_source(whole.select(range(9))).description()


def test_boxes_are_read_from_numbers_and_from_texts(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        'image,caption,region\na.png,a,"1, 2, 3, 4"\na.png,b,\na.png,c,"[4, 2, 3, 9]"\na.png,d,left\n'
    )
    a, b, c, d = open_source(tmp_path / "t.csv", box_column="region").pairs()
    assert isinstance(a, Pair)
    assert a.box == (1, 2, 3, 4)
    assert isinstance(b, Pair)
    assert b.box is None
    assert isinstance(c, FailedPair)
    assert "is empty" in c.reason
    assert isinstance(d, FailedPair)
    assert "'left' is not (x0, y0, x1, y1)" in d.reason
    (with_box,) = open_source([{"image": b"x", "text": "a dog", "Box": [0, 0, 1, 1.5]}]).pairs()
    assert isinstance(with_box, Pair)
    assert with_box.box == (0, 0, 1, 1.5)


def test_ids_come_from_a_column(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"image": ["a.png"] * 2, "caption": ["a", "b"], "ID": [7, 9], "n": ["x", ""]}
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        assert [p.id for p in open_source(tmp_path / name).pairs()] == ["7", "9"]
        named = open_source(tmp_path / name, id_column="n")
        assert [p.id for p in named.pairs()] == ["x", "1"]  # without an id, the number of the row


def test_ids_of_shards_come_from_keys_or_fields(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        add(tar, "__meta__/info.json", b"{}")
        add(tar, "7.jpg", png(7))
        add(tar, "7.mask.png", png(1))
        add(tar, "7.json", b'{"phrase": "a dog", "name": "rex", "region": [0, 0, 2, 2]}')
    path = tmp_path / "s.tar"
    ids = {}
    for key in (None, "__key__", "name"):
        (pair,) = open_source(
            path, caption_column="Phrase", id_column=key, box_column="region"
        ).pairs()
        assert isinstance(pair, Pair)
        ids[key] = pair.id
        assert (number_of(pair.image), pair.caption, pair.box) == (7, "a dog", (0, 0, 2, 2))
        assert pair.place == f"{path}#7.jpg"
    assert ids == {None: "s/7", "__key__": "7", "name": "rex"}
