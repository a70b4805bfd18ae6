"""The cost of every method: ``python -m benchmarks.methods [--model ViT-B-16] [--method rise ...]``.

Weights are random. Each method explains one picture with a caption of 12 words, with all readings and its
default options. Times are medians over rounds in which the methods and a plain forward pass of both towers
take turns, in one process; a slow method is run once, before them. RISE, whose time is proportional to its
masks, is run with a twentieth of them, and its time is multiplied. Memory is the peak that torch allocates
beyond the model.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import open_clip
import torch
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.methods import method_names

from .explain import CAPTION, local_tokenizer
from .memory import peak
from .timing import interleaved, seconds

SLOW = 20  # seconds: methods that take longer are run once
MASKS, PART = {"rise": {"masks": 100}}, {"rise": 20}


def main() -> None:
    """Print a row for each method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="ViT-B-16")
    parser.add_argument("--method", nargs="+", default=method_names())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lean", action="store_true", help="without the readings of single words")
    args = parser.parse_args()
    torch.manual_seed(0)
    model, _, preprocess = open_clip.create_model_and_transforms(args.model, device=args.device)
    tokenizer = local_tokenizer(model, args.model)
    clip = gw.ClipModel(model.eval(), preprocess, tokenizer)
    size = clip.image_processor.image_size[0]
    noise = np.random.default_rng(0).integers(0, 255, (size, size, 3), np.uint8)
    pixels = preprocess(Image.fromarray(noise))[None].to(args.device)
    ids = tokenizer([CAPTION]).to(args.device)

    @torch.no_grad()
    def forward() -> None:
        model.encode_image(pixels, normalize=True)
        model.encode_text(ids, normalize=True)
        _wait(args.device)

    def explain(explainer: gw.Explainer) -> None:
        explainer(pixels, CAPTION)
        _wait(args.device)

    lean = {"readings": False} if args.lean else {}
    threads = torch.get_num_threads()
    print(
        f"{args.model}, {size} px, {args.device}, {threads} threads; plain forward of both towers = 1"
    )
    print("| method | time | seconds | peak MB |\n|---|---|---|---|")
    print(
        f"| plain forward | 1 | {seconds(forward):.2f} | {peak(forward, args.device) / 1e6:.0f} |"
    )
    for name in args.method:
        run = partial(explain, gw.Explainer(clip, name, method_options=MASKS.get(name), **lean))
        first = seconds(run)
        if first > SLOW:
            taken = interleaved({"forward": forward}, args.rounds) | {"run": first}
        else:
            taken = interleaved({"forward": forward, "run": run}, args.rounds)
        memory = peak(run, args.device) / 1e6
        whole = taken["run"] * PART.get(name, 1)
        ratio = whole / taken["forward"]
        print(f"| {name} | {ratio:.3g} | {whole:.2f} | {memory:.0f} |", flush=True)


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
