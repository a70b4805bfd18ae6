"""Prompts, methods and the history of a widget."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import gradeclip_widget as gw
from gradeclip_widget.explain.explanation import Explanation
from gradeclip_widget.widget.backend.backend import CACHED_EXPLANATIONS
from gradeclip_widget.widget.session import HISTORY_LIMIT

from ..factories import make_explanation
from ..fakes import FakeBackend

PATIENCE = 30  # seconds until a waiting test fails
Widget = gw.ExplanationWidget


def shown(widget: Widget) -> list[str]:
    """The captions of the payloads."""
    return [payload["header"]["caption"] for payload in widget._payloads]


# One prompt


def test_another_prompt_is_explained_and_replaces_the_one_shown(
    live: Widget, backend: FakeBackend
) -> None:
    live.prompt = "a wolf"
    live.wait(PATIENCE)
    assert live.explanation.caption == "a wolf"
    assert live.prompts == ("a wolf", "a red cat runs")
    assert shown(live) == ["a wolf", "a red cat runs"]
    assert backend.calls == [(["a wolf"], "grad-eclip")], "the other caption is cached"


def test_the_last_explanation_stays_visible_until_the_next_is_done(
    live: Widget, backend: FakeBackend
) -> None:
    backend.gate.shut()
    live.prompt = "a wolf"
    assert backend.gate.reached.wait(PATIENCE)
    assert (live.status, live.prompt, live.prompts[0]) == ("computing", "a wolf", "a wolf")
    assert (live.explanation.caption, shown(live)[0]) == ("a dog", "a dog")
    backend.gate.open()
    live.wait(PATIENCE)
    assert (live.status, shown(live)[0]) == ("ready", "a wolf")


def test_of_thirty_edits_only_the_last_is_shown(live: Widget, backend: FakeBackend) -> None:
    captions: list[str] = []
    live.observe(lambda change: captions.append(change["new"].caption), "explanation")
    backend.gate.shut()
    for n in range(30):
        live.prompt = f"a wolf {n}"
    backend.gate.open()
    live.wait(PATIENCE)
    assert captions == ["a wolf 29"]
    assert len(live.history) == 2, "requests that were replaced are no steps of the history"


def test_a_result_that_comes_after_a_newer_request_is_dropped(
    live: Widget, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    captions: list[str] = []
    live.observe(lambda change: captions.append(change["new"].caption), "explanation")
    computed, explain = threading.Event(), backend.explain

    def tell(*args: Any) -> list[Explanation]:
        explanations = explain(*args)
        computed.set()
        return explanations

    monkeypatch.setattr(backend, "explain", tell)
    backend.gate.shut()
    live.prompt = "a wolf"
    assert backend.gate.reached.wait(PATIENCE)
    with live.changed:  # with the lock held nothing can be shown
        backend.gate.open()
        assert computed.wait(PATIENCE)
        live.prompt = "a fox"
    live.wait(PATIENCE)
    assert captions == ["a fox"]


def test_status_and_progress_follow_the_work(live: Widget) -> None:
    states: list[Any] = []
    live.observe(lambda c: states.append(c["new"]), ["status", "progress"])
    live.prompt = "a wolf"
    live.wait(PATIENCE)
    stage = {"done": 0, "unit": "steps"}
    assert states == [
        "computing",
        {"stage": "tokens", "total": None} | stage,
        {"stage": "maps", "total": 1} | stage,
        None,
        "ready",
    ]


def test_the_view_gets_an_explanation_and_its_details_in_one_message(
    live: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[set[str]] = []
    monkeypatch.setattr(Widget, "send_state", lambda self, key=None: sent.append(set(key)))
    live.prompts = ("a wolf", "a fox")
    live.wait(PATIENCE)
    [message] = [keys for keys in sent if "_payloads" in keys]
    assert {"status", "history", "history_index", "_code"} <= message


def test_awaiting_the_widget_waits_for_the_work(live: Widget, backend: FakeBackend) -> None:
    async def edit() -> str:
        live.prompt = "a wolf"
        await live
        return live.explanation.caption

    # On another thread, because the browser tests leave a loop running on this one.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asyncio.run, edit()).result(PATIENCE) == "a wolf"


def test_an_observer_can_wait_for_its_request(live: Widget) -> None:
    def follow(change: Any) -> None:
        live.method = "grad-cam"
        live.wait(PATIENCE)

    live.observe(follow, "contour")
    live.contour = False
    assert live.explanation.method == "grad-cam"


def test_an_observer_of_a_result_can_make_the_next_request(live: Widget) -> None:
    def follow(change: Any) -> None:
        if change["new"].caption == "a wolf":
            live.prompt = "a fox"

    live.observe(follow, "explanation")
    live.prompt = "a wolf"
    live.wait(PATIENCE)
    assert (live.explanation.caption, live.status) == ("a fox", "ready")


def test_values_of_the_session_are_not_reported_back_to_it(
    live: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[str] = []
    change = live._session.change
    monkeypatch.setattr(
        live._session, "change", lambda values: changes.append(values["prompt"]) or change(values)
    )
    live.prompt = "a wolf"
    live.wait(PATIENCE)
    assert live.prompts == ("a wolf", "a red cat runs")
    assert changes == ["a wolf"]


def test_an_observer_of_a_value_that_the_session_sets_can_change_another(live: Widget) -> None:
    live.observe(lambda change: live.set_trait("method", "grad-cam"), "prompts")
    live.prompt = "a wolf"
    live.wait(PATIENCE)
    explanation = live.explanation
    assert (explanation.caption, explanation.method) == ("a wolf", "grad-cam")
    assert (live.status, len(live.history)) == ("ready", 2)


# Several prompts


def test_another_active_prompt_shows_its_explanation_and_deselects_words(
    live: Widget, backend: FakeBackend
) -> None:
    live.selected_words, live.hovered_word = [1], 0
    live.active = 1
    assert live.explanation is live.explanations[1]
    assert live.prompt == "a red cat runs"
    assert (live.selected_words, live.hovered_word) == ([], None)
    assert not backend.calls


def test_the_browser_can_switch_the_prompt(live: Widget, backend: FakeBackend) -> None:
    live.set_state({"active": 1, "selected_words": []})
    assert live.prompt == "a red cat runs"
    live.set_state({"selected_words": [3]})
    assert live.selected_words == [3]
    assert not backend.calls


@pytest.mark.parametrize(
    "state",
    [
        {"prompt": "a wolf", "active": 1},
        {"active": 1, "prompt": "a wolf"},
        {"active": 1, "prompts": ["a dog", "a wolf"]},
        {"prompts": ["a dog", "a wolf"], "prompt": "a wolf", "active": 1},
    ],
)
def test_the_browser_can_set_several_traits_at_once_in_any_order(
    live: Widget, state: dict[str, Any]
) -> None:
    live.set_state(state)
    live.wait(PATIENCE)
    assert (live.active, live.prompt, live.prompts) == (1, "a wolf", ("a dog", "a wolf"))
    assert live.explanation.caption == "a wolf"


def test_an_added_row_is_shown_when_it_is_explained(live: Widget, backend: FakeBackend) -> None:
    backend.gate.shut()
    live.set_state({"prompts": [*live.prompts, "a wolf"], "active": 2})
    assert backend.gate.reached.wait(PATIENCE)
    assert (live.prompt, live.explanation.caption) == ("a wolf", "a dog")
    backend.gate.open()
    live.wait(PATIENCE)
    assert live.explanation.caption == "a wolf"
    assert backend.calls == [(["a wolf"], "grad-eclip")]


def test_reordering_and_removing_rows_computes_nothing(live: Widget, backend: FakeBackend) -> None:
    live.prompts = ("a red cat runs", "a dog")
    live.wait(PATIENCE)
    assert (shown(live), live.prompt) == (["a red cat runs", "a dog"], "a red cat runs")
    live.versus = 1
    live.prompts = ("a dog",)
    live.wait(PATIENCE)
    assert (shown(live), live.active, live.versus) == (["a dog"], 0, None)
    assert not backend.calls


def test_fewer_prompts_than_the_active_one_show_the_last(live: Widget) -> None:
    live.active = 1
    live.prompts = ("a wolf",)
    live.wait(PATIENCE)
    assert (live.active, live.prompt, live.explanation.caption) == (0, "a wolf", "a wolf")


def test_another_row_keeps_the_words_selected_in_this_one(live: Widget) -> None:
    live.selected_words = [1]
    live.prompts = ("a dog", "a wolf")
    live.wait(PATIENCE)
    assert live.selected_words == [1]


# Other ways to explain


def test_another_method_explains_all_prompts_and_keeps_the_selection(
    live: Widget, backend: FakeBackend
) -> None:
    live.active = 1
    live.selected_words, live.region = [1], {"kind": "box", "box": [0, 0, 9, 9]}
    live.method = "grad-cam"
    live.wait(PATIENCE)
    assert backend.calls == [(["a dog", "a red cat runs"], "grad-cam")]
    assert (live.active, live.explanation.method, live.selected_words) == (1, "grad-cam", [1])
    assert live.region == {"kind": "box", "box": [0, 0, 9, 9]}


def test_another_prompt_deselects_words_and_keeps_the_region(live: Widget) -> None:
    live.selected_words, live.region = [1], {"kind": "box", "box": [0, 0, 9, 9]}
    live.prompt = "a wolf"
    live.wait(PATIENCE)
    assert live.selected_words == []
    assert live.region is not None


def test_an_explanation_set_by_a_program_is_shown(live: Widget, backend: FakeBackend) -> None:
    other = make_explanation("a wolf")
    live.explanation = other
    assert live.explanations == (other,)
    assert (live.prompt, live.prompts, len(live._payloads)) == ("a wolf", ("a wolf",), 1)
    assert not backend.calls


# Errors


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("prompt", "  ", "caption has no words"),
        ("prompt", "crash", "ZeroDivisionError: division by zero"),
        ("method", "magic", "no method 'magic'"),
        ("prompts", ("a dog", ""), "caption has no words"),
        ("model", "other", "no model 'other' in this widget"),
    ],
)
def test_a_request_that_fails_is_an_error_and_the_last_explanation_stays(
    live: Widget, name: str, value: Any, message: str
) -> None:
    explanation, payloads = live.explanation, live._payloads
    setattr(live, name, value)
    live.wait(PATIENCE)
    assert live.status == "error"
    assert live.error.startswith(message)
    assert live.explanation is explanation
    assert live._payloads is payloads
    assert live.progress is None


@pytest.mark.parametrize(
    ("name", "wrong"), [("prompt", " "), ("prompts", ("", "")), ("method", "magic")]
)
def test_after_an_error_the_next_good_value_is_explained(
    live: Widget, name: str, wrong: Any
) -> None:
    before = getattr(live, name)
    setattr(live, name, wrong)
    live.wait(PATIENCE)
    setattr(live, name, before)
    live.wait(PATIENCE)
    assert (live.status, live.error) == ("ready", "")
    assert live.explanation.caption == "a dog"
    assert len(live.history) == 1


def test_the_error_of_a_request_stays_visible_while_a_question_is_answered(live: Widget) -> None:
    live.vocabulary = "colors"
    live.prompt = " "
    live.wait(PATIENCE)
    live.region = {"kind": "box", "box": [0, 0, 9, 9]}
    live.wait(PATIENCE)
    assert live.seen
    assert (live.status, live.error) == ("error", "caption has no words")


def test_cancelling_returns_to_the_request_that_is_shown(
    live: Widget, backend: FakeBackend
) -> None:
    live.active = 1
    backend.gate.shut()
    live.set_state({"prompt": "a wolf", "method": "grad-cam", "resolution": 336})
    assert backend.gate.reached.wait(PATIENCE)
    live._handle_custom_msg({"type": "cancel"}, [])
    assert (live.status, live.error, live.progress) == ("ready", "", None)
    assert (live.prompt, live.prompts) == ("a red cat runs", ("a dog", "a red cat runs"))
    assert (live.method, live.resolution, live.active) == ("grad-eclip", None, 1)
    backend.gate.open()
    live.wait(PATIENCE)
    assert (shown(live), live.status) == (["a dog", "a red cat runs"], "ready")


def test_cancelling_returns_from_a_request_that_failed(live: Widget) -> None:
    live.prompt = ""
    live.wait(PATIENCE)
    live.cancel()
    assert (live.status, live.error, live.prompt) == ("ready", "", "a dog")


def test_a_request_to_a_widget_without_a_model_is_an_error() -> None:
    widget = gw.show(make_explanation())
    assert not widget.live
    widget.prompt = "a wolf"
    widget.wait(PATIENCE)
    assert widget.status == "error"
    assert "has no model" in widget.error
    assert widget.explanation.caption == "a red-ish dog, running"
    with pytest.raises(ValueError, match="has no model"):
        widget.add_image("photo.jpg")


# The history


def test_every_explanation_shown_is_a_step_of_the_history(live: Widget) -> None:
    live.prompt = "a wolf"
    live.wait(PATIENCE)
    assert live.history_index == 1
    assert live.history[1] == {
        "prompts": ["a wolf", "a red cat runs"],
        "active": 0,
        "score": live.explanation.score,
        "model": "demo",
        "method": "grad-eclip",
    }


def test_going_back_computes_nothing(live: Widget, backend: FakeBackend) -> None:
    live.active = 1
    live.method = "grad-cam"
    live.wait(PATIENCE)
    live.set_state({"active": 0})
    backend.calls.clear()
    live.set_state({"history_index": 0})
    live.wait(PATIENCE)
    assert (live.method, live.explanation.method) == ("grad-eclip", "grad-eclip")
    live.history_index = 1
    live.wait(PATIENCE)
    assert (live.method, live.active, live.history_index) == ("grad-cam", 1, 1)
    assert len(live.history) == 2
    assert not backend.calls


def test_a_new_prompt_after_going_back_replaces_the_later_steps(live: Widget) -> None:
    for prompt in ("a wolf", "a fox", "a bear"):
        live.prompt = prompt
        live.wait(PATIENCE)
    live.history_index = 1
    live.wait(PATIENCE)
    live.prompt = "a lion"
    live.wait(PATIENCE)
    assert [step["prompts"][0] for step in live.history] == ["a dog", "a wolf", "a lion"]
    assert live.history_index == 2


def test_cancelling_a_step_back_leaves_the_history_unchanged(
    live: Widget, backend: FakeBackend
) -> None:
    live.prompt = "a wolf"
    live.wait(PATIENCE)
    backend._explanations.clear()
    backend.gate.shut()
    live.history_index = 0
    assert backend.gate.reached.wait(PATIENCE)
    live.cancel()
    backend.gate.open()
    live.wait(PATIENCE)
    assert (live.history_index, live.prompt) == (1, "a wolf")


def test_a_thousand_prompts_leave_a_hundred_steps_and_few_explanations(
    live: Widget, backend: FakeBackend
) -> None:
    for n in range(HISTORY_LIMIT + CACHED_EXPLANATIONS):
        live.prompt = f"a wolf {n}"
        live.wait(PATIENCE)
    assert len(live.history) == HISTORY_LIMIT
    assert live.history_index == HISTORY_LIMIT - 1
    assert live.history[-1]["prompts"][0] == f"a wolf {n}"
    assert len(backend._explanations) == CACHED_EXPLANATIONS


# Closing


def test_a_closed_widget_ends_its_work_and_shows_nothing_more(
    live: Widget, backend: FakeBackend
) -> None:
    assert live._computation is not None
    worker = live._computation._worker
    backend.gate.shut()
    live.prompt = "a wolf"
    assert backend.gate.reached.wait(PATIENCE)
    live.close()
    backend.gate.open()
    live.wait(PATIENCE)
    with live.changed:
        assert live.changed.wait_for(lambda: not worker.alive, PATIENCE)
    assert live.explanation.caption == "a dog"


def test_a_widget_that_computes_nothing_has_no_thread(live: Widget) -> None:
    live.selected_words, live.region = [1], {"kind": "box", "box": [0, 0, 9, 9]}
    live.active, live.contour = 1, False
    assert live._computation is not None
    assert not live._computation._worker.alive
