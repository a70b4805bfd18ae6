"""Scenes: the same for everybody, and true."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradeclip_widget import demo
from gradeclip_widget.demo.sprites import PACK, draw_shape, shipped
from gradeclip_widget.demo.world import COLORS, HELD_OUT_STYLE, OBJECTS, SHAPES, SHIPPED_STYLES
from gradeclip_widget.training.render_artwork import SIDE

SEEDS = st.integers(500_000, 1_000_000)
few = settings(max_examples=25, deadline=None)


@pytest.mark.parametrize(
    ("seed", "digest"),
    [
        (500_000, "9fc41b1020bc6045"),
        (500_001, "4a93506ba7f25e21"),
        (500_002, "85799bc1527cca9c"),
    ],
)
def test_a_seed_gives_the_same_pixels_everywhere(seed: int, digest: str) -> None:
    pixels = demo.sample_scene(seed).image.tobytes()
    assert hashlib.sha256(pixels).hexdigest()[:16] == digest


def test_pixels_do_not_depend_on_the_order_of_hashes() -> None:
    script = (
        "import hashlib; from gradeclip_widget import demo; s = demo.sample_scene(500_003);"
        "print(s.caption, hashlib.sha256(s.image.tobytes()).hexdigest())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


def test_importing_the_demo_needs_no_torch() -> None:
    script = "import sys, gradeclip_widget.demo; sys.exit('torch' in sys.modules)"
    subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": ":".join(sys.path)}, check=True
    )


@few
@given(SEEDS)
def test_boxes_enclose_masks_tightly(seed: int) -> None:
    for thing in demo.sample_scene(seed).objects:
        x0, y0, x1, y1 = thing.box
        inside = thing.mask[y0:y1, x0:x1]
        assert inside.sum() == thing.mask.sum() > 0
        assert inside[0].any()
        assert inside[-1].any()
        assert inside[:, 0].any()
        assert inside[:, -1].any()


@few
@given(SEEDS)
def test_no_pixel_belongs_to_two_objects(seed: int) -> None:
    scene = demo.sample_scene(seed, objects=4)
    assert np.sum([thing.mask for thing in scene.objects], axis=0).max() == 1


def test_a_mask_covers_the_pixels_of_its_color() -> None:
    scene = demo.sample_scene(500_007, objects=["red circle", "blue square"])
    pixels = np.asarray(scene.image).astype(int)
    for thing in scene.objects:
        color = np.median(pixels[thing.mask], axis=0)
        assert np.abs(color - COLORS[thing.color or ""]).max() <= 15
        same = np.abs(pixels - color).max(axis=2) == 0
        assert (same & thing.mask).sum() > 0.9 * same.sum()


@few
@given(SEEDS)
def test_captions_name_only_what_is_in_the_picture(seed: int) -> None:
    scene = demo.sample_scene(seed)
    assert set(scene.mentioned) <= {thing.phrase for thing in scene.objects}
    named = {word for phrase in scene.mentioned for word in phrase.split()}
    assert {*OBJECTS} & {*scene.caption.replace(",", "").split()} <= named | {*COLORS}


@few
@given(SEEDS, st.integers(1, 4))
def test_as_many_objects_as_asked_for(seed: int, count: int) -> None:
    assert len(demo.sample_scene(seed, objects=count).objects) == count


def test_named_objects_are_drawn() -> None:
    scene = demo.sample_scene(500_004, objects=["dog", "pink star", "apple"])
    assert [thing.phrase for thing in scene.objects] == ["dog", "pink star", "apple"]


@pytest.mark.parametrize("name", ["unicorn", "red dog", "circle", ""])
def test_unknown_things_are_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"no '{name}'"):
        demo.sample_scene(1, objects=[name])


@few
@given(SEEDS)
def test_a_scene_is_the_same_at_every_size(seed: int) -> None:
    small, large = demo.sample_scene(seed), demo.sample_scene(seed, size=448)
    assert small.caption == large.caption
    for one, other in zip(small.objects, large.objects, strict=True):
        assert one.phrase == other.phrase
        assert np.abs(2 * np.array(one.box) - other.box).max() <= 8


def test_relations_in_captions_are_true() -> None:
    told = 0
    for seed in range(500_000, 500_060):
        scene = demo.sample_scene(seed, objects=2)
        for relation, axis, sign in (("left of", 0, 1), ("above", 1, 1), ("below", 1, -1)):
            if relation in scene.caption:
                first, second = (
                    next(thing.box for thing in scene.objects if thing.phrase == phrase)
                    for phrase in scene.mentioned
                )
                assert (
                    sign * (second[axis] + second[axis + 2] - first[axis] - first[axis + 2]) > -30
                )
                told += 1
    assert told > 5


def test_counts_are_right() -> None:
    scenes = [demo.sample_scene(seed, objects=3) for seed in range(500_000, 500_100)]
    counted = [scene for scene in scenes if "two " in scene.caption]
    assert counted
    for scene in counted:
        phrases = [thing.phrase for thing in scene.objects]
        assert any(phrases.count(phrase) == 2 for phrase in scene.mentioned)


def test_the_held_out_style_draws_every_object() -> None:
    assert {HELD_OUT_STYLE, *shipped().styles} == {*SHIPPED_STYLES}
    for word in OBJECTS:
        assert HELD_OUT_STYLE in shipped().styles_of(word)
        assert len(shipped().styles_of(word)) >= 3


def test_the_artwork_is_small_enough_to_ship() -> None:
    assert PACK.stat().st_size <= 3_000_000


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_has_one_color_on_a_transparent_background(shape: str) -> None:
    drawn = np.asarray(draw_shape(shape, (10, 200, 30)))
    assert drawn.shape == (SIDE, SIDE, 4)
    assert (drawn[..., :3] == (10, 200, 30)).all()
    assert 0.2 < (drawn[..., 3] > 128).mean() < 0.95


def test_there_are_a_few_chosen_scenes_and_they_are_large() -> None:
    chosen = demo.scenes()
    assert 6 <= len(chosen) <= 8
    assert all(scene.image.width >= 448 and len(scene.caption.split()) >= 4 for scene in chosen)
