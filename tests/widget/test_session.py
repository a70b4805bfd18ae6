"""The state of a widget, without a widget: changes of traits in, values and jobs out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradeclip_widget.explain.explanation import Explanation
from gradeclip_widget.widget.questions.comparison import Compared
from gradeclip_widget.widget.request import Request
from gradeclip_widget.widget.session import HISTORY_LIMIT, Job, Session, payloads_of

from ..factories import make_explanation

ROOT = Path(__file__).parents[2]
BOX = {"kind": "box", "box": [0, 0, 9, 9]}
FIRST: dict[str, Any] = {
    "picture": 0,
    "prompts": ("a dog", "a cat"),
    "model": "demo",
    "method": "grad-eclip",
    "resolution": None,
    "image_layers": 1,
    "text_layers": None,
    "integrated_gradients": False,
    "prompt": "a dog",
    "active": 0,
    "versus": None,
    "history_index": -1,
    "explanation": None,
    "importance": "",
    "region": None,
    "overview": "words",
    "compare": [],
    "erase": "",
    "curves": False,
    "vocabulary": "",
    "depth": False,
    "match_scale": False,
    "status": "ready",
}


class Backend:
    """What a session reads of a backend."""

    def __init__(self) -> None:
        self.models = SimpleNamespace(entries=lambda: ["demo"])
        self.vocabularies = ["demo"]

    def offers(self, request: Request) -> dict[str, Any]:
        return {"_vocabularies": self.vocabularies}

    def has_unrelated(self, request: Request) -> bool:
        return False

    def has_blocks(self, request: Request) -> bool:
        return True


def explained(request: Request) -> list[Explanation]:
    return [make_explanation(caption, method=request.method) for caption in request.prompts]


def started(backend: Any = None, **values: Any) -> Session:
    """A session of two captions, with some values of its traits."""
    request = Request(0, FIRST["prompts"], "demo")
    session = Session(request, backend, FIRST | values)
    session.start(explained(request))
    return session


@pytest.fixture
def session() -> Session:
    return started(Backend())


def finish(session: Session, captions: Sequence[Explanation] = ()) -> dict[str, Any]:
    """Explain the latest request, and return the values that follow."""
    explanations = list(captions) or explained(session.request)
    values, _ = session.explained(explanations, payloads_of(explanations))
    return values


def test_a_session_needs_neither_widgets_nor_torch() -> None:
    code = (
        "import sys, gradeclip_widget.widget.session\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    package = "import sys, types, pathlib\n"  # the package's own __init__ imports the widget
    package += "p = types.ModuleType('gradeclip_widget.widget')\n"
    package += "import gradeclip_widget\n"
    package += f"p.__path__ = [{str(ROOT / 'gradeclip_widget' / 'widget')!r}]\n"
    package += "sys.modules['gradeclip_widget.widget'] = p\n"
    run = subprocess.run(
        [sys.executable, "-c", package + code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"ipywidgets", "anywidget", "torch"} & set(run.stdout.split())


# Requests


def test_the_first_explanations_set_the_traits_that_describe_them() -> None:
    request = Request(0, FIRST["prompts"], "demo")
    session = Session(request, Backend(), FIRST)  # type: ignore[arg-type] # a part of a backend
    explanations = explained(request)
    values = session.start(explanations).values
    assert values["live"] is True
    assert values["explanation"] is explanations[0]
    assert (values["prompts"], values["prompt"], values["active"]) == (request.prompts, "a dog", 0)
    assert (len(values["history"]), values["history_index"]) == (1, 0)
    assert session.explanations == tuple(explanations)


def test_another_prompt_is_a_request(session: Session) -> None:
    effects = session.change({"prompt": "a wolf"})
    assert effects.job is Job.EXPLAIN
    assert session.request.prompts == effects.values["prompts"] == ("a wolf", "a cat")
    assert (effects.values["status"], effects.values["error"]) == ("computing", "")
    assert session.shown_request.prompts == ("a dog", "a cat")


def test_values_as_before_have_no_effect(session: Session) -> None:
    effects = session.change(dict(session.values))
    assert (effects.values, effects.job) == ({}, None)


@pytest.mark.parametrize(
    ("change", "prompts", "row"),
    [
        ({"prompt": "a wolf", "active": 1}, ("a dog", "a wolf"), 1),
        ({"prompts": ("a wolf",)}, ("a wolf",), 0),
        ({"prompts": ("a fox", "a wolf"), "prompt": "a wolf", "active": 1}, ("a fox", "a wolf"), 1),
        ({"active": 1}, ("a dog", "a cat"), 1),
    ],
)
def test_prompt_prompts_and_active_agree_whichever_are_set(
    session: Session, change: dict[str, Any], prompts: tuple[str, ...], row: int
) -> None:
    session.change(change)
    values = session.values
    assert (values["prompts"], values["active"], values["prompt"]) == (prompts, row, prompts[row])


def test_another_active_prompt_shows_its_explanation_without_work(session: Session) -> None:
    effects = session.change({"active": 1})
    assert effects.job is None
    assert effects.values["explanation"] is session.explanations[1]
    assert (effects.values["selected_words"], effects.values["hovered_word"]) == ([], None)


def test_a_prompt_that_is_subtracted_goes_when_it_is_removed(session: Session) -> None:
    session.change({"versus": 1})
    assert session.change({"prompts": ("a dog",)}).values["versus"] is None


def test_another_model_begins_with_its_default_resolution(session: Session) -> None:
    session.change({"resolution": 168})
    assert session.change({"model": "second"}).values["resolution"] is None
    assert session.request.settings.resolution is None
    session.change({"model": "demo", "resolution": 224})
    assert session.request.settings.resolution == 224


@pytest.mark.parametrize("backend", [Backend(), None])
def test_integrated_gradients_are_requested_only_from_a_model(backend: Backend | None) -> None:
    session = started(backend)
    effects = session.change({"importance": "integrated-gradients"})
    assert effects.job is (Job.EXPLAIN if backend else None)
    assert session.request.settings.integrated_gradients is bool(backend)
    assert session.values["status"] == ("computing" if backend else "ready")


def test_without_a_model_a_request_is_an_error() -> None:
    session = started()
    effects = session.change({"prompt": "a wolf"})
    assert effects.job is None
    assert effects.values["status"] == "error"
    assert "no model" in effects.values["error"]


# Results


def test_an_explanation_and_the_end_of_the_work_are_shown_at_once(session: Session) -> None:
    session.change({"prompt": "a wolf"})
    values = finish(session)
    assert values["explanation"].caption == "a wolf"
    assert (values["status"], values["progress"], values["history_index"]) == ("ready", None, 1)
    assert [payload["header"]["caption"] for payload in values["_payloads"]] == ["a wolf", "a cat"]


def test_words_are_deselected_only_if_they_change(session: Session) -> None:
    session.change({"method": "grad-cam"})
    assert "selected_words" not in finish(session)
    session.change({"prompt": "a wolf"})
    assert finish(session)["selected_words"] == []


def test_a_region_is_cleared_with_its_picture(session: Session) -> None:
    session.change({"region": BOX})
    session.change({"prompt": "a wolf"})
    assert "region" not in finish(session)
    session.change({"picture": 1})
    assert finish(session)["region"] is None


def test_a_vocabulary_that_a_model_does_not_offer_is_deselected() -> None:
    backend = Backend()
    session = started(backend)
    session.change({"vocabulary": "demo"})
    backend.vocabularies = ["objects"]
    session.change({"method": "grad-cam"})
    assert finish(session)["vocabulary"] == ""


def test_an_error_leaves_what_is_shown(session: Session) -> None:
    session.change({"prompt": " "})
    values = session.failed(ValueError("caption has no words"))
    assert (values["status"], values["error"]) == ("error", "caption has no words")
    assert not {"explanation", "_payloads", "prompt"} & set(values)
    assert session.change({"prompt": "a dog"}).job is Job.EXPLAIN


def test_progress_counts_bytes_while_weights_are_loaded(session: Session) -> None:
    steps = session.progressed("maps", 1, 2)["progress"]
    assert steps == {"stage": "maps", "done": 1, "total": 2, "unit": "steps"}
    assert session.progressed("RISE, loading weights", 1, 2)["progress"]["unit"] == "bytes"


def test_an_explanation_that_a_program_sets_replaces_the_work(session: Session) -> None:
    session.change({"method": "grad-cam"})
    other = make_explanation("a wolf")
    effects = session.change({"explanation": other})
    assert effects.job is Job.STOP
    assert (effects.values["prompts"], effects.values["method"]) == (("a wolf",), "grad-eclip")
    assert effects.values["status"] == "ready"
    assert session.explanations == (other,)


def test_cancelling_returns_to_what_is_shown(session: Session) -> None:
    session.change({"prompts": ("a dog", "a cat", "a wolf"), "active": 2, "versus": 2})
    effects = session.cancel()
    assert effects.job is Job.STOP
    assert session.request == session.shown_request
    assert (effects.values["active"], effects.values["versus"]) == (1, None)
    assert effects.values["explanation"] is session.explanations[1]
    assert effects.values["status"] == "ready"


def test_a_rejected_upload_stays_visible_when_the_work_ends(session: Session) -> None:
    session.change({"prompt": "a wolf", "match_scale": True})
    values = session.reject(ValueError("no picture"))
    assert (values["status"], values["error"]) == ("error", "no picture")
    values = finish(session)
    assert (values["status"], values["error"]) == ("error", "no picture")
    values, _ = session.next_question()  # after the scale, which is a quiet question
    assert session.values["error"] == "no picture"


def test_a_rejected_upload_does_not_end_the_work(session: Session) -> None:
    session.change({"prompt": "a wolf"})
    session.reject(ValueError("no picture"))
    assert session.change({"region": BOX, "vocabulary": "demo"}).job is None


# The history


def test_a_step_of_the_history_is_requested_again(session: Session) -> None:
    session.change({"active": 1})
    session.change({"method": "grad-cam"})
    finish(session)
    effects = session.change({"history_index": 0})
    assert effects.job is Job.EXPLAIN
    assert (effects.values["method"], effects.values["active"]) == ("grad-eclip", 0)
    assert finish(session)["history_index"] == 0
    assert len(session.history) == 2


def test_a_new_step_replaces_those_after_the_one_shown(session: Session) -> None:
    for method in ("grad-cam", "rise"):
        session.change({"method": method})
        finish(session)
    session.change({"history_index": 0})
    finish(session)
    session.change({"method": "m2ib"})
    assert [step["method"] for step in finish(session)["history"]] == ["grad-eclip", "m2ib"]


def test_the_oldest_steps_are_dropped(session: Session) -> None:
    explanations = session.explanations
    for number in range(HISTORY_LIMIT):
        session.change({"image_layers": 2 + number})
        finish(session, explanations)
    assert len(session.history) == HISTORY_LIMIT
    assert session.history[0].request.settings.image_layers == 2
    assert session.history_index == HISTORY_LIMIT - 1


# Questions


def test_a_region_without_a_question_sets_nothing(session: Session) -> None:
    effects = session.change({"region": BOX})
    assert (effects.values, effects.job) == ({}, None)


def test_a_question_is_answered_and_cleared_with_its_region(session: Session) -> None:
    session.change({"vocabulary": "demo"})
    effects = session.change({"region": BOX})
    assert (effects.values, effects.job) == ({"status": "computing"}, Job.ANSWER)
    _, pending = session.next_question()
    assert pending is not None
    question, arguments = pending
    assert (question.answer, arguments[1:]) == ("seen", ("demo", BOX))
    assert session.answered([{"word": "dog"}]) == {"seen": [{"word": "dog"}]}
    values, pending = session.next_question()
    assert pending is None
    assert values["status"] == "ready"
    assert session.change({"region": None}).values == {"seen": []}


def test_questions_wait_for_an_explanation(session: Session) -> None:
    session.change({"prompt": "a wolf"})
    assert session.change({"vocabulary": "demo", "region": BOX}).job is None
    explanations = explained(session.request)
    values, pending = session.explained(explanations, payloads_of(explanations))
    assert pending is not None
    assert (pending[0].answer, "status" in values) == ("seen", False)


@pytest.mark.parametrize("region", [None, {"kind": "box", "box": [1, 2, 3, 4]}])
def test_another_region_or_none_ends_an_erasure(session: Session, region: Any) -> None:
    session.change({"erase": "blur", "region": BOX})
    session.next_question()
    session.answered({"how": "blur"})
    session.next_question()
    values = session.change({"region": region}).values
    assert (values["erase"], values["erased"]) == ("", None)


def test_an_answer_is_computed_again_for_another_prompt(session: Session) -> None:
    session.change({"erase": "blur", "region": BOX})
    session.next_question()
    session.answered({"how": "blur"})
    session.next_question()
    session.change({"prompt": "a wolf"})
    assert finish(session)["erased"] is None
    assert session.question is not None


def test_a_quick_question_interrupts_one_that_streams(session: Session) -> None:
    assert session.change({"compare": ["grad-cam"]}).job is Job.ANSWER
    session.next_question()
    assert session.change({"region": BOX}).job is None
    assert session.change({"curves": True}).job is None
    assert session.change({"vocabulary": "demo"}).job is Job.ANSWER
    _, pending = session.next_question()
    assert pending is not None
    assert pending[0].answer == "seen"


def test_a_partial_answer_is_computed_again_when_its_question_returns(session: Session) -> None:
    one, two = ["grad-cam"], ["grad-cam", "rise"]
    session.change({"compare": one})
    session.next_question()
    session.answered(Compared({}, [{"name": "grad-cam", "maps": b""}]))
    session.next_question()
    session.change({"compare": two})
    session.next_question()
    session.answered(Compared({}, [{"name": "grad-cam", "maps": b""}, {"name": "rise"}]))
    effects = session.change({"compare": one})
    assert effects.job is Job.ANSWER


def test_cancelling_drops_questions_without_an_answer(session: Session) -> None:
    session.change({"compare": ["grad-cam", "rise"], "match_scale": True})
    session.next_question()
    session.answered(Compared({}, [{"name": "grad-cam", "maps": b""}, {"name": "rise"}]))
    effects = session.cancel()
    assert effects.values["compare"] == ["grad-cam"]
    assert session.values["match_scale"] is True
    assert session.change({"compare": []}).values["_comparison"] == []


def test_a_quiet_question_leaves_the_widget_ready(session: Session) -> None:
    effects = session.change({"match_scale": True})
    assert (effects.values, effects.job) == ({}, Job.ANSWER)
    values, pending = session.next_question()
    assert values["status"] == "ready"
    assert pending is not None
    assert pending[0].answer == "unrelated"
    assert session.change({"region": BOX}).job is None, "it goes on"
    assert session.change({"vocabulary": "demo"}).job is Job.ANSWER, "and is interrupted"


def test_a_question_that_failed_is_asked_again_by_the_next_change(session: Session) -> None:
    session.change({"vocabulary": "demo", "region": BOX})
    session.next_question()
    assert session.failed(ValueError("outside"))["status"] == "error"
    effects = session.change({"region": BOX | {"box": [0, 0, 5, 5]}})
    assert effects.job is Job.ANSWER


def test_without_a_model_nothing_is_asked() -> None:
    session = started(None)
    effects = session.change({"region": BOX, "vocabulary": "demo", "compare": ["grad-cam"]})
    assert (effects.values, effects.job) == ({}, None)


def test_a_request_without_its_prompts_is_of_the_picture() -> None:
    request = Request(0, ("a dog",), "demo").with_values({"resolution": 168, "unknown": 1})
    assert request.of_picture == replace(request, prompts=())
    assert request.values(["resolution", "model", "unknown"]) == {
        "resolution": 168,
        "model": "demo",
    }
