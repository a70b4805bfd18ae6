"""The cost of checking a model: ``python -m benchmarks.verification [--model ViT-B-16 ...]``.

The check runs before a model's first computation, and again after the model changes; before every other
computation its state is compared with the checked one. Random weights; one process; contenders take turns.
"""

from __future__ import annotations

import argparse

import numpy as np
import open_clip
import torch
from PIL import Image

import gradeclip_widget as gw

from .explain import CAPTION, local_tokenizer
from .timing import interleaved


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", nargs="+", default=["ViT-B-16", "demo"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    for name in args.model:
        measure(name, args.device, args.rounds)


def load(name: str, device: str) -> gw.ClipModel:
    """Return the embedded model, or another one with random weights."""
    if name == "demo":
        return gw.load(name, device=device)
    torch.manual_seed(0)
    model, _, preprocess = open_clip.create_model_and_transforms(name, device=device)
    return gw.ClipModel(model.eval(), preprocess, local_tokenizer(model, name))


def measure(name: str, device: str, rounds: int) -> None:
    """Print one model's ratios."""
    clip = load(name, device)
    size = clip.image_processor.image_size
    noise = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    image = Image.fromarray(noise)
    pixels = clip.image_processor.crop(image)[None].to(device)
    ids = clip.tokenizer.tokenizer([CAPTION]).to(device)
    explainer = gw.Explainer(clip)
    encoded = explainer.encode(image)

    def wait() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    @torch.no_grad()
    def encoding() -> None:
        clip.model.encode_image(pixels, normalize=True)
        clip.model.encode_text(ids, normalize=True)
        wait()

    def check() -> None:
        clip.verify()
        wait()

    def entering() -> None:
        with clip.inference_context():
            pass

    def whole() -> None:
        explainer(image, CAPTION)
        wait()

    def edited() -> None:
        explainer(encoded, CAPTION)
        wait()

    def crop() -> None:
        vars(clip.image_processor).pop("_crop_checked", None)
        clip.image_processor.prepare(image, "crop")

    def crop_again() -> None:
        clip.image_processor.prepare(image, "crop")

    runs = (encoding, check, entering, whole, edited, crop, crop_again)
    s = interleaved({run.__name__: run for run in runs}, rounds)
    print(f"{name}, {size[0]} px, {device}, {torch.get_num_threads()} threads, {rounds} rounds")
    print(f"one plain encoding of a picture and a caption {s['encoding'] * 1e3:.1f} ms")
    for label, ratio in (
        ("check, once / one plain encoding", s["check"] / s["encoding"]),
        ("entering, the state compared / explaining a picture", s["entering"] / s["whole"]),
        ("entering, the state compared / explaining another caption", s["entering"] / s["edited"]),
        (
            "probing fit='crop', once / one plain encoding",
            (s["crop"] - s["crop_again"]) / s["encoding"],
        ),
    ):
        print(f"{label + ':':56}{ratio:.4f}")


if __name__ == "__main__":
    main()
