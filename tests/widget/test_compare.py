"""Several methods side by side: streamed, on one pass of the picture, with curves on request."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traitlets

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.demo import model as demo
from gradeclip_widget.evaluation import Deletion, Insertion
from gradeclip_widget.explain.explanation import Explanation
from gradeclip_widget.widget.request import Request

from ..factories import GRID, SIZE, make_explanation
from ..fakes import FakeBackend

PATIENCE = 30  # seconds, of a test that would fail
Widget = gw.ExplanationWidget
THREE = ["grad-eclip", "grad-cam", "self-attention"]
LEFT = {"kind": "box", "box": [0, 0, SIZE[0] / GRID[1], SIZE[1]]}  # the first column of patches


def computed(widget: Widget) -> list[str]:
    return [cell["name"] for cell in widget._comparison if "maps" in cell]


def begun(backend: FakeBackend) -> list[str]:
    return [method for _, method in backend.asked]


# One after the other


def test_the_caption_is_explained_by_every_compared_method(
    live: Widget, backend: FakeBackend
) -> None:
    live.compare = THREE
    live.wait(PATIENCE)
    assert list(live.comparison) == THREE
    assert {e.caption for e in live.comparison.values()} == {"a dog"}
    assert begun(backend) == THREE[1:], "the one on show is there already"
    assert backend.encoded == 1, "all share one pass of the image tower"
    assert (live.status, live.error) == ("ready", "")


def test_the_first_map_is_there_before_the_second_is_computed(
    live: Widget, backend: FakeBackend
) -> None:
    backend.gate.shut()
    live.compare = ["grad-cam", "grad-eclip"]
    assert backend.gate.reached.wait(PATIENCE)
    assert [cell["name"] for cell in live._comparison] == ["grad-cam", "grad-eclip"]
    assert (computed(live), list(live.comparison)) == (["grad-eclip"], ["grad-eclip"])
    backend.gate.open()
    live.wait(PATIENCE)
    assert computed(live) == ["grad-cam", "grad-eclip"]


def test_a_view_gets_maps_without_the_picture_that_it_has(live: Widget) -> None:
    live.compare = THREE[:2]
    live.wait(PATIENCE)
    for cell in live._comparison:
        assert set(cell) == {"name", "label", "header", "maps"}
        rows = sum(block["rows"] for block in cell["header"]["maps"])
        assert len(cell["maps"]) == 4 * rows * GRID[0] * GRID[1]


def test_a_further_method_is_computed_alone(live: Widget, backend: FakeBackend) -> None:
    live.compare = THREE[:2]
    live.wait(PATIENCE)
    shown: list[list[str]] = []
    live.observe(lambda change: shown.append(computed(live)), "_comparison")
    live.compare = THREE
    live.wait(PATIENCE)
    assert begun(backend) == THREE[1:]
    assert shown == [THREE[:2], THREE], "nothing that was there went meanwhile"


def test_a_method_that_fails_says_why_and_the_others_are_shown(
    live: Widget, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    explain = backend.explain

    def failing(request: Request, progress: Any = None) -> list[Explanation]:
        if request.method == "grad-cam":
            raise MemoryError
        return explain(request, progress)

    monkeypatch.setattr(backend, "explain", failing)
    live.compare = THREE
    live.wait(PATIENCE)
    assert computed(live) == ["grad-eclip", "self-attention"]
    assert live._comparison[1]["error"] == "MemoryError"
    assert list(live.comparison) == ["grad-eclip", "self-attention"]
    assert live.status == "ready"


def test_a_method_that_cannot_explain_the_model_says_why(scene: Scene) -> None:
    pooled = gw.ClipModel(demo.build(), demo.preprocess(), demo.tokenizer(), name="pooled")
    pooled.image_tower.has_query = False
    widget = gw.explore(scene.image, "a dog", pooled, compare=["grad-cam", "self-attention"])
    widget.wait(PATIENCE)
    assert computed(widget) == ["grad-cam"]
    assert "shows what a query attends to" in widget._comparison[1]["error"]


# What is asked meanwhile


def test_another_prompt_is_compared_anew(live: Widget, backend: FakeBackend) -> None:
    live.compare = THREE[:2]
    live.wait(PATIENCE)
    beside: list[tuple[str, set[str]]] = []
    live.observe(
        lambda change: beside.append(
            (live.explanation.caption, {e.caption for e in change["new"].values()})
        ),
        "comparison",
    )
    live.prompt = "a wolf"
    live.wait(PATIENCE)
    assert {caption for _, captions in beside for caption in captions} == {"a wolf"}
    assert computed(live) == THREE[:2]
    live.active = 1
    live.wait(PATIENCE)
    assert {e.caption for e in live.comparison.values()} == {"a red cat runs"}


def test_a_region_does_not_begin_anew_what_is_under_way(live: Widget, backend: FakeBackend) -> None:
    backend.gate.shut()
    live.compare = THREE[:2]
    assert backend.gate.reached.wait(PATIENCE)
    live.region = LEFT
    backend.gate.open()
    live.wait(PATIENCE)
    assert begun(backend) == ["grad-cam"]
    assert computed(live) == THREE[:2]


def test_asking_for_curves_does_not_begin_anew_what_is_under_way(
    live: Widget, backend: FakeBackend
) -> None:
    backend.gate.shut()
    live.compare = THREE[:2]
    assert backend.gate.reached.wait(PATIENCE)
    live.curves = True
    backend.gate.open()
    live.wait(PATIENCE)
    assert begun(backend) == ["grad-cam"]
    assert list(live.perturbation_curves) == THREE[:2]


def test_a_question_about_a_region_is_answered_first(live: Widget, backend: FakeBackend) -> None:
    backend.gate.shut()
    live.compare = THREE[:2]
    assert backend.gate.reached.wait(PATIENCE)
    live.region, live.vocabulary = LEFT, "demo"
    backend.gate.open()
    live.wait(PATIENCE)
    assert begun(backend) == ["grad-cam", "vocabulary", "grad-cam"]
    assert live.seen
    assert computed(live) == THREE[:2]


def test_cancelling_leaves_what_is_computed(live: Widget, backend: FakeBackend) -> None:
    backend.gate.shut()
    live.compare = THREE
    assert backend.gate.reached.wait(PATIENCE)
    live.cancel()
    backend.gate.open()
    live.wait(PATIENCE)
    assert (live.compare, computed(live), live.status) == (["grad-eclip"], ["grad-eclip"], "ready")
    assert begun(backend) == ["grad-cam"]


def test_ending_the_comparison_ends_its_work(live: Widget, backend: FakeBackend) -> None:
    backend.gate.shut()
    live.compare = THREE
    assert backend.gate.reached.wait(PATIENCE)
    live.compare = []
    backend.gate.open()
    live.wait(PATIENCE)
    assert (live.comparison, live._comparison, live.status) == ({}, [], "ready")
    assert begun(backend) == ["grad-cam"]


# What may be asked


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ["grad-can"],
            r"compare: no method 'grad-can'; did you mean 'grad-cam'\? There are 'grad-eclip', ",
        ),
        (["x"], r"compare: no method 'x'. There are 'grad-eclip', "),
        (["grad-cam", "grad-cam"], "names a method twice"),
        (["grad-cam"] * 7, "compare: 7 methods; give at most 6"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(
    live: Widget, names: list[str], said: str
) -> None:
    with pytest.raises(traitlets.TraitError, match=said):
        live.compare = names
    assert live.compare == []


def test_a_saved_explanation_has_no_model_to_compare_with() -> None:
    with pytest.raises(traitlets.TraitError, match="shows a saved explanation and has no model"):
        gw.show(make_explanation(), compare=THREE)


# The real thing


def test_the_maps_are_those_of_an_explainer_of_that_method(
    clip: gw.ClipModel, scene: Scene
) -> None:
    widget = gw.explore(scene.image, scene.caption, clip, compare=THREE)
    widget.wait(PATIENCE)
    for name in THREE:
        alone = gw.Explainer(clip, name)(scene.image, scene.caption)
        np.testing.assert_allclose(
            widget.comparison[name].interactions, alone.interactions, atol=1e-6
        )
        assert widget.comparison[name].seconds is not None


# Curves


def test_curves_are_measured_point_by_point_and_once(clip: gw.ClipModel, scene: Scene) -> None:
    widget = gw.explore(scene.image, scene.caption, clip, compare=["grad-cam"])
    widget.wait(PATIENCE)
    points: list[int] = []
    widget.observe(
        lambda change: points.append(
            sum(len(c["deletion"]) + len(c["insertion"]) for c in change["new"].values())
        ),
        "perturbation_curves",
    )
    widget.curves = True
    widget.wait(PATIENCE)
    assert points == list(range(1, 23))
    explainer = gw.Explainer(clip, "grad-cam")
    explanation = widget.comparison["grad-cam"]
    for measure in (Deletion(source="words"), Insertion(source="words")):
        expected = list(measure.curve(explainer, explanation))
        np.testing.assert_allclose(
            widget.perturbation_curves["grad-cam"][measure.name], expected, atol=1e-5
        )
    points.clear()
    widget.curves = False
    assert widget.perturbation_curves == {}
    widget.curves = True
    widget.wait(PATIENCE)
    assert points == [0, 22], "what was measured is kept"


def test_curves_are_those_of_the_map_on_show(clip: gw.ClipModel, scene: Scene) -> None:
    widget = gw.explore(scene.image, scene.caption, clip, compare=["grad-eclip"], curves=True)
    widget.wait(PATIENCE)
    words = widget.perturbation_curves["grad-eclip"]
    assert words["source"] == "words"
    widget.overview = "caption"
    widget.wait(PATIENCE)
    caption = widget.perturbation_curves["grad-eclip"]
    assert caption["source"] == "caption"
    assert caption["deletion"] != words["deletion"]
    explainer, explanation = gw.Explainer(clip), widget.comparison["grad-eclip"]
    expected = list(Deletion(source="caption").curve(explainer, explanation))
    np.testing.assert_allclose(caption["deletion"], expected, atol=1e-5)


def test_curves_that_cannot_be_relative_to_the_score_say_so(
    clip: gw.ClipModel, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Deletion, *arguments: Any) -> Any:
        raise ValueError("the picture's score is -0.1: a curve relative to it needs one above 0")

    monkeypatch.setattr(Deletion, "curve", refused)
    widget = gw.explore(scene.image, "a dog", clip, compare=["grad-cam"], curves=True)
    widget.wait(PATIENCE)
    assert "needs one above 0" in widget.perturbation_curves["grad-cam"]["error"]
    assert widget.status == "ready"


# Without a kernel


def test_a_saved_page_keeps_the_comparison(live: Widget, tmp_path: Path) -> None:
    live.compare = THREE[:2]
    live.wait(PATIENCE)
    text = live.save_html(tmp_path / "page.html").read_text("utf-8")
    found = re.search(r'id="gradeclip-state">(.*?)</script>', text)
    assert found is not None
    state = json.loads(found[1])
    assert state["compare"] == THREE[:2]
    assert [set(cell) for cell in state["_comparison"]] == [{"name", "label", "header", "maps"}] * 2


def test_methods_are_given_their_options(clip: gw.ClipModel, scene: Scene) -> None:
    quick, other = {"masks": 3}, {"masks": 4}
    expected = gw.Explainer(clip, "rise", method_options=quick)(scene.image, "a dog").signed_map
    by_keyword = gw.explore(scene.image, "a dog", clip, method="rise", method_options=quick)
    np.testing.assert_array_equal(by_keyword.explanation.signed_map, expected)
    of_explainer = gw.Explainer(clip, "rise", method_options=quick)
    kept = gw.explore(scene.image, "a dog", of_explainer)
    np.testing.assert_array_equal(kept.explanation.signed_map, expected)
    options = {"rise": quick, "m2ib": {"steps": 1}}
    compared = gw.explore(scene.image, "a dog", clip, compare=["rise"], method_options=options)
    compared.wait(PATIENCE)
    np.testing.assert_array_equal(compared.comparison["rise"].signed_map, expected)
    changed = gw.Explainer(clip, "rise", method_options=other)(scene.image, "a dog").signed_map
    assert not np.array_equal(changed, expected)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mask": 3}, "not 'mask'; did you mean 'masks'"),
        ({"masks": 0}, "masks=0"),
        ({"rise": {"mask": 3}}, "not 'mask'"),
        ({"rise": {"masks": 3}, "grad-clip": {}}, "no method 'grad-clip'"),
    ],
)
def test_wrong_options_of_a_method_are_refused_at_the_call(
    clip: gw.ClipModel, scene: Scene, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        gw.explore(scene.image, "a dog", clip, method="rise", method_options=options)
