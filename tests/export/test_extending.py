"""The example format of docs/extending.md, taken from the page and put into the folder."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget import export
from gradeclip_widget.cli import main
from gradeclip_widget.export import formats

from ..factories import make_explanation

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


@pytest.fixture
def _example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page's file among those that the package finds, for as long as a test runs."""
    section = PAGE.read_text(encoding="utf-8").split("## Add an export format\n")[1]
    name = re.search(r"`gradeclip_widget/export/(\w+)\.py`:", section)
    code = re.search(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert name is not None
    assert code is not None
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / f"{name[1]}.py").write_text(code[1], encoding="utf-8")
    formats.suffixes()  # those of the package register now, and stay when the test is over
    monkeypatch.setattr(formats, "_WRITERS", dict(formats._WRITERS))
    monkeypatch.setattr(export, "__path__", [*export.__path__, str(folder)])
    importlib.invalidate_caches()
    yield
    sys.modules.pop(f"{export.__name__}.{name[1]}", None)
    vars(export).pop(name[1], None)


@pytest.mark.usefixtures("_example")
def test_the_example_is_found_and_writes_a_file(
    tmp_path: Path, clip: gw.ClipModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradeclip_widget.clip.load", lambda *args, **options: clip)
    Image.new("RGB", (60, 40), "white").save(tmp_path / "photo.png")
    written = tmp_path / "words.csv"
    assert main(["explain", str(tmp_path / "photo.png"), "a red dog", "-o", str(written)]) == 0
    lines = written.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("word,importance,")
    assert [line.split(",")[0] for line in lines[1:]] == ["a", "red", "dog"]


@pytest.mark.usefixtures("_example")
def test_the_example_is_listed_and_saves_an_explanation(tmp_path: Path) -> None:
    assert ".csv" in formats.suffixes()
    assert make_explanation().save(tmp_path / "e.csv").read_text(encoding="utf-8").count("\n") == 5


def test_without_the_file_there_is_no_such_format(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot write 'e\.csv'"):
        make_explanation().save(tmp_path / "e.csv")
