"""Slow methods in the widget: they show their progress, and stop when they are cancelled."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene

PATIENCE = 60  # seconds until a waiting test fails
STAGES = {"rise": "masks", "m2ib": "image optimization"}
LONG = {"m2ib": {"steps": 300}}  # with ten steps, the default, it could end before a step is shown


@pytest.fixture
def widget(clip: gw.ClipModel, scene: Scene) -> Iterator[gw.ExplanationWidget]:
    widget = gw.explore(scene.image, scene.caption, clip, method_options=LONG)
    yield widget
    widget.close()


class Progressed:
    """The steps of a stage that a widget has shown."""

    def __init__(self, widget: gw.ExplanationWidget, stage: str) -> None:
        self.shown: list[int] = []
        self._stage, self._changed = stage, threading.Condition()
        widget.observe(self._add, "progress")

    def _add(self, change: dict[str, dict[str, object] | None]) -> None:
        progress = change["new"]
        if progress is not None and progress["stage"] == self._stage:
            assert progress["unit"] == "steps"
            assert isinstance(progress["total"], int)
            assert isinstance(progress["done"], int)
            with self._changed:
                self.shown.append(progress["done"])
                self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.shown) >= count, PATIENCE)


def is_computed(widget: gw.ExplanationWidget, method: str) -> bool:
    """Whether the explanation of the shown request by a method was computed."""
    backend, request = widget._session.backend, widget._session.shown_request
    assert backend is not None
    assert backend.has_explained(request), "that of the method shown was"
    return backend.has_explained(replace(request, method=method))


@pytest.mark.parametrize("method", STAGES)
def test_a_slow_method_shows_its_progress_and_stops_when_cancelled(
    widget: gw.ExplanationWidget, method: str
) -> None:
    before = widget.explanation
    progress = Progressed(widget, STAGES[method])
    widget.method = method
    progress.wait_for(3)
    assert widget.status == "computing"
    assert progress.shown == sorted(set(progress.shown))

    widget.cancel()
    assert (widget.status, widget.progress, widget.error) == ("ready", None, "")
    widget.wait(PATIENCE)  # until the thread has stopped the work
    assert not is_computed(widget, method)

    shown = list(progress.shown)
    assert widget.explanation is before
    assert (widget.method, widget.explanations) == ("grad-eclip", (before,))
    widget.prompt = "a dog"
    widget.wait(PATIENCE)
    assert (widget.status, widget.explanation.caption) == ("ready", "a dog")
    assert progress.shown == shown  # the cancelled work did not go on


@pytest.mark.parametrize("method", STAGES)
def test_a_new_request_stops_a_slow_method(widget: gw.ExplanationWidget, method: str) -> None:
    progress = Progressed(widget, STAGES[method])
    widget.method = method
    progress.wait_for(2)
    widget.method = "grad-eclip"
    widget.wait(PATIENCE)
    assert not is_computed(widget, method)
    assert (widget.status, widget.explanation.method) == ("ready", "Grad-ECLIP")
