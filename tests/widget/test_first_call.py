"""The widget before its first explanation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import traitlets as t
from IPython.core.getipython import get_ipython

import gradeclip_widget as gw
from gradeclip_widget.widget.request import Request

from ..factories import SIZE
from ..fakes import FakeBackend
from .test_fallback import cell_outputs

ROOT = Path(__file__).parents[2]
CAPTIONS = ("a dog", "a red cat runs")
PATIENCE = 30
BOX = {"kind": "box", "box": [0, 0, 9, 9]}


@pytest.fixture
def slow(backend: FakeBackend) -> FakeBackend:
    """A backend that explains nothing until its gate is opened."""
    backend.gate.shut()
    return backend


def begun(backend: FakeBackend, **options: Any) -> gw.ExplanationWidget:
    """A widget whose first explanation is being computed, as `gw.explore` makes it."""
    return gw.ExplanationWidget((), backend, Request(0, CAPTIONS, backend.clip.name), **options)


def broken(backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the model's weights impossible to download."""

    def get(name: str, progress: Any = None) -> gw.ClipModel:
        raise gw.ModelLoadError("no connection")

    monkeypatch.setattr(backend.models, "get", get)


def test_nothing_slow_is_imported_before_the_first_state() -> None:
    code = """
import sys, threading
from gradeclip_widget.widget.backend.backend import Backend
blocked, reached = threading.Event(), threading.Event()
Backend.explain = lambda *_: reached.set() or blocked.wait() or []
import gradeclip_widget as gw
picture = gw.demo.scenes()[0].image
widgets = [
    gw.explore(),
    gw.explore(picture, ["a dog", "a cat"], "ViT-B-16/openai", method="rise", vocabulary="objects"),
    gw.explore(picture, "a dog", "ViT-B-32", pretrained="openai", device="cpu", models=["demo"]),
]
reached.wait()
slow = {"torch", "torchvision", "open_clip", "timm", "transformers", "scipy", "pandas", "plotly"}
print([widget.model for widget in widgets], [widget.status for widget in widgets])
print(sorted(slow & set(sys.modules)), widgets[0]._preview["width"])
blocked.set()
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines() == [
        "['demo', 'ViT-B-16/openai', 'ViT-B-32/openai'] ['computing', 'computing', 'computing']",
        "[] 448",
    ]


def test_picture_and_prompts_are_shown_until_they_are_explained(slow: FakeBackend) -> None:
    widget = begun(slow)
    assert (widget.prompts, widget.status, widget.live) == (CAPTIONS, "computing", True)
    assert (widget._preview["width"], widget._preview["height"]) == SIZE
    assert widget._payloads == []
    assert "'a dog'" in repr(widget)
    slow.gate.open()
    assert widget.explanation.caption == "a dog"
    assert [e.caption for e in widget.explanations] == list(CAPTIONS)
    widget.wait(PATIENCE)
    assert (widget.status, len(widget.history)) == ("ready", 1)
    assert widget._preview["image"] == b""


def test_what_is_set_meanwhile_is_explained(slow: FakeBackend) -> None:
    widget = begun(slow)
    assert slow.gate.reached.wait(PATIENCE)
    widget.prompt, widget.region = "a wolf", BOX
    slow.gate.open()
    assert widget.explanation.caption == "a wolf"
    assert (widget.prompts, widget.region) == (("a wolf", CAPTIONS[1]), BOX)
    assert len(widget.history) == 1


def test_an_option_that_is_checked_against_the_explanation_is_set_with_it(
    slow: FakeBackend,
) -> None:
    widget = begun(slow, selected_words=[1], vocabulary="colors", region=BOX, opacity=0.5)
    assert (widget.selected_words, widget.opacity) == ([], 0.5)
    slow.gate.open()
    widget.wait(PATIENCE)
    assert (widget.selected_words, widget.vocabulary) == ([1], "colors")
    assert widget.seen


def test_a_wrong_option_is_an_error_beside_the_explanation(slow: FakeBackend) -> None:
    widget = begun(slow, selected_words=[9])
    slow.gate.open()
    with pytest.raises(t.TraitError, match=r"\[9\].*2 words"):
        widget.wait(PATIENCE)
    assert (widget.status, widget.explanation.caption) == ("error", "a dog")
    assert "[9]" in widget.error
    widget.prompt = "a wolf"
    widget.wait(PATIENCE)
    assert (widget.status, widget.error) == ("ready", "")


def test_setting_what_is_checked_against_the_explanation_waits(backend: FakeBackend) -> None:
    widget = begun(backend)
    widget.selected_words = [1]
    assert widget.selected_words == [1]
    with pytest.raises(t.TraitError, match=r"\[5\]"):
        begun(backend).selected_words = [5]


def test_an_error_is_shown_and_raised_until_a_retry_succeeds(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        broken(backend, patch)
        widget = begun(backend)
        with pytest.raises(gw.ModelLoadError, match="no connection"):
            widget.wait(PATIENCE)
        with pytest.raises(gw.ModelLoadError, match="no connection"):
            _ = widget.explanation
        assert (widget.status, widget.error) == ("error", "no connection")
        assert widget._preview is not None
    widget._handle_custom_msg({"type": "retry"}, [])
    assert widget.explanation.caption == "a dog"
    widget.wait(PATIENCE)
    assert (widget.status, widget.error) == ("ready", "")


def test_another_prompt_can_follow_an_error(backend: FakeBackend) -> None:
    widget = gw.ExplanationWidget((), backend, Request(0, ("crash",), backend.clip.name))
    with pytest.raises(ZeroDivisionError):
        widget.wait(PATIENCE)
    widget.region = BOX  # asks nothing, since there is no explanation
    widget.prompt = "a dog"
    assert widget.explanation.caption == "a dog"


def test_it_can_be_canceled(slow: FakeBackend) -> None:
    widget = begun(slow)
    assert slow.gate.reached.wait(PATIENCE)
    widget.cancel()
    with pytest.raises(RuntimeError, match="Stopped"):
        _ = widget.explanation
    slow.gate.open()
    with pytest.raises(RuntimeError, match="Stopped"):
        widget.wait(PATIENCE)
    assert (widget.status, widget._payloads) == ("error", [])
    widget.retry()
    assert widget.explanation.caption == "a dog"


def test_a_closed_widget_does_not_wait_for_ever(slow: FakeBackend) -> None:
    widget = begun(slow)
    widget.close()
    with pytest.raises(RuntimeError, match="closed"):
        _ = widget.explanation
    slow.gate.open()


def test_the_output_of_a_cell_is_updated_when_it_is_explained(slow: FakeBackend) -> None:
    with cell_outputs() as outputs:
        widget = begun(slow)
        widget._repr_mimebundle_()
        assert "“a dog” is not explained yet" in outputs[0]["text/html"]
        slow.gate.open()
        widget.wait(PATIENCE)
        assert "<img" in outputs[1]["text/html"]
        assert "a dog" in outputs[1]["text/plain"]
        widget._repr_mimebundle_()
        assert outputs[2]["text/html"] == outputs[1]["text/html"]


def test_a_cell_that_nobody_looks_at_waits(clip: gw.ClipModel) -> None:
    picture = gw.demo.scenes()[0].image
    with cell_outputs() as outputs:
        request = {"content": {"allow_stdin": False}}  # as nbclient sends
        get_ipython().kernel = SimpleNamespace(get_parent=lambda: request)
        widget = gw.explore(picture, "a dog", clip)
        assert widget.status == "ready"
        widget._repr_mimebundle_()
        with pytest.raises(ValueError, match="12"):
            gw.explore(picture, "a dog", clip, image_layers=12)
    assert "<img" in outputs[0]["text/html"]
