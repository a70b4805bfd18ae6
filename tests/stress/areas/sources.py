"""Sources of every kind, changed again and again: each row has its own picture and caption."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import datasets
import pandas as pd

import gradeclip_widget as gw

from ..mutations import damage
from ..outcome import Failed, Fault, Outcome, attempt
from ..shared import CAPTIONS, PICTURES, Shared, make_picture, picture_bytes
from ..truth import Truth, check_run

KINDS = (
    "csv", "tsv", "jsonl", "parquet", "parquet with pictures", "tar", "folder", "hugging face",
    "hugging face, saved", "list", "list of dicts", "pandas",
)  # fmt: skip
LISTS = ("jsonl", "parquet", "parquet with pictures", "hugging face", "hugging face, saved", "list")
OWN_NAMES = ("tar", "folder")  # kinds in which the name of a file is what a pair is identified by
BROKEN = b"this is no picture"


@dataclass(frozen=True)
class Row:
    """A row of a source.

    Attributes:
        name: of the picture's file, without its suffix.
        picture: its number.
        captions: of the picture.
        id: of the row.
        broken: whether the picture's file is damaged.
    """

    name: str
    picture: int
    captions: tuple[str, ...]
    id: str
    broken: bool = False


@dataclass
class Model:
    """What a source has in it; the truth is computed from it.

    Attributes:
        kind: of the source, one of `KINDS`.
        format: of the pictures. Two pictures of one size take equally many bytes as BMP.
        ids: whether there is a column of ids.
        rows: of the source.
        apart: whether the members of a tar file are in random order.
        order: decides that order.
    """

    kind: str
    format: str
    ids: bool
    rows: list[Row]
    apart: bool = False
    order: int = 0
    history: list[str] = field(default_factory=list)

    @classmethod
    def make(cls, rng: Random) -> Model:
        """Return a source of three to six rows."""
        kind = rng.choice(KINDS)
        rows = [
            Row(f"p{n}", rng.randrange(PICTURES), (rng.choice(CAPTIONS),), f"id{n}")
            for n in range(rng.randint(3, 6))
        ]
        return cls(
            kind, rng.choice(("PNG", "BMP")), rng.random() < 0.6, rows, rng.random() < 0.3,
            rng.randrange(100),
        )  # fmt: skip

    def truth(self) -> Truth:
        """Return the pairs that must come out."""
        pairs = [(r.picture, c) for r in self.rows if not r.broken for c in r.captions]
        return Truth(tuple(pairs), sum(len(r.captions) for r in self.rows if r.broken))

    def change(self, rng: Random) -> None:
        """Change one thing, as people change their data."""
        n = rng.randrange(len(self.rows))
        row = self.rows[n]
        what = rng.choice(
            ("order", "delete", "insert", "duplicate", "caption", "picture", "partner", "swap pictures",
             "rename", "odd name", "id", "damage", "repair", "captions", "nothing")
        )  # fmt: skip
        others = {r.name for r in self.rows} - {row.name}
        if what == "order":
            rng.shuffle(self.rows)
        elif what == "delete" and len(self.rows) > 2:
            del self.rows[n]
        elif what == "insert":
            name = next(f"q{k}" for k in range(99) if f"q{k}" not in others | {row.name})
            new = Row(name, rng.randrange(PICTURES), (rng.choice(CAPTIONS),), f"new{name}")
            self.rows.insert(n, new)
        elif what == "duplicate" and self.kind not in OWN_NAMES:
            self.rows.append(row)
        elif what == "caption":
            self._set(row, captions=(rng.choice(CAPTIONS), *row.captions[1:]), only=n)
        elif what == "picture":
            self._set(row, picture=rng.randrange(PICTURES))
        elif what == "partner":
            self._set(row, picture=row.picture ^ 1)  # another picture of the same size
        elif what == "swap pictures":
            other = rng.choice(self.rows)
            self._set(row, picture=other.picture)
            self._set(other, picture=row.picture)
        elif what in ("rename", "odd name"):
            odd = ["ä b", "x'y", "a,b", "#1", "(2)", "[3]", "50%", "日本", "P0", "sub/p0"]
            odd += [] if self.kind == "tar" else ["a.b", "a.b.c"]
            names = odd if what == "odd name" else [f"r{k}" for k in range(9)]
            name = rng.choice([one for one in names if one not in others] or [row.name])
            self._set(row, name=name)
        elif what == "id":
            self.rows[n] = replace(row, id=rng.choice(self.rows).id)
        elif what == "damage":
            self._set(row, broken=True)
        elif what == "repair":
            self._set(row, broken=False)
        elif what == "captions" and self.kind in LISTS:
            count = rng.randint(1, 3)
            self.rows[n] = replace(row, captions=tuple(rng.sample(CAPTIONS, count)))
        if all(r.broken for r in self.rows):
            self._set(self.rows[0], broken=False)
        self.history.append(what)

    def _set(self, row: Row, *, only: int | None = None, **values: Any) -> None:
        """Change a row; what belongs to the file changes in all rows with that file."""
        for n, other in enumerate(self.rows):
            if (n == only) if only is not None else other.name == row.name:
                self.rows[n] = replace(other, **values)

    def data(self, row: Row) -> bytes:
        """Return the file of a row's picture."""
        return BROKEN if row.broken else picture_bytes(row.picture, self.format)

    def write(self, folder: Path) -> Any:
        """Write the source, in place of what is in the folder, and return it."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        suffix = "." + self.format.lower()
        files = {row.name: f"{row.name}{suffix}" for row in self.rows}
        if self.kind in ("csv", "tsv", "jsonl", "parquet", "folder", "list of dicts", "pandas"):
            for row in self.rows:
                path = folder / files[row.name]
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(self.data(row))
        lists = self.kind in LISTS
        rows: list[dict[str, Any]] = []
        for row in self.rows:
            one: dict[str, Any] = {"id": row.id} if self.ids else {}
            one["image"] = files[row.name]
            one["caption"] = list(row.captions) if lists else row.captions[0]
            rows.append(one)
        encoded = [
            one | {"image": {"bytes": self.data(row), "path": None}}
            for one, row in zip(rows, self.rows, strict=True)
        ]
        match self.kind:
            case "csv" | "tsv":
                path = folder / f"captions.{self.kind}"
                pd.DataFrame(rows).to_csv(
                    path, index=False, sep="\t" if self.kind == "tsv" else ","
                )
                return folder
            case "jsonl":
                text = "\n".join(json.dumps(one, ensure_ascii=False) for one in rows)
                (folder / "captions.jsonl").write_text(text, encoding="utf-8")
                return folder
            case "parquet":
                pd.DataFrame(rows).to_parquet(folder / "captions.parquet")
                return folder
            case "parquet with pictures":
                pd.DataFrame(encoded).to_parquet(folder / "captions.parquet")
                return folder / "captions.parquet"
            case "tar":
                return self._tar(folder / "shard.tar", files)
            case "folder":
                for row in self.rows:
                    path = (folder / files[row.name]).with_suffix(".txt")
                    path.write_text(row.captions[0], encoding="utf-8")
                return folder
            case "hugging face" | "hugging face, saved":
                columns = {name: [one[name] for one in encoded] for name in encoded[0]}
                data = datasets.Dataset.from_dict(columns)
                data = data.cast_column("image", datasets.Image())
                if self.kind == "hugging face":
                    return data
                data.save_to_disk(folder / "saved")
                return folder / "saved"
            case "list":
                return [
                    (BROKEN if r.broken else make_picture(r.picture), list(r.captions))
                    for r in self.rows
                ]
            case "list of dicts":
                return [one | {"image": folder / one["image"]} for one in rows]
            case _:
                return pd.DataFrame(one | {"image": str(folder / one["image"])} for one in rows)

    def _tar(self, path: Path, files: dict[str, str]) -> Path:
        members = []
        for row in self.rows:
            members.append((files[row.name], self.data(row)))
            members.append((f"{row.name}.txt", row.captions[0].encode()))
        if self.apart:
            Random(self.order).shuffle(members)
        with tarfile.open(path, "w") as tar:
            for name, data in members:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return path


class Sources:
    """Rows of a run are those of its source, whatever was changed between two starts."""

    name, weight, seconds, megabytes = "sources", 14, 120, 1000

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        _ = shared.scores

    def attempt(self, rng: Random, folder: Path) -> Outcome:
        """Explain a source, change it, and explain it again to the same folder."""
        if rng.random() < 0.25:
            return self._damaged_file(rng, folder)
        model = Model.make(rng)
        kind = model.kind + (", apart" if model.kind == "tar" and model.apart else "")
        outs, answer = [folder / "out0"], None
        parts = rng.choice((1, 2, 100))
        for start in range(1 + rng.randint(1, 3)):
            if start:
                for _ in range(rng.randint(1, 2)):
                    model.change(rng)
            source = model.write(folder / "source")
            what = f"{kind} | after {', '.join(model.history) or 'nothing'}: "
            answer = self._explain(source, outs[-1], parts, what)
            if isinstance(answer, Failed) and start:
                # A folder of another run may be an error; the data themselves must be explained.
                outs.append(folder / f"out{start}")
                answer = self._explain(source, outs[-1], parts, what)
            if isinstance(answer, Failed):
                if kind == "tar, apart":
                    return Outcome.of(kind, answer)  # an error by name is right too
                raise Fault(f"{what}is not explained: {answer.error}")
            try:
                check_run(answer, model.truth(), self.shared)
            except Fault as error:
                raise Fault(f"{what}{error}; source {model.rows}") from error
        return Outcome.of(
            kind + (", explained again" if len(outs) == 1 else ", to other folders"), answer
        )

    def _explain(self, source: Any, out: Path, parts: int, what: str) -> Any:
        try:
            return attempt(
                gw.explain_dataset,
                source,
                out,
                model=self.shared.small,
                progress=False,
                workers=0,
                batch_size=4,
                rows_per_part=parts,
                thumbnails=False,
                importances=False,
            )
        except Fault as error:
            raise Fault(f"{what}{error}") from error

    def _damaged_file(self, rng: Random, folder: Path) -> Outcome:
        """Damage the file of a source at random: no row may have the data of another."""
        model = Model.make(rng)
        while model.kind not in ("csv", "tsv", "jsonl", "parquet", "parquet with pictures", "tar"):
            model = Model.make(rng)
        source, kind = Path(model.write(folder / "source")), f"{model.kind}, bytes changed"
        path = source if source.is_file() else next(source.glob("captions.*"))
        path.write_bytes(damage(rng, path.read_bytes()))
        answer = self._explain(source, folder / "out", 2, f"{kind} | ")
        if isinstance(answer, Failed):
            return Outcome.of(kind, answer)
        if model.kind.startswith("parquet") and answer.explained + answer.failed < 1:
            raise Fault(f"{kind} | a run without any pair and without an error")
        return Outcome.of(kind, answer)
