"""Interactions compared with exCLIP's: ``python -m benchmarks.interactions [--scenes 200] [--seed 962000]``.

The interaction matrix (tokens x patches) of every scene, by Grad-ECLIP's first derivatives and by exCLIP's
integrated Jacobians, with the embedded model. It prints the mean Spearman correlation of the two matrices,
Pearson's, which depends more on the few large entries, the same for the maps of words that name an object,
and the ratio of the times. Both methods explain the same encoded picture, in turns and only *in caption*. A
first scene warms up and is not counted.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene, sample_scene
from gradeclip_widget.evaluation.bootstrap import Samples

from .timing import seconds

METHODS = ("grad-eclip", "exclip")


def main() -> None:
    """Print the agreement and the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=962_000, help="of the first scene")
    parser.add_argument("--steps", type=int, default=10, help="of exCLIP's path")
    parser.add_argument("--layer", type=int, default=-1, help="block that exCLIP attributes to")
    args = parser.parse_args()

    ours = gw.Explainer(gw.load("demo", device="cpu"), readings=False)
    theirs = ours.with_method("exclip", steps=args.steps, layer=args.layer)
    values, times = list[tuple[str, str, float]](), list[list[float]]()
    for n in range(args.scenes + 1):
        scene = sample_scene(args.seed + n % args.scenes)
        pair, taken = explained(scene, ours, theirs)
        if n:
            times.append(taken)
            values += [(str(n), name, value) for name, value in agreement(scene, *pair)]
    print(
        f"{args.scenes} scenes from seed {args.seed}, embedded model, {torch.get_num_threads()} threads, "
        f"exCLIP of {args.steps} steps at block {args.layer}"
    )
    samples = Samples(values)
    for name, estimate in samples.estimate(seed=0, confidence=0.95).items():
        print(
            f"mean {name + ':':32}{estimate.mean:6.3f}  "
            f"(95 % interval {estimate.low:.3f} to {estimate.high:.3f}, n = {samples.count(name)[0]})"
        )
    medians = np.median(times, 0)
    print(", ".join(f"{m} {t * 1e3:.1f} ms" for m, t in zip(METHODS, medians, strict=True)))
    print(f"time ratio: {medians[1] / medians[0]:.0f}")


def explained(scene: Scene, *explainers: gw.Explainer) -> tuple[list[gw.Explanation], list[float]]:
    """Return a scene's explanation by each explainer, and the seconds of each."""
    explanations, taken = list[gw.Explanation](), list[float]()
    for explainer in explainers:
        encoded = explainer.encode(scene.image)
        taken.append(seconds(lambda: explanations.append(explainer(encoded, scene.caption))))  # noqa: B023
    return explanations, taken


def agreement(scene: Scene, a: gw.Explanation, b: gw.Explanation) -> Iterator[tuple[str, float]]:
    """Yield correlations of two explanations of a scene, by name."""
    yield from correlations("whole matrices", a.interactions, b.interactions)
    named = {phrase.split()[-1] for phrase in scene.mentioned}
    for n, word in enumerate(a.words):
        if word.text in named:
            yield from correlations("maps of named objects", a.raw_map(n), b.raw_map(n))


def correlations(of: str, a: Any, b: Any) -> Iterator[tuple[str, float]]:
    """Yield Spearman's and Pearson's over all entries of two arrays."""
    yield f"Spearman, {of}", float(spearmanr(a.ravel(), b.ravel()).statistic)
    yield f"Pearson, {of}", float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


if __name__ == "__main__":
    main()
