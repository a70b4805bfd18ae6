"""Whether the rank among unrelated sentences distinguishes true captions from false ones.

``python -m benchmarks.match [--scenes 500 --seed 980000]``: drawn scenes, the embedded model. A false caption
is that of another scene, and names no thing and no color of this one.
"""

from __future__ import annotations

import argparse

import numpy as np

import gradeclip_widget as gw
from gradeclip_widget.core.match import MATCHES, rank_among
from gradeclip_widget.demo import Scene, sample_scene


def main() -> None:
    """Print how many captions are classified correctly."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=500)
    parser.add_argument("--seed", type=int, default=980_000)
    args = parser.parse_args()
    scenes = [sample_scene(args.seed + n) for n in range(args.scenes)]
    explainer = gw.Explainer(gw.load("demo"), readings=False)
    ranks = np.array([ranks_of(explainer, n, scenes) for n in range(len(scenes))])
    right, wrong = ranks[:, 0] >= MATCHES, ranks[:, 1] < MATCHES
    print(
        f"seeds {args.seed} to {args.seed + args.scenes - 1}, {args.scenes} captions of either kind"
    )
    print(
        f"right captions higher than {MATCHES:.0%} of the unrelated sentences: {right.mean():.3f}"
    )
    print(f"wrong captions not: {wrong.mean():.3f}")
    print(f"both: {(right.mean() + wrong.mean()) / 2:.3f}")


def ranks_of(explainer: gw.Explainer, number: int, scenes: list[Scene]) -> tuple[float, float]:
    """Return the rank of a scene's caption, and that of an unrelated caption."""
    scene = scenes[number]
    encoded, (own, other) = (
        explainer.encode(scene.image),
        (scene.caption, other_caption(number, scenes)),
    )
    scores = explainer.scores(scene.image, [own, other])
    unrelated = [explainer.unrelated_scores(encoded, caption) for caption in (own, other)]
    right, wrong = map(rank_among, scores, unrelated)
    return right, wrong


def other_caption(number: int, scenes: list[Scene]) -> str:
    """Return the caption of the next scene that names no thing of this one."""
    here = {word for thing in scenes[number].objects for word in thing.phrase.split()}
    for other in (*scenes[number + 1 :], *scenes[:number]):
        if not here & {word for phrase in other.mentioned for word in phrase.split()}:
            return other.caption
    raise ValueError("every other scene has something in common with this one; draw more")


if __name__ == "__main__":
    main()
