"""``%gradeclip photo.jpg a dog and a car``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene

Shell = Any


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    config = Config(HistoryManager={"enabled": False})
    folder = str(tmp_path_factory.mktemp("ipython"))
    shell = InteractiveShell.instance(config=config, ipython_dir=folder)
    shell.run_line_magic("load_ext", "gradeclip_widget")
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch, clip: gw.ClipModel) -> None:
    """The embedded model is loaded once for all."""
    monkeypatch.setattr("gradeclip_widget.clip.loading.load_once", lambda *args: clip)


@pytest.fixture
def photo(tmp_path: Path, scene: Scene) -> Path:
    scene.image.save(tmp_path / "my photo.png")
    scene.image.save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def magic(shell: Shell, line: str) -> gw.ExplanationWidget:
    return shell.run_line_magic("gradeclip", line)


def test_a_path_and_the_rest_of_the_line_make_a_widget(shell: Shell, photo: Path) -> None:
    widget = magic(shell, f"{photo} a dog's red circle -- and 2 cars")
    assert isinstance(widget, gw.ExplanationWidget)
    assert widget.prompt == "a dog's red circle -- and 2 cars"


def test_a_path_with_spaces_goes_in_quotation_marks(shell: Shell, photo: Path) -> None:
    widget = magic(shell, f'"{photo.with_name("my photo.png")}" a dog')
    assert widget.prompt == "a dog"


def test_an_unclosed_quotation_mark_is_part_of_the_caption(shell: Shell, photo: Path) -> None:
    assert magic(shell, f'{photo} a 5" dog').prompt == 'a 5" dog'


def test_a_variable_of_the_notebook_is_a_picture(shell: Shell, scene: Scene) -> None:
    shell.user_ns["my_image"] = scene.image
    assert magic(shell, "my_image a dog").explanation.image.size == scene.image.size


def test_options_come_before_the_picture(shell: Shell, photo: Path) -> None:
    widget = magic(shell, f"--method grad-cam {photo} a dog")
    assert widget.method == "grad-cam"
    assert magic(shell, f"{photo} a dog --method of travel").prompt == "a dog --method of travel"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "required: image.*\n.*usage: %gradeclip"),
        ("photo.png", "no caption"),
        ("--model", "expected one argument"),
        ("nowhere.png a dog", "nowhere"),
    ],
)
def test_an_incomplete_line_is_an_error(shell: Shell, line: str, message: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=f"(?s){message}"):
        magic(shell, line)
