"""Explanations in files: what was saved is what is loaded, and nothing else is."""

from __future__ import annotations

import dataclasses
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gradeclip_widget as gw
from gradeclip_widget.core.errors import UnreadableFileError
from gradeclip_widget.explain.explanation import Explanation

from ..factories import make_explanation, picture


def assert_same(one: Explanation, other: Explanation) -> None:
    for field in dataclasses.fields(Explanation):
        a, b = getattr(one, field.name), getattr(other, field.name)
        assert type(a) is type(b), field.name
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b, err_msg=field.name)
            assert a.dtype == b.dtype
        elif field.name == "image":
            assert (a.size, a.mode, a.tobytes()) == (b.size, b.mode, b.tobytes())
        else:
            assert a == b, field.name


def rewrite(path: Path, **changes: Any) -> Path:
    """The file with other arrays, or without those that are ``None``."""
    with np.load(path, allow_pickle=True) as file:
        content = {name: file[name] for name in file.files} | changes
    np.savez(path, **{name: array for name, array in content.items() if array is not None})
    return path


def header(path: Path, **changes: Any) -> np.ndarray:
    with np.load(path) as file:
        values = json.loads(file["header"].tobytes()) | changes
    present = {name: value for name, value in values.items() if value is not ...}
    return np.frombuffer(json.dumps(present).encode(), np.uint8)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return make_explanation().save(tmp_path / "e.npz")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"alone": None, "left_out": None, "seconds": None, "word_effects": None},
        {"integrated_gradients": None},
        {"logit_bias": -10.0, "reference": True, "notes": ()},
        {"caption": "a dog 狗 🐶 كلب, </script>"},
        {"foreign": True},
    ],
    ids=["full", "no readings", "no integrated gradients", "with a bias", "any script", "foreign"],
)
def test_every_field_is_loaded(changes: dict[str, Any], tmp_path: Path) -> None:
    e = make_explanation(**changes)
    assert_same(Explanation.load(e.save(tmp_path / "e.npz")), e)


def test_a_real_explanation_is_loaded(explainer: gw.Explainer, scene: Any, tmp_path: Path) -> None:
    e = explainer(scene.image, "a dog, an xylophonist and " + "a car " * 30)
    assert_same(Explanation.load(str(e.save(str(tmp_path / "e.npz")))), e)


def test_a_large_picture_is_saved_as_jpeg(tmp_path: Path) -> None:
    e = make_explanation(image=picture((2500, 1700)), cover=(0.0, 0.0, 2500.0, 1700.0))
    path = e.save(tmp_path / "e.npz")
    again = Explanation.load(path)
    difference = np.abs(np.asarray(again.image, int) - np.asarray(e.image, int))
    assert again.image.size == (2500, 1700)
    assert difference.mean() < 3
    assert path.stat().st_size < 3_000_000


def test_a_loaded_explanation_can_be_shown_and_saved(saved: Path, tmp_path: Path) -> None:
    e = Explanation.load(saved)
    assert_same(Explanation.load(e.save(tmp_path / "again.npz")), e)
    assert gw.show(e).explanation is e


def test_an_unknown_suffix_raises_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"e\.pkl.*\.npz"):
        make_explanation().save(tmp_path / "e.pkl")
    assert not list(tmp_path.iterdir())


def test_a_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Explanation.load(tmp_path / "nowhere.npz")


def test_an_archive_of_another_program_raises(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, weights=np.zeros(3))
    with pytest.raises(ValueError, match="not an explanation"):
        Explanation.load(path)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"PK\x03\x04 and no more", b"\x80\x04K\x01.", b"\x93NUMPY\x01\x00"]
)
def test_a_file_that_is_not_an_archive_raises(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "e.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not an explanation"):
        Explanation.load(path)


def test_a_single_array_raises(tmp_path: Path) -> None:
    with (tmp_path / "e.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match="not an explanation"):
        Explanation.load(tmp_path / "e.npz")


class Trap:
    """Sets off when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was executed",))


def test_pickled_arrays_raise_and_are_not_opened(saved: Path) -> None:
    rewrite(saved, signed_map=np.array([Trap()], dtype=object))
    with pytest.raises(ValueError, match="not an explanation"):
        Explanation.load(saved)


def test_a_later_version_raises(saved: Path) -> None:
    rewrite(saved, header=header(saved, version=3))
    with pytest.raises(ValueError, match=r"version 3.*reads 1"):
        Explanation.load(saved)


def test_a_file_without_leave_one_out_scores_is_read(saved: Path) -> None:
    rewrite(saved, word_effects=None)
    assert_same(Explanation.load(saved), make_explanation(word_effects=None))


@pytest.mark.parametrize(
    "text", [b"[]", b"1", b"{", b'{"format": "gradeclip-explanation"}', b"\xff"]
)
def test_a_malformed_header_raises(text: bytes, saved: Path) -> None:
    rewrite(saved, header=np.frombuffer(text, np.uint8))
    with pytest.raises(ValueError, match="not an explanation"):
        Explanation.load(saved)


@pytest.mark.parametrize(
    ("arrays", "fields"),
    [
        ({"interactions": None}, {}),
        ({"interactions": np.zeros((2, 2))}, {}),
        ({"image": np.zeros(9, np.uint8)}, {}),
        ({"extra": np.zeros(9)}, {}),
        ({}, {"caption": ...}),
        ({}, {"words": [{"text": "a"}]}),
        ({}, {"words": 3}),
        ({}, {"surprise": 1}),
    ],
)
def test_an_archive_with_wrong_content_raises(
    arrays: dict[str, Any], fields: dict[str, Any], saved: Path
) -> None:
    rewrite(saved, header=header(saved, **fields), **arrays)
    with pytest.raises(ValueError, match="damaged"):
        Explanation.load(saved)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_raises(part: float, saved: Path) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(part * len(content))])
    with pytest.raises(ValueError, match="not an explanation"):
        Explanation.load(saved)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8))
def test_wrong_bytes_are_read_or_raise_the_error_of_files(
    tmp_path: Path, changes: list[tuple[float, int]]
) -> None:
    path = tmp_path / "wrong.npz"
    content = bytearray(make_explanation().save(path).read_bytes())
    for place, value in changes:
        content[int(place * len(content))] = value
    path.write_bytes(content)
    try:
        Explanation.load(path)
    except UnreadableFileError as error:
        assert error.path == str(path)  # noqa: PT017


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, content: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def array_file(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, values)
    return file.getvalue()


def claiming(count: int) -> bytes:
    """Return an array file of 16 values whose header claims another number."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({count},), }}"
    return b"\x93NUMPY\x01\x00v\x00" + header.ljust(117).encode() + b"\n" + bytes(64)


def damaged_picture(saved: Path) -> bytes:
    with np.load(saved) as file:
        png = bytearray(file["image"].tobytes())
    png[png.rfind(b"IDAT") + 3] = 0xC9
    return array_file(np.frombuffer(png, np.uint8))


@pytest.mark.parametrize(
    ("name", "make", "problem"),
    [
        ("alone", lambda _: claiming(10**15), "claims the shape"),
        ("alone", lambda _: claiming(10**30), "claims the shape"),
        ("alone", lambda _: claiming(16).replace(b"}", b" ", 1), "not an explanation"),
        ("alone", lambda _: claiming(16).replace(b"NUMPY\x01", b"NUMPY\x03"), "another version"),
        ("header", lambda _: array_file(np.frombuffer(b"[" * 200_000, np.uint8)), "RecursionError"),
        ("header", lambda _: array_file(np.frombuffer(b'{"a": NaN}', np.uint8)), "NaN"),
        ("token_importance", lambda _: array_file(np.full(9, np.nan, np.float32)), "NaN"),
        ("signed_map", lambda _: array_file(np.zeros((2, 3))), "float64"),
        ("image", damaged_picture, "its picture"),
        ("image", lambda _: array_file(np.frombuffer(b"%!PS-Adobe-3.0", np.uint8)), "its picture"),
    ],
)
def test_a_hostile_array_raises_the_error_of_files(
    name: str, make: Callable[[Path], bytes], problem: str, saved: Path
) -> None:
    content = members(saved)
    write(saved, content | {f"{name}.npy": make(saved)})
    with pytest.raises(UnreadableFileError, match=problem) as caught:
        Explanation.load(saved)
    assert caught.value.path == str(saved)


def test_an_archive_in_another_packing_or_encrypted_raises(saved: Path) -> None:
    content = members(saved)
    flagged = bytearray(saved.read_bytes())
    flagged[flagged.find(b"PK\x01\x02") + 8] |= 1
    write(saved, content, zipfile.ZIP_LZMA)
    with pytest.raises(UnreadableFileError, match="encrypted or packed in another way"):
        Explanation.load(saved)
    saved.write_bytes(flagged)
    with pytest.raises(UnreadableFileError, match="encrypted or packed in another way"):
        Explanation.load(saved)


def test_a_zip_bomb_is_not_unpacked(saved: Path) -> None:
    """Every size is checked before anything is unpacked: 500 MB of zeros take 0.5 MB in the file."""
    content = members(saved)
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in content.items():
            if name != "alone.npy":
                archive.writestr(name, data)
        with archive.open("alone.npy", "w") as file:
            for _ in range(500):
                file.write(bytes(1_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFileError, match="unpacks to 500,"):
            Explanation.load(saved)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_member_that_unpacks_to_more_than_its_entry_says_raises(saved: Path) -> None:
    content = members(saved)
    size = len(content["alone.npy"])
    write(saved, content)
    data = bytearray(saved.read_bytes())
    entry = data.find(b"PK\x01\x02", data.find(b"PK\x01\x02"))
    while data[entry + 46 : entry + 55] != b"alone.npy":
        entry = data.find(b"PK\x01\x02", entry + 1)
    data[entry + 24 : entry + 28] = (size - 8).to_bytes(4, "little")
    saved.write_bytes(data)
    with pytest.raises(UnreadableFileError):
        Explanation.load(saved)


@pytest.mark.parametrize("scale", [np.inf, np.nan])
def test_a_logit_scale_that_is_no_number_is_saved(scale: float, tmp_path: Path) -> None:
    e = make_explanation(logit_scale=scale)
    again = Explanation.load(e.save(tmp_path / "e.npz"))
    assert np.isnan(again.logit_scale)
    assert again.score == e.score


def test_the_file_has_no_pickles_and_a_version(saved: Path) -> None:
    with np.load(saved, allow_pickle=False) as file:
        held = json.loads(file["header"].tobytes())
    assert (held["format"], held["version"]) == ("gradeclip-explanation", 1)
    with zipfile.ZipFile(saved) as archive:
        assert all(name.endswith(".npy") for name in archive.namelist())
