"""The cost of explaining, relative to the model's: ``python -m benchmarks.explain [--model ViT-B-16 ...]``.

Weights are random, and open_clip's tokenizer replaces one that would be downloaded. One process; contenders
take turns. Memory is the peak that torch allocates beyond the model, measured on the CPU by its profiler and
on CUDA by its allocator.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image

import gradeclip_widget as gw

from .memory import peak
from .timing import interleaved

CAPTION = "a brown dog in a red car waiting for green traffic lights"  # 12 words
MAPS = 40


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", nargs="+", default=["ViT-B-16"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    for name in args.model:
        measure(name, args.device, args.rounds)


def measure(name: str, device: str, rounds: int) -> None:
    """Print one model's ratios."""
    torch.manual_seed(0)
    model, _, preprocess = open_clip.create_model_and_transforms(name, device=device)
    tokenizer = local_tokenizer(model, name)
    clip = gw.ClipModel(model.eval(), preprocess, tokenizer)
    size = clip.image_processor.image_size[0]
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (size, size, 3), np.uint8))
    pixels = preprocess(image)[None].to(device)
    ids = tokenizer([CAPTION]).to(device)
    directions = torch.nn.functional.normalize(
        torch.randn(MAPS, model.encode_text(ids).shape[1], device=device), dim=-1
    )
    explainer, lean = gw.Explainer(clip), gw.Explainer(clip, readings=False)

    @torch.no_grad()
    def image_forward() -> None:
        model.encode_image(pixels, normalize=True)

    @torch.no_grad()
    def text_forward() -> None:
        model.encode_text(ids, normalize=True)

    def forward() -> None:
        image_forward()
        text_forward()

    def maps(contributions: bool = False) -> None:
        with clip.inference_context():
            trace = clip.image_tower.trace(pixels, contributions=contributions)
            explainer.method.image_maps(trace, directions)

    def maps_and_shares() -> None:
        maps(contributions=True)

    def whole() -> None:
        explainer(pixels, CAPTION)

    encoded = explainer.encode(pixels)

    def edited() -> None:
        explainer(encoded, CAPTION)

    def attributed() -> None:
        explainer.integrated_gradients(encoded, CAPTION)

    def interactions() -> None:
        lean(pixels, CAPTION)

    def synced(run: Callable[[], None]) -> Callable[[], None]:
        def wait() -> None:
            run()
            if device == "cuda":
                torch.cuda.synchronize()

        return wait

    contenders = (
        image_forward, text_forward, maps, maps_and_shares, interactions, whole, edited, attributed
    )  # fmt: skip
    runs = {run.__name__: synced(run) for run in contenders}
    seconds = interleaved(runs, rounds)
    image_s, both_s = seconds["image_forward"], seconds["image_forward"] + seconds["text_forward"]
    print(f"{name}, {size} px, {device}, {torch.get_num_threads()} threads, {rounds} rounds")
    print(f"image forward {image_s * 1e3:.0f} ms, text forward {(both_s - image_s) * 1e3:.0f} ms")
    for label, run, base in (
        (f"{MAPS} maps / image forward", "maps", image_s),
        (f"{MAPS} maps and all blocks' shares / image forward", "maps_and_shares", image_s),
        ("caption, all interactions / (image + text forward)", "interactions", both_s),
        ("caption, all three readings / (image + text forward)", "whole", both_s),
        ("another caption of the same picture / the first one", "edited", seconds["whole"]),
        ("integrated gradients / (image + text forward)", "attributed", both_s),
    ):
        print(f"{label + ':':56}{seconds[run] / base:.2f}")
    label = "peak memory above the model / a forward's"
    print(f"{label + ':':56}{peak(whole, device) / peak(forward, device):.2f}")


def local_tokenizer(model: Any, name: str) -> Any:
    """The model's tokenizer, or where that would be downloaded, open_clip's own for a grown vocabulary."""
    config = open_clip.get_model_config(name)["text_cfg"]
    if "hf_tokenizer_name" not in config:
        return open_clip.get_tokenizer(name)
    tokenizer = open_clip.SimpleTokenizer(context_length=config["context_length"])
    old = model.text.token_embedding
    model.text.token_embedding = torch.nn.Embedding(
        max(old.num_embeddings, tokenizer.vocab_size), old.embedding_dim
    ).to(old.weight)
    return tokenizer


if __name__ == "__main__":
    main()
