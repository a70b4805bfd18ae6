"""Slow methods in the widget: they show how far they are, and stop when cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene

PATIENCE = 60  # seconds, of a test that would fail
STAGES = {"rise": "masks", "m2ib": "image optimization"}
LONG = {"m2ib": {"steps": 300}}  # its ten steps may be over before any is shown


@pytest.fixture
def widget(clip: gw.ClipModel, scene: Scene) -> Iterator[gw.ExplanationWidget]:
    widget = gw.explore(scene.image, scene.caption, clip, method_options=LONG)
    yield widget
    widget.close()


class Progressed:
    """Steps of a stage that a widget has shown; waits for some of them."""

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

    start = time.process_time()
    widget.cancel()
    assert (widget.status, widget.progress, widget.error) == ("ready", None, "")
    widget.wait(PATIENCE)  # until the thread has let go of the work
    assert time.process_time() - start < 0.5

    shown = list(progress.shown)
    assert widget.explanation is before
    assert (widget.method, widget.explanations) == ("grad-eclip", (before,))
    widget.prompt = "a dog"
    widget.wait(PATIENCE)
    assert (widget.status, widget.explanation.caption) == ("ready", "a dog")
    assert progress.shown == shown  # nothing of the work that was dropped went on


@pytest.mark.parametrize("method", STAGES)
def test_a_new_prompt_takes_the_place_of_a_slow_method_at_once(
    widget: gw.ExplanationWidget, method: str
) -> None:
    progress = Progressed(widget, STAGES[method])
    widget.method = method
    progress.wait_for(2)
    start = time.process_time()
    widget.method = "grad-eclip"
    widget.wait(PATIENCE)
    assert time.process_time() - start < 0.5
    assert (widget.status, widget.explanation.method) == ("ready", "Grad-ECLIP")
