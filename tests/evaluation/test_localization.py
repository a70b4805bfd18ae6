"""Measures against masks, on maps whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradeclip_widget as gw
from gradeclip_widget.evaluation import (
    BestReading,
    EnergyPointing,
    Evaluation,
    Example,
    MaskIoU,
    Measure,
    PixelAccuracy,
    PointingGame,
    RegionToWord,
    demo_examples,
    evaluate,
)
from gradeclip_widget.evaluation.measure import LeftOutWarning

from .handmade import (
    LEFT,
    RIGHT,
    RIGHT_MAPS,
    WRONG_MAPS,
    box_mask,
    by_hand,
    example,
    explained,
    patches,
)

METHODS = {"right": by_hand(RIGHT_MAPS), "wrong": by_hand(WRONG_MAPS)}


def means(measure: Measure, explainers: Any = METHODS, *examples: Example) -> dict[str, float]:
    result: Evaluation = measure(explainers, examples or [example()], progress=False)
    return dict(zip(result.table["method"], result.table["mean"], strict=True))


def test_the_mask_as_a_map_points_at_every_object_and_the_others_mask_at_none() -> None:
    assert means(PointingGame()) == {"right": 1, "wrong": 0}


def test_a_near_miss_counts_within_the_tolerance() -> None:
    """The peak lies three pixels right of the dog, on a picture of 32."""
    near = by_hand({"dog": patches(box_mask(12, 12, 16, 16))})
    only_dog = example(dog=LEFT)
    assert means(PointingGame(tolerance=3 / 32), {"near": near}, only_dog) == {"near": 1}
    assert means(PointingGame(tolerance=0), {"near": near}, only_dog) == {"near": 0}


def test_energy_is_the_part_of_a_map_on_its_object() -> None:
    assert means(
        EnergyPointing(), {"even": by_hand({"dog": np.ones((8, 8))})}, example(dog=LEFT)
    ) == {"even": pytest.approx(LEFT.mean())}
    result = means(EnergyPointing())
    assert result["right"] > 0.6  # some of it is smoothed over the edge
    assert result["wrong"] == 0


def test_overlap_and_accuracy_at_half_of_the_maximum() -> None:
    # Of an even map every pixel is high.
    even = {"even": by_hand({"dog": np.full((8, 8), 0.25)})}
    assert means(MaskIoU(), even, example(dog=LEFT)) == {"even": pytest.approx(LEFT.mean())}
    assert means(PixelAccuracy(), even, example(dog=LEFT)) == {"even": pytest.approx(LEFT.mean())}
    assert means(MaskIoU())["right"] == 0.96875  # the rounded corners are missed
    assert means(PixelAccuracy())["wrong"] == 1 - 2 * LEFT.mean() + 4 / 32**2


def test_an_empty_map_is_accurate_outside_of_the_object_and_overlaps_nothing() -> None:
    empty = {"empty": by_hand({})}
    assert means(MaskIoU(), empty, example(dog=LEFT)) == {"empty": 0}
    assert means(PixelAccuracy(), empty, example(dog=LEFT)) == {
        "empty": pytest.approx(1 - LEFT.mean())
    }


@pytest.mark.parametrize("region", ["mask", "box"])
def test_the_first_word_of_a_region_is_the_one_whose_map_lies_there(region: Any) -> None:
    assert means(RegionToWord(region=region)) == {"right": 1, "wrong": 0}


def test_a_single_object_is_not_measured_by_regions() -> None:
    lone = example("lone", dog=LEFT)
    result = RegionToWord()(METHODS, [lone, example("both")], progress=False)
    assert set(result.examples["example"]) == {"both"}
    with pytest.raises(ValueError, match="two phrases"):
        RegionToWord()(METHODS, [lone], progress=False)


def test_each_reading_is_measured_separately() -> None:
    def several(image: Any, caption: str) -> Any:
        right, wrong = (
            explained(image, caption, maps).raw_maps() for maps in (RIGHT_MAPS, WRONG_MAPS)
        )
        return explained(image, caption, RIGHT_MAPS, alone=wrong, left_out=right)

    table = BestReading()({"m": several}, [example()], progress=False).table
    assert dict(zip(table["reading"], table["mean"], strict=True)) == {
        "in caption": 1,
        "alone": 0,
        "left out": 1,
    }
    assert means(PointingGame(reading="alone"), {"m": several}) == {"m": 0}


def test_the_map_of_a_cropped_picture_lies_on_the_cropped_part() -> None:
    """The grid covers the right half alone, and its left column lies on the cat's left edge."""
    column = np.zeros((8, 8))
    column[4, 2] = 1  # at x = 16 + 2.5 * 2 = 21
    cover = (16.0, 0.0, 32.0, 32.0)
    cropped = {"m": by_hand({"cat": column}, cover=cover)}
    assert means(PointingGame(tolerance=0), cropped, example(cat=RIGHT)) == {"m": 1}
    assert means(EnergyPointing(), cropped, example(cat=RIGHT))["m"] > 0.5


def test_a_thing_that_the_model_did_not_see_is_left_out_and_is_no_miss() -> None:
    cover = (16.0, 0.0, 32.0, 32.0)
    cropped = {"m": by_hand({"cat": np.ones((8, 8)), "dog": np.ones((8, 8))}, cover=cover)}
    measures = [PointingGame(), EnergyPointing(), MaskIoU(), PixelAccuracy(), BestReading()]
    one = example("a", dog=LEFT, cat=RIGHT)
    with pytest.warns(LeftOutWarning, match=r"'a'.*not see 'dog'.*\(16, 0, 32, 32\)"):
        results = evaluate(cropped, [one], measures, progress=False)
    for result in results.values():
        assert result.examples["word"].tolist() == ["cat"]
        assert "'dog'" in result.unseen[0].reason
        assert "1 thing" in result._repr_html_()
    with pytest.raises(ValueError, match="no example has"):  # all things are out of sight
        evaluate(cropped, [example(dog=LEFT)], [PointingGame()], progress=False)


def test_only_the_seen_part_of_a_thing_counts() -> None:
    cover = (16.0, 0.0, 32.0, 32.0)
    cropped = {"m": by_hand({"cat": np.ones((8, 8))}, cover=cover)}
    whole = example(cat=np.ones((32, 32), bool))
    assert means(MaskIoU(), cropped, whole) == {"m": 1}
    assert means(PixelAccuracy(), cropped, whole) == {"m": 1}


def test_the_embedded_model_points_at_the_named_things(explainer: gw.Explainer) -> None:
    result = PointingGame()(explainer, demo_examples(4, 490_000), progress=False)
    assert result.table["mean"][0] == 1
    assert result.table["method"][0] == "Grad-ECLIP"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MaskIoU(threshold=0), "threshold=0"),
        (lambda: PixelAccuracy(threshold=1.5), "threshold=1.5"),
        (lambda: RegionToWord(region="point"), "'mask' or 'box'"),
    ],
)
def test_unknown_options_raise_errors(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
