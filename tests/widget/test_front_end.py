"""The script and the style that hosts get."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comm
import ipywidgets
import pytest
from ipykernel.zmqshell import ZMQInteractiveShell

import gradeclip_widget as gw
from gradeclip_widget.widget import front_end
from gradeclip_widget.widget.gallery.grid import GalleryGrid

from ..factories import make_explanation

STATIC = Path(gw.__file__).parent / "static"


@pytest.fixture
def in_notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The kernel of a notebook in which no widget was made yet."""
    monkeypatch.setattr(front_end, "_codes", {})
    ZMQInteractiveShell.instance()
    yield
    ipywidgets.Widget.close_all()
    ZMQInteractiveShell.clear_instance()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The states of all models that are opened."""
    states: list[dict[str, Any]] = []
    create = comm.create_comm

    def record(*args: Any, **kwargs: Any) -> Any:
        states.append(kwargs["data"]["state"])
        return create(*args, **kwargs)

    monkeypatch.setattr(comm, "create_comm", record)
    return states


def code_bytes(states: list[dict[str, Any]]) -> int:
    """How many bytes of script and style models are opened with."""
    names = ("_esm", "_css", "script", "style")
    return sum(len(state[name]) for state in states for name in names if name in state)


def size(*names: str) -> int:
    return sum((STATIC / name).stat().st_size for name in names)


@pytest.mark.usefixtures("in_notebook")
def test_ten_widgets_in_a_notebook_send_their_code_once(opened: list[dict[str, Any]]) -> None:
    for _ in range(10):
        gw.show(make_explanation())
    one = size("widget.js", "widget.css")
    assert one < code_bytes(opened) < 1.1 * one
    for _ in range(10):
        GalleryGrid()
    both = one + size("gallery.js", "gallery.css")
    assert both < code_bytes(opened) < 1.1 * both + 10 * size("loader.js")


def test_elsewhere_every_widget_has_its_code(opened: list[dict[str, Any]]) -> None:
    widgets = gw.show(make_explanation()), gw.show(make_explanation())
    assert code_bytes(opened) == 2 * size("widget.js", "widget.css")
    assert {widget._shared_code for widget in widgets} == {None}


@pytest.mark.usefixtures("in_notebook")
def test_a_view_that_does_not_find_the_code_gets_it() -> None:
    widget = gw.show(make_explanation())
    assert widget._esm == (STATIC / "loader.js").read_text()
    widget._handle_custom_msg({"type": "code"}, [])
    assert widget._esm == (STATIC / "widget.js").read_text()
    assert widget._css == (STATIC / "widget.css").read_text()
    later = [gw.show(make_explanation())._shared_code for _ in range(2)]
    assert later[0] is later[1] is not widget._shared_code, "its host knows models made from now on"


@pytest.mark.usefixtures("in_notebook")
def test_closed_code_is_sent_again(opened: list[dict[str, Any]]) -> None:
    first = gw.show(make_explanation())
    assert first._shared_code is gw.show(make_explanation())._shared_code
    ipywidgets.Widget.close_all()
    opened.clear()
    gw.show(make_explanation())
    assert code_bytes(opened) > size("widget.js", "widget.css")
