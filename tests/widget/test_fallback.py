"""The static image in a notebook, for hosts that cannot show the live view."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import nbformat
import pytest
from ipykernel.zmqshell import ZMQInteractiveShell
from nbconvert import HTMLExporter

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.export.cell_output import fallback

from ..factories import make_explanation
from ..frames import pages
from ..frames import shown as shown_in

STATE = "application/vnd.jupyter.widget-state+json"
Widget = gw.ExplanationWidget


@pytest.fixture
def shown() -> Widget:
    """A widget without a model."""
    return gw.show(make_explanation())


def test_a_host_gets_the_live_view_and_a_static_image(
    shown: Widget,
) -> None:
    data, _ = shown._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == shown.model_id
    static = fallback([shown.explanation], 0, None, shown.model_id)
    assert set(static) == {"text/html", "text/plain", "image/png"}
    assert {name: data[name] for name in static} == static


def test_a_cell_gets_them_as_two_outputs(shown: Widget) -> None:
    with cell_outputs() as outputs:
        live, _ = shown._repr_mimebundle_()
    (static,) = outputs
    assert static == fallback([shown.explanation], 0, None, shown.model_id)
    assert "a red-ish dog, running" in static["text/plain"]
    assert "image/png" not in live, "otherwise a PDF would show it twice"
    assert live["application/vnd.jupyter.widget-view+json"]["model_id"] == shown.model_id
    assert re.fullmatch("<!--.*-->", live["text/html"]), "otherwise HTML would show it twice"
    assert f"gradeclip-live-{shown.model_id}" in shown._dom_classes, (
        "the views of the widget hide the static output"
    )
    with cell_outputs():
        shown._repr_mimebundle_()
    assert len(shown._dom_classes) == 1


def test_the_static_image_shows_the_selected_words(shown: Widget) -> None:
    shown.selected_words = [2]
    with cell_outputs() as outputs:
        shown._repr_mimebundle_()
    assert 'where the model reads "' in outputs[0]["text/plain"]


@contextmanager
def cell_outputs() -> Iterator[list[dict[str, Any]]]:
    """Collect what is displayed, as in the kernel of a notebook."""
    shell = ZMQInteractiveShell.instance()
    outputs: list[dict[str, Any]] = []
    try:
        with patch.object(
            shell.display_pub, "publish", lambda **sent: outputs.append(sent["data"])
        ):
            yield outputs
    finally:
        ZMQInteractiveShell.clear_instance()


def converted(widget: Widget, *, with_state: bool) -> str:
    """A notebook that shows the widget, as nbconvert writes it."""
    data, metadata = widget._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("w", outputs=[output])])
    if with_state:
        state = {widget.model_id: {"model_name": "AnyModel", "state": {}}}
        notebook.metadata["widgets"] = {STATE: {"version_major": 2, "state": state}}
    return HTMLExporter().from_notebook_node(notebook)[0]


def test_nbconvert_shows_the_static_image_without_widget_state(
    shown: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = converted(shown, with_state=False)
    assert "data:image/webp" in picture
    assert "srcdoc=" not in picture
    monkeypatch.setenv("GRADECLIP_FALLBACK", "page")
    assert "srcdoc=" in converted(shown, with_state=False)


def test_nbconvert_shows_the_live_view_with_widget_state(shown: Widget) -> None:
    page = converted(shown, with_state=True)
    assert "data:image/webp" not in page
    assert shown.model_id in page


def test_the_outputs_are_small(explainer: gw.Explainer, scene: Scene) -> None:
    widget = gw.show(explainer(scene.image, "a dog and a red circle"))
    with cell_outputs() as outputs:
        live, _ = widget._repr_mimebundle_()
    page = widget._repr_html_()
    assert "srcdoc=" in page
    assert "red circle" in page.partition("<iframe")[0]
    assert len(str(outputs)) + len(str(live)) < min(150_000, 1.2 * len(page))


@pytest.mark.parametrize("kind", ["picture", "page"])
def test_the_static_output_is_hidden_by_the_views_of_its_widget_only(
    shown: Widget, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADECLIP_FALLBACK", kind)
    source = fallback([shown.explanation], 0, None, "one")["text/html"]
    assert "body:has(.gradeclip-live-one .gradeclip)" in source
    assert "two" not in source.partition("</style>")[0]
    assert ("srcdoc=" in source) == (kind == "page")


def test_a_page_in_a_cell_waits_for_what_is_computed(
    clip: gw.ClipModel, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADECLIP_FALLBACK", "page")
    widget = gw.explore(
        scene.image,
        ["a dog", "a dog and a cactus"],
        clip,
        compare=["grad-cam", "legrad"],
        region={"kind": "box", "box": [0, 0, 64, 64]},
        erase="mean",
        selected_words=[1],
    )
    with cell_outputs() as outputs:
        widget._repr_mimebundle_()
    (page,) = pages(outputs[0]["text/html"])
    assert shown_in(page) >= {"2 prompts", "2 methods", "box", "erased: mean", "word dog"}


def test_an_unknown_kind_is_an_error(shown: Widget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADECLIP_FALLBACK", "video")
    with pytest.raises(ValueError, match="'video'"):
        shown._repr_mimebundle_()
