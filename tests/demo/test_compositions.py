"""The chosen scenes, as someone sees them who has never heard of the method: words lie on their objects."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

import gradeclip_widget as gw
from gradeclip_widget.demo.scenes import Scene
from gradeclip_widget.evaluation.pointing import pointing_hit
from training.measured import mentions

SCENES = gw.demo.scenes()


@pytest.fixture(scope="module")
def explainer() -> gw.Explainer:
    return gw.Explainer(gw.load("demo", device="cpu"))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.caption)
def test_objects_have_the_most_important_words_and_their_maps(
    explainer: gw.Explainer, scene: Scene
) -> None:
    e = explainer(scene.image, scene.caption)
    named = list(mentions(scene, e))
    nouns = {words[-1] for _, words in named}
    leading = np.argsort(-e.word_importance)[: sum(len(words) for _, words in named)]
    assert nouns <= set(leading.tolist())
    lit = {word: highlight for highlight in e.highlights() for word in highlight.words}
    for mask, words in named:
        for reading in e.readings:
            assert pointing_hit(e.raw_map(words, reading), mask), (reading, words)
        assert lit[words[-1]].hue is not None
        assert mask[patch_pixels(e, *lit[words[-1]].peak)].any()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.caption)
def test_every_object_is_highlighted_in_the_overview(explainer: gw.Explainer, scene: Scene) -> None:
    e = explainer(scene.image, scene.caption)
    for mask, _ in mentions(scene, e):
        inside = e.coverage(mask)
        assert (e.evidence_map * inside).sum() / inside.sum() > e.evidence_map.mean()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.caption)
def test_nothing_touches_the_border_of_the_picture(scene: Scene) -> None:
    for thing in scene.objects:
        x0, y0, x1, y1 = thing.box
        assert min(x0, y0, scene.image.width - x1, scene.image.height - y1) >= 8


def test_all_scenes_are_drawn_in_one_style() -> None:
    styles = {thing.style for scene in SCENES for thing in scene.objects}
    assert len(styles - {"shape"}) == 1


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.caption)
def test_backgrounds_are_cool_and_quiet(scene: Scene) -> None:
    pixels = np.asarray(scene.image).astype(int)
    things = Image.fromarray(np.logical_or.reduce([thing.mask for thing in scene.objects]))
    ground = ~np.asarray(things.convert("L").filter(ImageFilter.MaxFilter(7))).astype(bool)
    red, _, blue = np.moveaxis(pixels[ground], -1, 0)
    assert (blue >= red).mean() > 0.98  # the heat is orange
    step = np.abs(np.diff(pixels.sum(axis=2), axis=1))[ground[:, 1:] & ground[:, :-1]]
    assert np.percentile(step, 99) <= 6  # of 765: no grain


@pytest.mark.parametrize(("scene", "name"), [(0, "bicycle"), (2, "apple"), (7, "panda")])
def test_the_shadow_of_an_object_is_not_in_its_mask(scene: int, name: str) -> None:
    pixels = np.asarray(SCENES[scene].image).astype(int).sum(axis=2)
    thing = next(thing for thing in SCENES[scene].objects if thing.name == name)
    x0, _, x1, y1 = thing.box
    below = y1 + 3, (x0 + x1) // 2
    assert pixels[below] < pixels[below[0], -1] - 6
    assert not thing.mask[below]


def test_composed_scenes_are_the_same_at_every_size() -> None:
    for large, small in zip(SCENES, gw.demo.scenes(150), strict=True):
        assert small.image.size == (150, 150)
        assert small.caption == large.caption
        for one, other in zip(small.objects, large.objects, strict=True):
            assert np.abs(np.array(one.box) * 448 / 150 - other.box).max() <= 8


def patch_pixels(e: gw.Explanation, row: int, col: int) -> tuple[slice, slice]:
    """The picture's pixels under a patch."""
    rows, cols = e.patch_grid
    height, width = e.image.height // rows, e.image.width // cols
    return slice(row * height, (row + 1) * height), slice(col * width, (col + 1) * width)
