"""Measure the embedded model on scenes that it was not trained on.

    python -m training.evaluate --scenes 1000

Prints a table with the results on the drawing styles of training and on the held-out style.
"""

from __future__ import annotations

import argparse
import datetime
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor

from gradeclip_widget.clip import ClipModel
from gradeclip_widget.demo import model as demo
from gradeclip_widget.demo.scenes import Scene, sample_scene
from gradeclip_widget.demo.world import (
    COLORS,
    HELD_OUT_STYLE,
    OBJECTS,
    SEEN_STYLES,
    SHAPES,
    singular,
)
from gradeclip_widget.evaluation import EnergyPointing, PointingGame, RegionToWord
from gradeclip_widget.explain.explainer import Explainer
from gradeclip_widget.explain.word_lists import vocabularies

from .importance_measures import first_picture, importance_agreement
from .measured import ExplainedScene, Measured, Result, mean, measure_scenes

FIRST_SEED = 500_000  # lower seeds are for training
CAPTIONS_IN_VIEW = 100
LOCALIZATION = {
    "pointing game": PointingGame(),
    "pointing game to the pixel": PointingGame(tolerance=0),
    "energy in the mask": EnergyPointing(),
    "click -> word": RegionToWord(),
}
STYLES = {"seen": SEEN_STYLES, "held out": (HELD_OUT_STYLE,)}


def naming(clip: ClipModel, seeds: Sequence[int], styles: Sequence[str]) -> Measured:
    """Measure zero-shot naming: which of all objects is the single object of a scene?"""
    words = [Random(seed).choice(OBJECTS) for seed in seeds]
    scenes = [sample_scene(s, [w], styles=styles) for s, w in zip(seeds, words, strict=True)]
    texts = encode_captions(clip, [f"a photo of {singular(word)}" for word in OBJECTS])
    ranked = (encode_scenes(clip, scenes) @ texts.T).argsort(1, descending=True)
    truth = torch.tensor([OBJECTS.index(word) for word in words])[:, None]
    return {
        "naming top-1": mean(ranked[:, :1] == truth),
        "naming top-5": mean((ranked[:, :5] == truth).any(1)),
    }


def retrieval(clip: ClipModel, seeds: Sequence[int], styles: Sequence[str]) -> Measured:
    """Measure whether a picture's caption has the highest score of 100.

    The other 99 are captions of the next scenes, without those that name only things in the picture, which
    may be true too.
    """
    scenes = [sample_scene(seed, styles=styles) for seed in seeds]
    scores = encode_scenes(clip, scenes) @ encode_captions(clip, [s.caption for s in scenes]).T
    hits = []
    for k, scene in enumerate(scenes):
        present = {thing.phrase for thing in scene.objects}
        order = [(k + step) % len(scenes) for step in range(1, len(scenes))]
        negatives = [other for other in order if not present.issuperset(scenes[other].mentioned)]
        hits.append(bool(scores[k, k] > scores[k, negatives[: CAPTIONS_IN_VIEW - 1]].max()))
    return {f"retrieval among {CAPTIONS_IN_VIEW}": mean(hits)}


def color_of_shape(clip: ClipModel, seeds: Sequence[int], styles: Sequence[str]) -> Measured:
    """Measure the color of a named shape in a scene of two shapes."""
    scenes, shapes, truth = [], [], []
    for seed in seeds:
        rng = Random(seed)
        pair = list(zip(rng.sample(list(COLORS), 2), rng.sample(SHAPES, 2), strict=True))
        scenes.append(sample_scene(seed, [" ".join(thing) for thing in pair], styles=styles))
        shapes.append(pair[0][1])
        truth.append(list(COLORS).index(pair[0][0]))
    captions = [f"a photo of {singular(f'{c} {shape}')}" for shape in SHAPES for c in COLORS]
    scores = encode_scenes(clip, scenes) @ encode_captions(clip, captions).T
    rows = torch.tensor([SHAPES.index(shape) for shape in shapes])
    of_shape = scores.view(len(scenes), len(SHAPES), len(COLORS))[torch.arange(len(scenes)), rows]
    return {"color of a named shape": mean(of_shape.argmax(1) == torch.tensor(truth))}


def left_and_right(clip: ClipModel, seeds: Sequence[int], styles: Sequence[str]) -> Measured:
    """Measure whether "a left of b" scores higher than "b left of a" for two objects side by side."""
    scenes, captions = [], []
    for seed in seeds:
        scene = sample_scene(seed, Random(seed).sample(OBJECTS, 2), styles=styles)
        (ax, ay), (bx, by) = (_middle(thing.box) for thing in scene.objects)
        if abs(ax - bx) > abs(ay - by):
            a, b = (singular(thing.phrase) for thing in scene.objects)
            left, right = (a, b) if ax < bx else (b, a)
            scenes.append(scene)
            captions += [f"{left} left of {right}", f"{right} left of {left}"]
    texts = encode_captions(clip, captions).unflatten(0, (-1, 2))
    scores = torch.einsum("ne,nce->nc", encode_scenes(clip, scenes), texts)
    return {"left and right not swapped": mean(scores[:, 0] > scores[:, 1])}


def localization(explained: ExplainedScene) -> Iterator[tuple[str, float]]:
    """Yield whether a word's map points at its object, and whether a click there leads to the word."""
    case = explained.case
    for name, measure in LOCALIZATION.items():
        yield from ((name, row.value) for row in measure.rows(case))


def region_naming(explained: ExplainedScene) -> Iterator[tuple[str, float]]:
    """Yield whether the region of an object is classified correctly, among all words that the model knows."""
    explainer, encoded = explained.explainer, explained.encoded
    vocabulary = vocabularies("demo")["demo"]
    for thing in explained.scene.objects:
        if thing.mask.any():
            ranked = explainer.classify_region(encoded, thing.mask, vocabulary, count=None)
            place = [word.word for word in ranked].index(thing.phrase)
            yield "region names its object first", place < 1
            yield "region names its object among three", place < 3


def speed(clip: ClipModel, seeds: Sequence[int], styles: Sequence[str]) -> Measured:
    """Return the median time of an explanation with all readings, of scenes with 2 or 3 objects."""
    explainer = Explainer(clip)
    seconds = []
    for seed in seeds[:100]:
        scene = sample_scene(seed, 2 + seed % 2, styles=styles)
        start = time.perf_counter()
        explainer(scene.image, scene.caption)
        seconds.append(time.perf_counter() - start)
    return {"milliseconds": Result(float(np.median(seconds)) * 1000, len(seconds))}


MEASURES: tuple[Callable[..., Measured], ...] = (naming, retrieval, color_of_shape, left_and_right)
SCENE_MEASURES = (localization, region_naming, importance_agreement, first_picture)


@torch.inference_mode()
def encode_scenes(clip: ClipModel, scenes: Sequence[Scene], batch: int = 50) -> Tensor:
    """Return unit embeddings (scenes, embedding size)."""
    transform = demo.preprocess()
    parts = [
        clip.model.encode_image(
            torch.stack([transform(scene.image) for scene in scenes[k : k + batch]]), normalize=True
        )
        for k in range(0, len(scenes), batch)
    ]
    return torch.cat(parts)


@torch.inference_mode()
def encode_captions(clip: ClipModel, captions: Sequence[str], batch: int = 200) -> Tensor:
    """Return unit embeddings (captions, embedding size)."""
    tokens = demo.tokenizer()(list(captions))
    parts = [clip.model.encode_text(part, normalize=True) for part in tokens.split(batch)]
    return torch.cat(parts)


def evaluate(
    clip: ClipModel,
    scenes: int,
    first_seed: int = FIRST_SEED,
    fine: bool = False,
    timed: bool = False,
) -> dict[str, Measured]:
    """Return all measures, for the seen styles and for the held-out one.

    Args:
        clip: the model.
        scenes: number of scenes for each measure.
        first_seed: seed of the first scene; published results start at 500,000.
        fine: also measure maps at twice the resolution, on a quarter of the scenes.
        timed: also measure the time of an explanation.
    """
    seeds = range(first_seed, first_seed + scenes)
    results: dict[str, Measured] = {}
    for group, styles in STYLES.items():
        measured: Measured = {}
        for measure in MEASURES:
            measured |= measure(clip, seeds, styles)
        measured |= measure_scenes(clip, seeds, styles, SCENE_MEASURES)
        if fine:
            twice = 2 * demo.IMAGE_SIZE
            larger = measure_scenes(clip, seeds[: scenes // 4], styles, [localization], twice)
            measured |= {f"{name} at 2 x the resolution": result for name, result in larger.items()}
        if timed:
            measured |= speed(clip, seeds, styles)
        results[group] = measured
    return results


def table(results: dict[str, Measured]) -> str:
    """Return the results as a Markdown table."""
    lines = ["| what | " + " | ".join(results) + " | n |", "|---" * (len(results) + 2) + "|"]
    for name in next(iter(results.values())):
        row = [results[group][name] for group in results]
        figures = [f"{r.value:.1f}" if "milli" in name else f"{r.value:.3f}" for r in row]
        counts = ", ".join(dict.fromkeys(str(r.n) for r in row))
        lines.append(f"| {name} | " + " | ".join(figures) + f" | {counts} |")
    return "\n".join(lines)


def _middle(box: tuple[int, int, int, int]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=1000, help="scenes for each measure")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--weights", type=Path, default=demo.WEIGHTS)
    parser.add_argument(
        "--fine", action="store_true", help="also measure maps at twice the resolution"
    )
    args = parser.parse_args()
    clip = ClipModel(demo.build(args.weights), demo.preprocess(), demo.tokenizer(), name="demo")
    results = evaluate(clip, args.scenes, args.first_seed, args.fine, timed=True)
    last = args.first_seed + args.scenes - 1
    print(f"{datetime.date.today()}, seeds {args.first_seed} to {last}\n\n{table(results)}")


if __name__ == "__main__":
    main()
