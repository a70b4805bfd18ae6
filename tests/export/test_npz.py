"""Explanations in files: what was saved is what is loaded, and nothing else is."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gradeclip_widget as gw
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
def test_wrong_bytes_are_read_or_raise_a_value_error(
    tmp_path: Path, changes: list[tuple[float, int]]
) -> None:
    path = tmp_path / "wrong.npz"
    content = bytearray(make_explanation().save(path).read_bytes())
    for place, value in changes:
        content[int(place * len(content))] = value
    path.write_bytes(content)
    try:
        Explanation.load(path)
    except ValueError as error:
        assert "wrong.npz" in str(error)  # noqa: PT017


def test_the_file_has_no_pickles_and_a_version(saved: Path) -> None:
    with np.load(saved, allow_pickle=False) as file:
        held = json.loads(file["header"].tobytes())
    assert (held["format"], held["version"]) == ("gradeclip-explanation", 1)
    with zipfile.ZipFile(saved) as archive:
        assert all(name.endswith(".npy") for name in archive.namelist())
