"""Average the weights of two training runs, one of which continued the other.

    python -m training.average FIRST SECOND --out MEAN --packs more-sprites.zip

A mean of two such weights can be better than either (Wortsman et al., "Model soups", arXiv 2203.05482).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from gradeclip_widget.demo.model import save_weights
from gradeclip_widget.demo.sprites import PACK, Artwork
from gradeclip_widget.demo.trunk import IMAGE_SIZE
from gradeclip_widget.demo.world import HELD_OUT_STYLE

from .batches import SceneBatches
from .recipes import STAGES
from .train import Training

SCENES = 320  # number of scenes to measure batch statistics on


def average(first: Path, second: Path, scenes: Tensor, out: Path) -> None:
    """Write the mean of two weights files, with new statistics of its batch norms.

    Args:
        first: weights written by training.
        second: other weights of the same architecture.
        scenes: (B, H, W, 3) uint8, pictures to measure the statistics on.
        out: the file to write.
    """
    training, other = Training(first), Training(second)
    for name, value in training.mean.items():
        if value.is_floating_point():
            value.lerp_(other.mean[name], 0.5)
    note = "mean of the weights of two runs"
    save_weights(out, training.calibrated(scenes), training.ids, note)


def training_scenes(packs: Sequence[Path]) -> Tensor:
    """Return training scenes of the model's own size, (B, H, W, 3) uint8."""
    artwork = Artwork(packs)
    styles = [style for style in artwork.styles if style != HELD_OUT_STYLE]
    stage = replace(STAGES[-1], sizes=(IMAGE_SIZE,), scenes=SCENES, close_ups=1)
    return SceneBatches(artwork, styles, (stage,), Training().ids.numpy(), seed=9)[0].scenes


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--packs", type=Path, nargs="*", default=[], help="sprites besides those of the package"
    )
    args = parser.parse_args()
    average(args.first, args.second, training_scenes([PACK, *args.packs]), args.out)


if __name__ == "__main__":
    main()
