"""The fractions of photographs and of drawings that are foreign to the embedded model.

    python -m benchmarks.foreign PHOTOGRAPHS --scenes 300

``PHOTOGRAPHS`` is a folder of photographs and textures, in any folders below it. The scenes have seeds from
645,000, with which the rule was not fitted; there are ``--scenes`` of each variant.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

from PIL import Image

import gradeclip_widget as gw
from training.drawn_rule import VARIANTS, drawn

SEED = 645_000


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument(
        "--list", action="store_true", help="name the photographs without a warning"
    )
    args = parser.parse_args()
    clip, seconds = gw.load("demo", device="cpu"), 0.0
    prepare = clip.image_processor.prepare

    def warned(image: Image.Image) -> bool:
        nonlocal seconds
        pixels = prepare(image, "whole", None).pixels
        start = time.perf_counter()
        with clip.inference_context():
            (foreign,) = clip.are_foreign(pixels)
        seconds += time.perf_counter() - start
        return foreign

    by_folder: dict[str, list[bool]] = defaultdict(list)
    for path in sorted(p for p in args.photographs.rglob("*") if p.is_file()):
        hits = warned(Image.open(path).convert("RGB"))
        by_folder[path.parent.name].append(hits)
        if args.list and not hits:
            print(f"no warning: {path.relative_to(args.photographs)}")
    for folder, hits in by_folder.items():
        print(f"{folder}: {sum(hits)} of {len(hits)} warned")
    photographs = [one for hits in by_folder.values() for one in hits]
    print(
        f"photographs and textures: {sum(photographs) / len(photographs):.3f} of {len(photographs)}"
    )
    drawings: list[bool] = []
    for n, variant in enumerate(VARIANTS):
        first = SEED + n * args.scenes
        hits = [warned(drawn(seed, variant)) for seed in range(first, first + args.scenes)]
        drawings += hits
        print(f"drawings, {variant}: {sum(hits) / len(hits):.3f} of {len(hits)}", flush=True)
    composed = [warned(scene.image) for scene in gw.demo.scenes()]
    print(f"all drawings: {sum(drawings) / len(drawings):.3f} of {len(drawings)}")
    print(f"scenes for tutorials: {sum(composed)} of {len(composed)} warned")
    count = len(photographs) + len(drawings) + len(composed)
    print(f"{1000 * seconds / count:.1f} ms for a picture")


if __name__ == "__main__":
    main()
