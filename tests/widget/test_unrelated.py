"""Scores of unrelated sentences in a live widget: computed in the background, after all other work."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene

from ..fakes import FakeBackend, FakeExplainer, live_widget

PATIENCE = 60


@pytest.fixture
def gated(backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> FakeBackend:
    """A backend without encoded sentences; the work on them waits at the gate."""
    scores = FakeExplainer.unrelated_scores

    def wait(self, image, caption, progress=None):  # type: ignore[no-untyped-def]
        self.backend.gate.passed()
        return scores(self, image, caption, progress)

    monkeypatch.setattr(FakeExplainer, "unrelated_scores", wait)
    monkeypatch.setattr("gradeclip_widget.explain.unrelated.are_embedded", lambda clip: False)
    backend.sentences_known = False
    return backend


def test_the_widget_is_ready_while_sentences_are_encoded(gated: FakeBackend) -> None:
    gated.gate.shut()
    widget = live_widget_then_shut(gated)
    assert gated.gate.reached.wait(PATIENCE)
    assert (widget.status, widget.progress, widget.unrelated) == ("ready", None, [])
    gated.gate.open()
    widget.wait(PATIENCE)
    assert [len(scores) for scores in widget.unrelated] == [200, 200]


def live_widget_then_shut(backend: FakeBackend) -> gw.ExplanationWidget:
    """A widget that is explained with the gate open; the gate is shut after that."""
    backend.gate.open()
    explain = backend.explain

    def shut(request, progress=None):  # type: ignore[no-untyped-def]
        explanations = explain(request, progress)
        backend.gate.shut()
        return explanations

    backend.explain = shut  # type: ignore[method-assign]
    widget = live_widget(backend)
    backend.explain = explain  # type: ignore[method-assign]
    return widget


def test_another_prompt_does_not_wait_for_the_sentences(gated: FakeBackend) -> None:
    widget = live_widget_then_shut(gated)
    assert gated.gate.reached.wait(PATIENCE)
    widget.prompt = "a cat"
    gated.gate.open()
    widget.wait(PATIENCE)
    assert widget.explanation.caption == "a cat"
    assert [len(scores) for scores in widget.unrelated] == [200, 200]


def test_an_error_leaves_the_widget_ready_and_without_a_scale(
    gated: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no memory left")

    monkeypatch.setattr(FakeExplainer, "unrelated_scores", fail)
    widget = live_widget(gated)
    widget.wait(PATIENCE)
    assert (widget.status, widget.error, widget.unrelated) == ("ready", "", [])


def test_no_sentence_is_encoded_if_the_scale_is_switched_off(gated: FakeBackend) -> None:
    widget = live_widget(gated, match_scale=False)
    widget.wait(PATIENCE)
    assert widget.unrelated == []


def test_once_sentences_are_encoded_explanations_come_with_their_scores(
    clip: gw.ClipModel, scene: Scene
) -> None:
    widget = gw.explore(scene.image, "a dog", clip)
    widget.wait(PATIENCE)
    widget.prompt = "a dog and a red circle"
    widget.wait(PATIENCE)
    scores = widget.explanation.unrelated_scores
    assert scores is not None
    assert widget.explanation.score > scores.max()
    header = widget._payloads[0]["header"]
    assert header["unrelated"] == scores.tolist()


def test_a_saved_page_includes_the_scale(clip: gw.ClipModel, scene: Scene, tmp_path: Path) -> None:
    widget = gw.explore(scene.image, "a dog", clip)
    widget.wait(PATIENCE)
    text = widget.save_html(tmp_path / "page.html").read_text("utf-8")
    state = re.search(r'id="gradeclip-state">(.*?)</script>', text)
    payloads = re.search(r'id="gradeclip-payloads">(.*?)</script>', text)
    assert state is not None
    assert payloads is not None
    later, at_once = json.loads(state[1])["unrelated"], json.loads(payloads[1])[0]["header"]
    assert len(later[0] if later else at_once["unrelated"]) > 150
