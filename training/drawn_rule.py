"""Fit the rule that distinguishes drawings from pictures unlike the embedded model's training data.

    python -m training.drawn_rule PHOTOGRAPHS --scenes 4000

``PHOTOGRAPHS`` is a folder with a folder of photographs and textures for each source, such as the sample
pictures of a package. The drawings are scenes of seeds from 600,000, some of them resized, cropped, without
color, or compressed. For each source it prints the fraction of its pictures that are foreign by a rule fitted
without that source.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from gradeclip_widget.clip import ClipModel, load
from gradeclip_widget.demo.drawn import RULE, statistics
from gradeclip_widget.demo.scenes import sample_scene, scenes

SEED = 600_000  # of the first scene; seeds from 640,000 measure the rule
VARIANTS = ("plain", "sizes", "cropped", "not square", "gray", "JPEG 40", "palette", "mixed")
COPIES = 14  # changed copies of each photograph
TEXTURES = 300  # random patterns, as rough as natural ones
PLAIN = 8  # minimum standard deviation in gray levels; pieces below it show a plain sky or wall
PENALTY = 1e-3  # on squared weights
WARNED = 0.003  # fraction of the training drawings that are foreign by the rule


def drawn(seed: int, variant: str) -> Image.Image:
    """Return a drawn scene, changed as a user's picture may be.

    Args:
        seed: seed of the scene and its changes.
        variant: one of `VARIANTS`.
    """
    dice = Random(7 * seed + 1)
    size = {"plain": 224, "gray": 448, "JPEG 40": 448, "palette": 448}.get(variant)
    image = sample_scene(seed, size=size or dice.randint(96, 900)).image
    mixed = variant == "mixed"
    if variant == "cropped" or (mixed and dice.random() < 0.5):
        image = _cut(image, dice, dice.uniform(0.5, 0.95), 1)
    if variant == "not square" or (mixed and dice.random() < 0.5):
        image = _cut(image, dice, 1, dice.uniform(0.5, 0.85))
    if variant == "gray" or (mixed and dice.random() < 0.4):
        image = image.convert("L").convert("RGB")
    if variant == "JPEG 40" or (mixed and dice.random() < 0.5):
        image = _jpeg(image, dice.choice((40, 60, 85)) if mixed else 40)
    elif variant == "palette" or (mixed and dice.random() < 0.4):
        image = image.quantize(64).convert("RGB")
    return image


def _cut(image: Image.Image, dice: Random, part: float, ratio: float) -> Image.Image:
    """Return a piece with ``part`` of the sides, one of them times ``ratio``."""
    sides = [part * ratio, part]
    dice.shuffle(sides)
    width, height = (max(32, int(side * f)) for side, f in zip(image.size, sides, strict=True))
    width, height = min(width, image.width), min(height, image.height)
    x, y = dice.randint(0, image.width - width), dice.randint(0, image.height - height)
    return image.crop((x, y, x + width, y + height))


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def _degraded(image: Image.Image, dice: Random) -> Image.Image:
    if dice.random() < 0.2:
        image = image.convert("L").convert("RGB")
    if dice.random() < 0.35:
        return _jpeg(image, dice.choice((40, 60, 80)))
    return image.quantize(64).convert("RGB") if dice.random() < 0.15 else image


def copies(image: Image.Image, dice: Random) -> list[Image.Image]:
    """Return a photograph, and pieces of it that are not plain, with other sizes and qualities."""
    out = [image]
    for _ in range(COPIES):
        piece = _cut(image, dice, dice.uniform(0.45, 1), dice.uniform(0.6, 1))
        if dice.random() < 0.3:
            piece = piece.resize((dice.choice((128, 160, 224, 336)),) * 2)
        if np.asarray(piece.convert("L")).std() >= PLAIN:
            out.append(_degraded(piece, dice))
    return out


def texture(seed: int) -> Image.Image:
    """Return colored noise whose spectrum falls with the frequency, as in photographs."""
    dice = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    frequency[0, 0] = 1
    shape = frequency[..., None] ** dice.uniform(0.5, 1.6)
    noise = np.fft.ifft2(
        np.fft.fft2(dice.normal(size=(128, 128, 3)), axes=(0, 1)) / shape, axes=(0, 1)
    ).real
    noise = noise[..., :1] + dice.uniform(0, 0.7) * noise
    noise = (noise - noise.mean()) / noise.std() * dice.uniform(18, 55) + dice.uniform(50, 205, 3)
    return Image.fromarray(noise.clip(0, 255).astype(np.uint8))


def read(clip: ClipModel, images: Sequence[Image.Image]) -> Tensor:
    """Return the statistics (N, 512) of pictures, preprocessed as for an explanation."""
    prepare = clip.image_processor.prepare
    return torch.cat([statistics(clip.model, prepare(i, "whole", None).pixels) for i in images])


def fit(drawings: Tensor, photographs: Tensor) -> dict[str, Tensor]:
    """Return the regression's weight (512,) and bias (1,); positive values are foreign.

    Both classes have the same weight. The bias makes a fraction `WARNED` of the drawings positive.

    Args:
        drawings: (N, 512) statistics.
        photographs: (N, 512) statistics.
    """
    mean, deviation = drawings.mean(0), drawings.std(0) + 1e-4
    x = torch.cat([drawings, photographs])
    x = ((x - mean) / deviation).clamp(-8, 8)
    y = torch.cat([torch.zeros(len(drawings)), torch.ones(len(photographs))])
    share = torch.where(y > 0, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    weight, bias = torch.zeros(x.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        losses = F.binary_cross_entropy_with_logits(x @ weight + bias, y, reduction="none")
        total = (share * losses).sum() + PENALTY * weight.square().sum()
        total.backward()
        return total

    optimizer.step(loss)
    weight = weight.detach() / deviation
    scores = drawings @ weight
    return {"weight": weight, "bias": -torch.quantile(scores, 1 - WARNED)[None]}


def foreign(rule: dict[str, Tensor], values: Tensor) -> Tensor:
    """Return which of (N, 512) statistics are foreign by a rule, (N,)."""
    return values @ rule["weight"] + rule["bias"] > 0


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--scenes", type=int, default=4000)
    parser.add_argument("--out", type=Path, default=RULE)
    args = parser.parse_args()
    clip, dice = load("demo", device="cpu"), Random(5)
    # Every other scene is mixed, the hardest variant.
    kinds = [v for variant in VARIANTS[:-1] for v in (variant, "mixed")]
    images = [drawn(SEED + n, kinds[n % len(kinds)]) for n in range(args.scenes)]
    images += [scene.image for size in (160, 224, 448) for scene in scenes(size)]
    drawings = read(clip, images)
    sources: dict[str, list[Tensor]] = {
        "textures": [read(clip, [texture(n)]) for n in range(TEXTURES)]
    }
    for path in sorted(args.photographs.glob("*/*")):
        photograph = Image.open(path).convert("RGB")
        sources.setdefault(path.parent.name, []).append(read(clip, copies(photograph, dice)))
    for name, held_out in sources.items():
        rest = [v for other, values in sources.items() if other != name for v in values]
        whole = torch.stack([values[0] for values in held_out])
        rate = foreign(fit(drawings, torch.cat(rest)), whole).float().mean()
        print(f"{name}: {rate:.3f} of {len(whole)}", flush=True)
    rule = fit(drawings, torch.cat([v for values in sources.values() for v in values]))
    save_file(rule, args.out)


if __name__ == "__main__":
    main()
