"""Checks of the example export format, run in a copy of the project that has it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.cli import main
from gradeclip_widget.export import formats

from ..factories import make_explanation


def test_the_command_writes_the_format(
    tmp_path: Path, clip: gw.ClipModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradeclip_widget.clip.load", lambda *args, **options: clip)
    Image.new("RGB", (60, 40), "white").save(tmp_path / "photo.png")
    table = tmp_path / "words.csv"
    assert main(["explain", str(tmp_path / "photo.png"), "a red dog", "-o", str(table)]) == 0
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("word,importance,")
    assert [line.split(",")[0] for line in lines[1:]] == ["a", "red", "dog"]


def test_an_explanation_is_saved_in_the_format(tmp_path: Path) -> None:
    assert ".csv" in formats.suffixes()
    assert make_explanation().save(tmp_path / "e.csv").read_text(encoding="utf-8").count("\n") == 5
