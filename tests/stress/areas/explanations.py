"""Damaged and hostile explanations in `.npz`: what `Explanation.load` does, and every export afterwards."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import gradeclip_widget as gw

from ..mutations import damage, damage_json
from ..outcome import Failed, Fault, Outcome, attempt
from ..shared import Shared
from .pictures import huge_png, valid_files


def npy(data: bytes) -> bytes:
    """Return bytes as an array in a file of NumPy."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.frombuffer(data, np.uint8))
    return file.getvalue()


def claimed(text: str) -> bytes:
    """Return a file of NumPy whose header is a text, with few values."""
    return (
        b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + text.ljust(117).encode() + b"\n" + bytes(64)
    )


def no_constant(name: str) -> Any:
    """Raise an error: JSON has no NaN and no infinity."""
    raise Fault(f"a .json has {name} in it")


class Explanations:
    """A damaged explanation is a documented error, and one that loads can be shown and saved."""

    name, weight, seconds, megabytes = "explanations", 20, 10, 600

    def __init__(self, shared: Shared) -> None:
        path = shared.folder / "whole.npz"
        self.whole = shared.explainer(shared.scene.image.resize((32, 24)), "a dog, running")
        self.whole.save(path)
        self.data = path.read_bytes()
        with zipfile.ZipFile(path) as file:
            self.members = {name: file.read(name) for name in file.namelist()}
        with np.load(path) as content:
            self.header = json.loads(content["header"].tobytes())

    def attempt(self, rng: Random, folder: Path) -> Outcome:
        """Load one file, and export what was loaded."""
        kind, data = self._file(rng)
        path = folder / "damaged.npz"
        path.write_bytes(data)
        e = attempt(gw.Explanation.load, path, names=path.name)
        if isinstance(e, Failed):
            return Outcome.of(kind, e)
        export = rng.choice((".json", ".html", ".svg", ".png", ".npz", ".gif", "card", "frame"))
        kind = f"{kind}, then {export}"
        if export == "card":
            return Outcome.of(kind, attempt(e.to_png))
        if export == "frame":
            return Outcome.of(kind, attempt(e.to_frame, documented=gw.Explanation.to_png))
        out = folder / f"out{export}"
        answer = attempt(e.save, out)
        if export == ".json" and not isinstance(answer, Failed):
            json.loads(out.read_text(encoding="utf-8"), parse_constant=no_constant)
        return Outcome.of(kind, answer)

    def _file(self, rng: Random) -> tuple[str, bytes]:
        """Return a kind of damage and a file with it."""
        members = dict(self.members)
        name = rng.choice(sorted(members))
        method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
        match rng.randrange(9):
            case 0:
                return "bytes changed", damage(rng, self.data)
            case 1:
                kind = "a member changed"
                members[name] = damage(rng, members[name])
            case 2:
                kind = "a member missing or more"
                members[rng.choice((name + "x", "../up.npy", "dog.npy", "/root.npy"))] = members[
                    name
                ]
                if rng.random() < 0.7:
                    del members[name]
            case 3:
                kind = "a header of JSON changed"
                text = json.dumps(damage_json(rng, self.header))
                members["header.npy"] = npy(text.encode("utf-8", "surrogatepass"))
            case 4:
                kind = "values that are not finite"
                values = np.load(io.BytesIO(members[name])).copy()
                if values.dtype.kind == "f" and values.size:
                    values.flat[rng.randrange(values.size)] = rng.choice(
                        (np.nan, np.inf, -np.inf, 1e38)
                    )
                file = io.BytesIO()
                np.lib.format.write_array(file, values)
                members[name] = file.getvalue()
            case 5:
                kind = "an array of another shape or type"
                values = np.load(io.BytesIO(members[name]))
                shape = rng.choice(
                    ((), (0,), (1,), (2, 3, 4), values.shape[::-1], (0, 5), (1000, 1000))
                )
                dtype = rng.choice(("f8", "f2", "i4", "c8", "?", "U2", "M8[s]", str(values.dtype)))
                file = io.BytesIO()
                np.lib.format.write_array(file, np.ones(shape).astype("i8").astype(dtype))
                members[name] = file.getvalue()
            case 6:
                kind = "an array with a hostile header"
                size = rng.choice((10**6, 10**10, 10**15, 10**30, -1))
                descr = rng.choice(("'<f4'", "'|O'", "'<U1000000'", "[('a','<f4')]", "'x'"))
                members[name] = claimed(
                    f"{{'descr': {descr}, 'fortran_order': False, 'shape': ({size},), }}"
                )
            case 7:
                kind = "another picture"
                files = valid_files()
                picture = huge_png(rng) if rng.random() < 0.3 else files[rng.choice(sorted(files))]
                members["image.npy"] = npy(damage(rng, picture) if rng.random() < 0.5 else picture)
            case _:
                kind = "a member that unpacks to more"
                text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({10**9},), }}"
                members[name] = claimed(text) + bytes(rng.choice((1_000_000, 30_000_000)))
                method = zipfile.ZIP_DEFLATED
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        data = file.getvalue()
        return (kind, damage(rng, data)) if rng.random() < 0.05 else (kind, data)
