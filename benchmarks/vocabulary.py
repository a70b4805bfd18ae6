"""The cost of classifying regions: ``python -m benchmarks.vocabulary [--model ViT-B-16] [--words 1000]``.

Random weights in the real architecture. At the first use of a list its words are encoded; after that a region
costs one row through the last block, and one product with the words.
"""

from __future__ import annotations

import argparse

import numpy as np
import open_clip
import torch
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.explain.vocabulary_maps import word_embeddings

from .timing import interleaved, seconds

LIMIT = 0.050  # maximum seconds for a region


def main() -> None:
    """Print the times, and exit with 1 if a region takes too long."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="ViT-B-16")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--words", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()

    torch.manual_seed(0)
    model, _, preprocess = open_clip.create_model_and_transforms(args.model, device=args.device)
    clip = gw.ClipModel(model.eval(), preprocess, open_clip.get_tokenizer(args.model))
    size = clip.image_processor.image_size[0]
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (size, size, 3), np.uint8))
    pixels = preprocess(image)[None].to(args.device)
    names = gw.vocabularies()["imagenet"].words
    words = [f"{names[n % len(names)]}{' again' * (n // len(names))}" for n in range(args.words)]
    vocabulary = gw.Vocabulary("benchmark", tuple(words))
    explainer = gw.Explainer(clip)

    @torch.no_grad()
    def image_forward() -> None:
        model.encode_image(pixels, normalize=True)

    def encode() -> None:
        with clip.inference_context():
            word_embeddings(clip, vocabulary)

    image_forward()
    encoding = seconds(encode)
    encoded = explainer.encode(image)
    box = (size / 4, size / 4, size / 2, size / 2)
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    lasso = (size * (0.5 + 0.3 * np.stack([np.cos(angles), np.sin(angles)], -1))).tolist()
    medians = interleaved(
        {
            "forward": image_forward,
            "box": lambda: explainer.classify_region(encoded, box, vocabulary),
            "lasso": lambda: explainer.classify_region(encoded, lasso, vocabulary),
        },
        args.rounds,
    )
    forward = medians["forward"]
    print(
        f"{args.model}, {size} px, {args.device}, {torch.get_num_threads()} threads, {len(words)} words, "
        f"{args.rounds} rounds"
    )
    print(f"image forward                               {forward * 1e3:8.1f} ms")
    print(
        f"encoding the words, once for a model        {encoding * 1e3:8.1f} ms = "
        f"{encoding / forward:.1f} x it"
    )
    for name in ("box", "lasso"):
        print(f"ranking the words for a {name:<5}               {medians[name] * 1e3:8.2f} ms")
    if max(medians["box"], medians["lasso"]) > LIMIT:
        raise SystemExit(f"a region takes more than {LIMIT * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
