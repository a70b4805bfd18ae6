"""The example format of docs/extending.md, taken from the page and added to the table of formats."""

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
    """The page's file in the folder and its row in the table, while a test runs."""
    section = PAGE.read_text(encoding="utf-8").split("## Add an export format\n")[1]
    name = re.search(r"`gradeclip_widget/export/(\w+)\.py`:", section)
    code, row = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[:2]
    assert name is not None
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / f"{name[1]}.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(export, "__path__", [*export.__path__, str(folder)])
    importlib.invalidate_caches()
    module = importlib.import_module(f"{export.__name__}.{name[1]}")
    monkeypatch.setattr(formats, "WRITERS", formats.WRITERS | eval(f"{{{row}}}", vars(module)))
    yield
    sys.modules.pop(module.__name__)
    vars(export).pop(name[1])


@pytest.mark.usefixtures("_example")
def test_the_command_writes_the_example_format(
    tmp_path: Path, clip: gw.ClipModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradeclip_widget.clip.load", lambda *args, **options: clip)
    Image.new("RGB", (60, 40), "white").save(tmp_path / "photo.png")
    table = tmp_path / "words.csv"
    assert main(["explain", str(tmp_path / "photo.png"), "a red dog", "-o", str(table)]) == 0
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("word,importance,")
    assert [line.split(",")[0] for line in lines[1:]] == ["a", "red", "dog"]


@pytest.mark.usefixtures("_example")
def test_an_explanation_is_saved_in_the_example_format(tmp_path: Path) -> None:
    assert ".csv" in formats.suffixes()
    assert make_explanation().save(tmp_path / "e.csv").read_text(encoding="utf-8").count("\n") == 5


def test_without_the_row_the_format_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"e\.csv.*\.gif"):
        make_explanation().save(tmp_path / "e.csv")
