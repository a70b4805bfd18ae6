"""Deletion and insertion, checked against pictures altered by hand."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

import gradeclip_widget as gw
from gradeclip_widget.evaluation import Deletion, Insertion, demo_examples
from gradeclip_widget.evaluation.measures.perturbation import picture_scores

from ..factories import picture
from .handmade import GRID, explained

RNG = np.random.default_rng


def altered(measure: Any, values: np.ndarray, **more: Any) -> list[np.ndarray]:
    explanation = explained(picture((16, 16)), "a dog", {"dog": values}, **more)
    return [np.asarray(image) for image in measure.pictures(explanation, RNG(5))]


COLUMNS = np.tile(np.arange(GRID, dtype=np.float32), (GRID, 1))  # the right edge is highest


def test_the_highest_pixels_are_deleted_first_until_half_of_the_picture_is() -> None:
    before = np.asarray(picture((16, 16)))
    pictures = altered(Deletion(steps=4, fill="mean"), COLUMNS)
    changed = [(image != before).any(-1) for image in pictures]
    assert [change.sum() for change in changed] == [0, 32, 64, 96, 128]
    assert changed[-1][:, 8:].all()
    assert not changed[-1][:, :8].any()
    mean = np.rint(before.reshape(-1, 3).mean(0))
    assert (pictures[-1][:, 8:] == mean).all()


def test_insertion_brings_back_the_same_pixels_from_the_fill() -> None:
    before = np.asarray(picture((16, 16)))
    deleted = altered(Deletion(steps=2, until=1.0), COLUMNS)
    inserted = altered(Insertion(steps=2, until=1.0), COLUMNS)
    assert (inserted[0] == deleted[-1]).all()
    assert (inserted[-1] == before).all()
    assert (inserted[1][:, 8:] == before[:, 8:]).all()
    assert (inserted[1][:, :8] == inserted[0][:, :8]).all()


def test_ten_steps_are_the_hundred_of_the_paper_recorded_every_tenth_time() -> None:
    fine = altered(Deletion(steps=100), COLUMNS)
    coarse = altered(Deletion(), COLUMNS)
    assert all((a == b).all() for a, b in zip(fine[::10], coarse, strict=True))


def test_noise_is_uniform_over_all_colors() -> None:
    noise = altered(Insertion(), COLUMNS)[0].astype(float)
    assert noise.mean() == pytest.approx(127.5, abs=5)
    assert noise.std() == pytest.approx(255 / 12**0.5, abs=5)


def test_blur_fills_with_the_blurred_picture() -> None:
    blurred = picture((16, 16)).filter(ImageFilter.GaussianBlur(1.6))
    assert (altered(Insertion(fill="blur"), COLUMNS)[0] == np.asarray(blurred)).all()


def test_pixels_of_equal_value_are_deleted_in_random_order() -> None:
    before = np.asarray(picture((16, 16)))
    changed = (altered(Deletion(fill="mean"), np.ones((GRID, GRID)))[-1] != before).any(-1)
    for half in (changed[:8], changed[8:], changed[:, :8], changed[:, 8:]):
        assert 0.35 < half.mean() < 0.65


def test_parts_are_of_the_pixels_that_the_model_saw() -> None:
    before = np.asarray(picture((16, 16)))
    cover = (0.0, 0.0, 8.0, 16.0)
    pictures = altered(Deletion(fill="mean"), np.full((GRID, GRID), -1.0), cover=cover)
    changed = (pictures[-1] != before).any(-1)
    assert changed[:, :8].mean() == 0.5
    assert not changed[:, 8:].any()


def test_the_curve_is_the_score_relative_to_the_whole_picture(explainer: gw.Explainer) -> None:
    (one,) = demo_examples(1, 490_000)
    result = Deletion(steps=2)(explainer, [one], seed=7, progress=False)
    explanation = explainer(one.image, one.caption)
    case_seed = (7, zlib.crc32(b"scene 490000"))
    images = list(Deletion(steps=2).pictures(explanation, RNG(case_seed)))
    by_hand = np.array([explainer.scores(image, [one.caption])[0] for image in images])
    by_hand /= explainer.scores(one.image, [one.caption])[0]
    assert result.curves is not None
    np.testing.assert_allclose(result.curves["mean"], by_hand, rtol=1e-4)
    area = (by_hand[0] / 2 + by_hand[1] + by_hand[2] / 2) / 2
    assert result.examples["value"][0] == pytest.approx(area, rel=1e-4)


def test_scores_of_several_pictures_are_those_of_each(explainer: gw.Explainer) -> None:
    examples = list(demo_examples(3, 490_000))
    together = picture_scores(explainer, [one.image for one in examples], "a dog and a tree")
    alone = [explainer.scores(one.image, ["a dog and a tree"])[0] for one in examples]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_objects_mask_is_a_better_map_than_its_inverse(explainer: gw.Explainer) -> None:
    examples = list(demo_examples(3, 490_000))
    masks = {
        one.caption: np.logical_or.reduce(list(one.masks.values())).astype(np.float32)
        for one in examples
    }

    def oracle(sign: int) -> Any:
        def explain(image: Any, caption: str) -> Any:
            grid = Image.fromarray(masks[caption]).resize((14, 14), Image.Resampling.BOX)
            e = explained(image, caption, {})
            rows = np.zeros((len(e.words), 14, 14), np.float32)
            return type(e)(
                **vars(e) | {"signed_map": sign * np.asarray(grid), "interactions": rows}
            )

        return explain

    methods = {"mask": oracle(1), "inverse": oracle(-1), "Grad-ECLIP": explainer}
    for measure in (Deletion(steps=3), Insertion(steps=3)):
        table = measure(methods, examples, progress=False).table["method"].tolist()
        assert table.index("mask") < table.index("inverse")


def test_the_evidence_of_the_words_can_order_the_pixels() -> None:
    """The caption's map is highest at the right edge, and the dog's at the left one."""
    before = np.asarray(picture((16, 16)))
    for source, left in (("caption", False), ("words", True)):
        pictures = altered(
            Deletion(fill="mean", source=source), COLUMNS[:, ::-1], signed_map=COLUMNS
        )
        changed = (pictures[-1] != before).any(-1)
        assert changed[:, :8].all() == left
        assert changed[:, 8:].any() != left


def test_the_points_of_a_curve_come_one_by_one(explainer: gw.Explainer) -> None:
    (one,) = demo_examples(1, 490_000)
    explanation = explainer(one.image, one.caption)
    points = Insertion(steps=2).curve(explainer, explanation)
    assert next(points)[0] == 0
    rest = list(points)
    assert [part for part, _ in rest] == [0.25, 0.5]
    together = list(Insertion(steps=2).curve(explainer, explanation, batch=3))
    np.testing.assert_allclose(together[1:], rest, atol=1e-4)


def test_a_score_below_zero_has_no_curve(explainer: gw.Explainer) -> None:
    image = Image.new("RGB", (224, 224), "white")
    captions = ["a dog", "a red circle", "a tree", "a fish", "a car"]
    scores = explainer.scores(image, captions)
    caption = captions[int(scores.argmin())]
    assert scores.min() < 0
    with pytest.raises(ValueError, match="above 0"):
        next(Deletion().curve(explainer, explainer(image, caption)))
    with pytest.raises(ValueError, match="above 0"):
        Deletion()(explainer, [gw.evaluation.Example(image, caption)], progress=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fill": "nois"}, "fill='nois'.*'noise'"),
        ({"source": "word"}, "source='word'"),
        ({"until": 0}, "until=0"),
        ({"steps": 0}, "steps=0"),
    ],
)
def test_unknown_options_raise_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Deletion(**options)
