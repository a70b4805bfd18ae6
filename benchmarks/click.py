"""Does a click select the thing under the pointer? ``python -m benchmarks.click [--scenes 1000]``.

In drawn scenes whose seeds nothing was chosen with, a random patch is clicked in every object: one whose
center lies in the object's mask. Intervals are 95 % bootstrap intervals over scenes.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import gradeclip_widget as gw
from gradeclip_widget.core import regions
from gradeclip_widget.core.regions import Region
from gradeclip_widget.demo import SceneObject
from gradeclip_widget.demo.world import counted

REGIONS = ("thing", "true mask", "one patch")
SAMPLES = 2000  # of the bootstrap

Rows = dict[str, list[tuple[int, float]]]  # by measure: the scene, and the value


def main() -> None:
    """Print the measures, each with its interval and the number of clicks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=987_000, help="of the first scene")
    parser.add_argument("--scenes", type=int, default=1000)
    args = parser.parse_args()

    explainer = gw.Explainer(gw.load("demo"))
    rows: Rows = defaultdict(list)
    for number in range(args.scenes):
        measure(explainer, gw.demo.sample_scene(args.seed + number), number, rows)
    print(f"{args.scenes} scenes from seed {args.seed}")
    for name, values in rows.items():
        print(f"{name:44} {interval(values)}")
    named = {of: f"named first, {of}" for of in REGIONS}
    for of in ("thing", "one patch"):
        ratio = interval(rows[named[of]], rows[named["true mask"]])
        print(f"{f'named first, {of} / true mask':44} {ratio}")


def measure(explainer: gw.Explainer, scene: gw.demo.Scene, number: int, rows: Rows) -> None:
    """Click once in every object and twice beside them, and add the measures of each click to the rows."""
    encoded = explainer.encode(scene.image)
    e = explainer(encoded, scene.caption)
    words, rng = gw.vocabularies("demo")["demo"], np.random.default_rng(number)
    (height, width), (grid_rows, grid_cols) = scene.image.size[::-1], e.patch_grid
    step_y, step_x = height // grid_rows, width // grid_cols
    empty = np.ones(e.patch_grid, bool)

    def add(name: str, value: float) -> None:
        rows[name].append((number, value))

    def click(where: NDArray[np.bool_]) -> tuple[tuple[int, int], Region]:
        row, col = rng.choice(np.argwhere(where))
        x, y = (col + 0.5) * step_x, (row + 0.5) * step_y
        return (row, col), e.thing_at(x, y)

    for thing in scene.objects:
        if not thing.mask.any():
            continue  # behind others
        covered = regions.coverage(thing.mask, scene.image.size, e.patch_grid, e.cover)
        empty &= covered == 0
        centers = thing.mask[step_y // 2 :: step_y, step_x // 2 :: step_x]
        if not centers.any():
            continue
        (row, col), region = click(centers)
        inside = e.coverage(region) > 0
        most = covered >= 0.5
        add("IoU with the patches at least half covered", _iou(inside, most))
        add(
            "IoU with the pixels of the mask",
            _iou(regions.pixels(region, scene.image.size), thing.mask),
        )
        add("the same, of the best union of patches", _best_iou(covered))
        add("patches of the thing", inside.sum())
        patch = (col * step_x, row * step_y, (col + 1) * step_x, (row + 1) * step_y)
        for of, part in zip(REGIONS, (region, thing.mask, patch), strict=True):
            (best,) = explainer.classify_region(encoded, part, words, 1)
            add(f"named first, {of}", best.word == thing.phrase)
            if thing.phrase in scene.mentioned:
                first = e.region_words(part)[0].text
                add(f"its word first, {of}", first in _words_of(thing))
    if empty.any():
        _, region = click(empty)
        inside = e.coverage(region) > 0
        add("ground: part of the empty patches selected", (inside & empty).sum() / empty.sum())
        add("ground: part of the region that is empty", (inside & empty).sum() / inside.sum())


def _words_of(thing: SceneObject) -> set[str]:
    """Return the words for a thing in captions, singular and plural."""
    return {*thing.phrase.split(), *counted(thing.phrase, 2).split()}


def _iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())


def _best_iou(covered: NDArray[np.float32]) -> float:
    """Return the largest IoU with a mask that whole patches can reach, from the mask's part of each patch."""
    most = np.sort(covered.ravel())[::-1]
    common = np.cumsum(most)
    return float((common / (np.arange(1, len(most) + 1) + most.sum() - common)).max())


def interval(
    values: Sequence[tuple[int, float]], over: Sequence[tuple[int, float]] | None = None
) -> str:
    """Return the mean with its interval, or the ratio of two means."""
    over = over or [(scene, 1.0) for scene, _ in values]
    scenes = 1 + max(scene for scene, _ in values)
    sums = np.zeros((2, scenes))
    for side, pairs in enumerate((values, over)):
        for scene, value in pairs:
            sums[side, scene] += value
    drawn = np.random.default_rng(0).integers(0, scenes, (SAMPLES, scenes))
    above, below = sums[:, drawn].sum(2)
    low, high = np.percentile(above / below, (2.5, 97.5))
    return f"{sums[0].sum() / sums[1].sum():.3f} ({low:.3f} to {high:.3f}, n = {len(values)})"


if __name__ == "__main__":
    main()
