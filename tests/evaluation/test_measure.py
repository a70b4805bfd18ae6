"""Evaluations: their inputs, results and errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gradeclip_widget as gw
from gradeclip_widget.evaluation import (
    Deletion,
    EnergyPointing,
    Example,
    FailedExample,
    LeftOutWarning,
    PointingGame,
    demo_examples,
    evaluate,
)

from ..factories import picture
from .handmade import CAPTION, LEFT, RIGHT_MAPS, WRONG_MAPS, by_hand, example

METHODS = {"wrong": by_hand(WRONG_MAPS), "right": by_hand(RIGHT_MAPS)}


def test_the_table_has_the_best_method_first_and_examples_has_a_row_per_word() -> None:
    result = PointingGame()(METHODS, [example("x"), example("y")], progress=False)
    assert result.table.to_dict("list") == {
        "method": ["right", "wrong"],
        "mean": [1, 0],
        "low": [1, 0],
        "high": [1, 0],
        "n": [4, 4],
        "examples": [2, 2],
    }
    first = result.examples.iloc[0].to_dict()
    assert first == {"example": "x", "method": "wrong", "word": "dog", "value": 0}


def test_every_method_explains_every_example_once_for_all_measures() -> None:
    calls: list[str] = []

    def counted(image: Any, caption: str) -> Any:
        calls.append(caption)
        return METHODS["right"](image, caption)

    measures = [PointingGame(), EnergyPointing(), PointingGame(tolerance=0.5)]
    results = evaluate(counted, [example("x"), example("y")], measures, progress=False)
    assert list(results) == ["pointing game", "energy in the mask", "pointing game, tolerance=0.5"]
    assert len(calls) == 2


def test_the_image_tower_runs_once_for_methods_with_equal_options(
    clip: gw.ClipModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[Any] = []
    whole = gw.Explainer.encode
    monkeypatch.setattr(
        gw.Explainer, "encode", lambda self, *args: encoded.append(1) or whole(self, *args)
    )
    explainers: dict[str, Any] = {
        name: gw.Explainer(clip, name) for name in ("grad-eclip", "grad-cam")
    }
    PointingGame()(explainers, demo_examples(1), progress=False)
    assert len(encoded) == 1
    explainers["fine"] = gw.Explainer(clip, resolution=448)
    PointingGame()(explainers, demo_examples(1), progress=False)
    assert len(encoded) == 3


def test_examples_may_come_from_a_generator() -> None:
    def generate() -> Iterator[Example]:
        yield example("x")
        yield example("y")

    assert PointingGame()(METHODS, generate(), progress=False).table["examples"].tolist() == [2, 2]


def test_the_methods_are_compared_on_the_same_resamples() -> None:
    examples = [example("x"), example("y", dog=~LEFT), example("z", cat=LEFT)]
    result = PointingGame()(METHODS, examples, progress=False)
    difference = result.differences("wrong").iloc[0]
    assert difference["method"] == "right"
    means = result.table.set_index("method")["mean"]
    assert difference["mean"] == pytest.approx(means["right"] - means["wrong"])
    assert difference["low"] <= difference["mean"] <= difference["high"]
    with pytest.raises(ValueError, match="no method 'other'"):
        result.differences("other")


def test_extremes_are_the_best_and_the_worst_example() -> None:
    examples = [example("good"), example("half", dog=~LEFT, cat=~LEFT), example("bad", dog=~LEFT)]
    result = PointingGame()(METHODS["right"], examples, progress=False)
    method = result.table["method"][0]
    assert result.extremes(method, 1) == (["good"], ["bad"])


def test_the_same_seed_gives_the_same_numbers_bit_for_bit(explainer: gw.Explainer) -> None:
    def measured(seed: int) -> Any:
        return Deletion(steps=2)(explainer, demo_examples(2), seed=seed, progress=False)

    one, again, other = measured(1), measured(1), measured(2)
    pd.testing.assert_frame_equal(one.examples, again.examples, check_exact=True)
    pd.testing.assert_frame_equal(one.table, again.table, check_exact=True)
    assert (one.examples["value"] != other.examples["value"]).all()


def test_random_numbers_of_an_example_do_not_depend_on_other_examples(
    explainer: gw.Explainer,
) -> None:
    examples = list(demo_examples(3))
    alone = Deletion(steps=2)(explainer, examples[2:], progress=False).examples["value"][0]
    together = Deletion(steps=2)(explainer, examples, progress=False).examples["value"][2]
    assert alone == together


def test_a_figure_shows_curves_or_intervals(explainer: gw.Explainer) -> None:
    results = evaluate(
        {"<b>": explainer}, demo_examples(2), [Deletion(steps=2), PointingGame()], progress=False
    )
    curve = results["deletion, steps=2"]
    assert curve.curves is not None
    assert curve.curves["step"].tolist() == [0, 0.25, 0.5]
    line = curve.figure().data[-1]
    assert line.name == "&lt;b&gt;"
    np.testing.assert_array_equal(line.y, curve.curves["mean"])
    bars = results["pointing game"].figure().data[0]
    assert bars.x.tolist() == results["pointing game"].table["mean"].tolist()


def test_a_notebook_shows_the_table_with_names_escaped() -> None:
    explainers = {"<script>": METHODS["right"]}
    text = PointingGame()(explainers, [example()], progress=False)._repr_html_()
    assert "&lt;script&gt;" in text
    assert "<script>" not in text
    assert "95%" in text


def test_progress_is_reported_before_each_example_and_can_stop_the_work() -> None:
    seen: list[tuple[str, int, int | None]] = []

    def stop(*step: Any) -> None:
        seen.append(step)
        if step[1] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        PointingGame()(METHODS, [example("x"), example("y"), example("z")], progress=stop)
    assert seen == [("examples", 0, 3), ("examples", 1, 3)]


def test_a_progress_bar_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    PointingGame()(METHODS, [example("x"), example("y")])
    assert "2/2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((METHODS, [], [PointingGame()]), "there are no examples"),
        (({}, [example()], [PointingGame()]), "there are no explainers"),
        ((METHODS, [example()], []), "there are no measures"),
        ((METHODS, [example()], [PointingGame()] * 2), "twice"),
        ((METHODS, [example("x")] * 2, [PointingGame()]), "two examples have the id 'x'"),
        ((METHODS, [Example(picture(), CAPTION, "x")], [PointingGame()]), "example 'x' .*masks"),
        (
            (METHODS, [Example(picture(), CAPTION, masks={"dog": LEFT})], [PointingGame()]),
            r"'0': mask of 'dog': .*\(32, 32\).*\(40, 60\)",
        ),
        ((METHODS, [example()], [Deletion()]), "at least one gw.Explainer"),
    ],
)
def test_inputs_that_cannot_be_measured_raise_errors(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(*arguments, progress=False)


def test_examples_that_cannot_be_explained_are_left_out_with_the_reason(
    explainer: gw.Explainer,
) -> None:
    methods = METHODS | {"grad-eclip": explainer}  # cannot explain the wide picture
    good = [example("x"), example("y", dog=~LEFT)]
    bad = [
        Example(b"no picture", CAPTION, "damaged", {"dog": LEFT}),
        Example("nowhere.png", CAPTION, "missing", {"dog": LEFT}),
        Example(picture(), CAPTION, "masked", {"dog": LEFT}),
        Example(picture((5000, 2)), CAPTION, "wide", {"dog": np.ones((2, 5000), bool)}),
        FailedExample("failed", "its mask is damaged"),
    ]
    mixed = [bad[0], good[0], *bad[1:4], good[1], bad[4]]
    with pytest.warns(LeftOutWarning, match="5 of 7 .*'damaged'"):
        result = PointingGame()(methods, mixed, progress=False)
    whole = PointingGame()(methods, good, progress=False)
    pd.testing.assert_frame_equal(result.examples, whole.examples)
    pd.testing.assert_frame_equal(result.table, whole.table)
    reasons = {failed.id: failed.reason for failed in result.left_out}
    assert list(reasons) == ["damaged", "missing", "masked", "wide", "failed"]
    assert "nowhere.png" in reasons["missing"]
    assert "resize the mask" in reasons["masked"]
    assert "crop it" in reasons["wide"]
    assert "5 examples left out, such as &#x27;damaged&#x27;" in result._repr_html_()
    assert "left out" not in whole._repr_html_()


def test_values_of_other_types_raise_errors() -> None:
    with pytest.raises(TypeError, match="explainer 'x' is int"):
        PointingGame()({"x": 3}, [example()], progress=False)
    with pytest.raises(TypeError, match="not str"):
        PointingGame()(METHODS, ["a dog"], progress=False)
    with pytest.raises(ValueError, match="confidence=95"):
        PointingGame()(METHODS, [example()], confidence=95, progress=False)
