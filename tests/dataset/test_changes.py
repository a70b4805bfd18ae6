"""A run over a source that changes between two starts: every row is of a pair that the source has now."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
import tarfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.dataset.explain_batch import BatchExplainer
from gradeclip_widget.dataset.runs import earlier

from .conftest import WORDS

OPTIONS: dict[str, Any] = {"progress": False, "workers": 0, "batch_size": 4, "rows_per_part": 3}
PICTURES = 9
Item = tuple[str, int, str]  # name, number of the picture, caption


@cache
def picture(number: int) -> bytes:
    """Return a picture whose width tells its number; a damaged one for negative numbers."""
    image = Image.effect_noise((90 + abs(number), 100), 60 + number).convert("RGB")
    with io.BytesIO() as file:
        image.save(file, "PNG")
        return file.getvalue() if number >= 0 else file.getvalue()[:70]


def write_files(folder: Path, items: list[Item]) -> None:
    """Write the pictures of items into a folder, and remove those that are not among them."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.png"):
        if path.stem not in {name for name, _, _ in items}:
            path.unlink()
    for name, number, _ in items:
        path = folder / f"{name}.png"
        if not path.exists() or path.read_bytes() != picture(number):
            path.write_bytes(picture(number))


def as_list(folder: Path, items: list[Item]) -> Any:
    return [{"id": name, "image": picture(number), "caption": text} for name, number, text in items]


def as_folder(folder: Path, items: list[Item]) -> Any:
    write_files(folder, items)
    for path in folder.glob("*.txt"):
        path.unlink()
    for name, _, text in items:
        (folder / f"{name}.txt").write_text(text)
    return folder


def as_table(folder: Path, items: list[Item]) -> Any:
    write_files(folder, items)
    with (folder / "captions.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "caption"), *((f"{n}.png", t) for n, _, t in items)])
    return folder


def as_lines(folder: Path, items: list[Item]) -> Any:
    write_files(folder, items)
    rows = [{"id": "7", "image": f"{name}.png", "caption": text} for name, _, text in items]
    (folder / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder / "captions.jsonl"


def as_parquet(folder: Path, items: list[Item]) -> Any:
    rows = [{"key": n, "image": picture(number), "caption": t} for n, number, t in items]
    pq.write_table(pa.Table.from_pylist(rows), folder / "pairs.parquet", row_group_size=4)
    return folder / "pairs.parquet"


def as_tar(folder: Path, items: list[Item]) -> Any:
    with tarfile.open(folder / "pairs.tar", "w") as tar:
        for name, number, text in items:
            for member, data in ((f"{name}.png", picture(number)), (f"{name}.txt", text.encode())):
                info = tarfile.TarInfo(member)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return folder / "pairs.tar"


def as_dataset(folder: Path, items: list[Item]) -> Any:
    return Items([(picture(number), text) for _, number, text in items])


class Items:
    """A map-style dataset, as PyTorch's."""

    def __init__(self, items: list[tuple[bytes, str]]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, number: int) -> tuple[bytes, str]:
        return self.items[number]


def mutate(items: list[Item], rng: random.Random) -> list[Item]:
    """Return the items after one to three changes, as people make them to their data."""
    items = list(items)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(items))
        name, number, text = items[at]
        match rng.choice(
            ["replace", "damage", "caption", "remove", "insert", "swap", "shuffle", "copy"]
        ):
            case "replace":
                items[at] = name, rng.randrange(PICTURES), text
            case "damage":
                items[at] = name, -1, text
            case "caption":
                items[at] = name, number, caption(rng)
            case "remove" if len(items) > 2:
                del items[at]
            case "insert":
                items.insert(
                    at, (f"n{rng.random()}".replace(".", ""), rng.randrange(PICTURES), caption(rng))
                )
            case "swap":  # two files change names
                other = rng.randrange(len(items))
                items[at] = name, items[other][1], text
                items[other] = items[other][0], number, items[other][2]
            case "shuffle":
                rng.shuffle(items)
            case "copy":
                items.append((f"c{rng.random()}".replace(".", ""), number, text))
    return items


def caption(rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=3))


KINDS: list[Callable[[Path, list[Item]], Any]] = [
    *(as_list, as_folder, as_table, as_lines, as_parquet, as_tar, as_dataset),
]


def check_changes(
    kind: Callable[[Path, list[Item]], Any],
    model: gw.ClipModel,
    folder: Path,
    count: int,
    seed: int,
) -> int:
    """Run over a source after each of ``count`` changes, and return how many rows were taken over.

    Every row is compared with the source: its width tells its picture, and equal pairs have equal scores.
    """
    rng, scores, taken = random.Random(seed), dict[tuple[int, str], float](), 0
    items = [(f"p{n}", n, caption(rng)) for n in range(7)]
    (folder / "source").mkdir()
    for _ in range(count):
        source = kind(folder / "source", items)
        run = gw.explain_dataset(source, folder / "out", model=model, **OPTIONS)
        expected = sorted(items) if kind is as_folder else items
        rows = run.to_frame()
        got = dict(zip(rows.position, zip(rows.width - 90, rows.caption, strict=True), strict=True))
        assert len(got) == len(rows)
        assert got == {n: (p, t) for n, (_, p, t) in enumerate(expected) if p >= 0}
        assert sorted(run.errors.position) == [n for n, (_, p, _) in enumerate(expected) if p < 0]
        assert len(set(rows.id)) == len(rows)
        account = run.account
        assert (account.explained, account.failures) == (len(rows), len(items) - len(rows))
        for pair, score in zip(got.values(), rows.score, strict=True):
            assert scores.setdefault(pair, score) == pytest.approx(score, abs=1e-6)
        taken += account.taken_over
        items = mutate(items, rng)
    shutil.rmtree(folder / "source")
    return taken


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_rows_are_of_the_pairs_that_the_source_has_now(
    kind: Callable[[Path, list[Item]], Any], small: gw.ClipModel, tmp_path: Path
) -> None:
    assert check_changes(kind, small, tmp_path, 8, seed=1) > 8


def test_only_what_changed_is_explained(
    small: gw.ClipModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [(f"p{n}", n, f"{WORDS[n]} car") for n in range(8)]
    calls = list[int]()
    together = BatchExplainer._together
    monkeypatch.setattr(
        BatchExplainer,
        "_together",
        lambda self, pairs: (calls.append(len(pairs)), together(self, pairs))[1],
    )

    def explained(items: list[Item]) -> int:
        calls.clear()
        source = as_table(tmp_path / "source", items)
        run = gw.explain_dataset(source, tmp_path / "out", model=small, **OPTIONS)
        assert run.explained + run.failed == len(items)
        return sum(calls)

    assert explained(items) == 8
    assert explained(items) == 0
    assert explained([("new", 8, "a dog"), *items]) == 1  # all others are at another position
    replaced = [(name, 5 if name == "p2" else number, text) for name, number, text in items]
    assert explained(replaced) == 1
    assert explained(items) == 0  # put back
    damaged = [(name, -1 if name == "p2" else number, text) for name, number, text in items]
    assert explained(damaged) == 0
    run = gw.open_run(tmp_path / "out")
    assert run.failed == 1
    assert f"{run.account.before} rows of earlier starts" in str(run.account)
    assert run.account.before > 1
    assert explained(items) == 0  # the failure is tried again
    assert gw.open_run(tmp_path / "out").failed == 0


def test_rows_are_taken_over_in_any_order_unless_they_are_damaged(
    small: gw.ClipModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each group of rows is read once, and kept in memory; a damaged one is explained again."""
    pairs = [(picture(n % PICTURES), f"{word} car") for n, word in enumerate(WORDS[:12])]
    first = gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS).to_frame()
    part = tmp_path / "pairs" / "part-000001.parquet"
    data, pages = bytearray(part.read_bytes()), pq.read_metadata(part).row_group(0)
    scores = pages.column(next(n for n in range(99) if pages.column(n).path_in_schema == "score"))
    start = scores.dictionary_page_offset or scores.data_page_offset
    data[start : start + scores.total_compressed_size] = bytes(scores.total_compressed_size)
    part.write_bytes(data)
    groups, read = list[Path](), earlier._read_group
    monkeypatch.setattr(
        earlier, "_read_group", lambda file, n: (groups.append(file), read(file, n))[1]
    )
    order = random.Random(0).sample(range(12), 12)
    run = gw.explain_dataset([pairs[n] for n in order], tmp_path, model=small, **OPTIONS)
    assert (run.explained, run.taken_over) == (12, 9)
    assert len(groups) == len(set(groups)) == 4
    rows = run.to_frame()
    assert rows.caption.tolist() == [pairs[n][1] for n in order]
    assert rows.score.tolist() == pytest.approx(first.score[order].tolist(), abs=1e-6)
    assert not list((tmp_path / "before").iterdir())


def test_another_program_cannot_write_to_the_folder(small: gw.ClipModel, tmp_path: Path) -> None:
    pairs = [(picture(n), "a dog") for n in range(4)]

    def second(stage: str, done: int, total: int | None) -> None:
        with pytest.raises(BlockingIOError, match="another program"):
            gw.explain_dataset(pairs, tmp_path / "out", model=small, **OPTIONS)

    run = gw.explain_dataset(pairs, tmp_path / "out", model=small, **OPTIONS | {"progress": second})
    assert run.explained == 4


def test_the_account_is_printed_stored_and_shown(
    small: gw.ClipModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = as_folder(
        tmp_path / "source", [("a", 1, "a dog"), ("b", 2, "a cat"), ("c", -1, "a car")]
    )
    (source / "d.png").write_bytes(picture(3))
    run = gw.explain_dataset(source, tmp_path / "out", model=small, **OPTIONS | {"progress": True})
    printed = capsys.readouterr().out
    for line in (
        "2 pairs explained.",
        "1 pair failed reading the picture (ValueError), such as 'c'",
    ):
        assert line in printed
        assert line in str(gw.open_run(run.path).account)
        assert line in run._repr_html_().replace("&#x27;", "'")
    assert "d" in printed
