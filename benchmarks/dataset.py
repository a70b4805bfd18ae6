"""Speed of explaining a dataset and of encoding it: ``python -m benchmarks.dataset [--model ViT-B-32]``.

The pictures are JPEGs of 640 x 480 pixels, each with a different caption of six to fourteen words. Encoding
(open_clip's ``encode_image`` and ``encode_text``) and explaining (with Parquet written) use the same number
of processes to read and the same batch size. Their rounds alternate. Weights are random; ``--model demo``
takes the embedded model, and ``--model tiny`` a model of three blocks, so that a run of many pairs
(``--rounds 0 --grow 100 1000 10000``) shows how everything around the model grows.
"""

from __future__ import annotations

import argparse
import io
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

import gradeclip_widget as gw
from gradeclip_widget.dataset import explain_dataset

from .timing import interleaved

WORDS = (
    "a the brown small old red bright dog cat man woman child car street table house tree beach bowl kitchen "
    "holding near under beside riding with and on in front of two three many white wooden sitting standing"
).split()
PICTURES = 64  # different pictures; a longer dataset repeats them


def main() -> None:
    """Print the ratio, the rate at every length, and how memory grows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="ViT-B-32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default=None)
    parser.add_argument("--pairs", type=int, default=256)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-importances", action="store_true")
    parser.add_argument(
        "--grow", type=int, nargs="*", default=[], help="numbers of pairs, each timed once"
    )
    args = parser.parse_args()
    clip, preprocess = _model(args.model, args.device, args.dtype)
    pictures = _pictures()
    options = {"batch_size": args.batch, "workers": args.workers}
    options |= {"importances": not args.no_importances, "progress": False}
    print(f"{args.model}, {args.device}, {torch.get_num_threads()} threads, batch {args.batch}")
    if args.rounds:
        pairs = _pairs(pictures, args.pairs)
        runs: dict[str, Callable[[], None]] = {
            f"encoding, {length} tokens": partial(
                _encode, clip, preprocess, pairs, args.batch, args.workers, trimmed
            )
            for length, trimmed in (("77", False), ("as few", True))
        }
        runs["explaining"] = partial(_explain, clip, pairs, options)
        seconds = interleaved(runs, args.rounds)
        for name, taken in seconds.items():
            print(f"{name + ':':28}{args.pairs / taken:9.1f} pairs/s")
        plain, trimmed, explained = seconds.values()
        print(f"{'rate / encoding:':28}{plain / explained:9.2f}")
        print(f"{'rate / encoding, trimmed:':28}{trimmed / explained:9.2f}")
    for count in args.grow:
        start = time.perf_counter()
        _explain(clip, _pairs(pictures, count), options)
        taken = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{count:>7} pairs: {count / taken:8.1f} pairs/s, peak memory {peak:,.0f} MiB")


def _model(name: str, device: str, dtype: str | None) -> tuple[gw.ClipModel, Any]:
    if name == "demo":
        clip = gw.load("demo", device=device, dtype=dtype)
        return clip, clip.image_processor.crop
    torch.manual_seed(0)
    if name == "tiny":
        vision = {"image_size": 96, "layers": 3, "width": 64, "head_width": 32, "patch_size": 16}
        text = {"width": 64, "heads": 2, "layers": 3}
        model = open_clip.CLIP(embed_dim=64, vision_cfg=vision, text_cfg=text).to(device)
        preprocess = open_clip.image_transform(96, is_train=False)
        tokenizer = open_clip.SimpleTokenizer()
    else:
        model, _, preprocess = open_clip.create_model_and_transforms(name, device=device)
        tokenizer = open_clip.get_tokenizer(name)
    return gw.ClipModel(model.eval(), preprocess, tokenizer, name=name, dtype=dtype), preprocess


def _pictures() -> list[bytes]:
    rng, out = np.random.default_rng(0), []
    for _ in range(PICTURES):
        coarse = Image.fromarray(rng.integers(0, 255, (12, 16, 3), np.uint8))
        buffer = io.BytesIO()
        coarse.resize((640, 480), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
        out.append(buffer.getvalue())
    return out


def _pairs(pictures: list[bytes], count: int) -> list[tuple[bytes, str]]:
    rng = np.random.default_rng(1)
    captions = [" ".join(rng.choice(WORDS, rng.integers(6, 15))) for _ in range(count)]
    return [(pictures[n % len(pictures)], caption) for n, caption in enumerate(captions)]


def _explain(clip: gw.ClipModel, pairs: list[tuple[bytes, str]], options: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        explain_dataset(pairs, Path(folder) / "out", model=clip, **options)


def _encode(
    clip: gw.ClipModel,
    preprocess: Callable[[Image.Image], torch.Tensor],
    pairs: list[tuple[bytes, str]],
    batch: int,
    workers: int,
    trimmed: bool,
) -> None:
    """Encode pairs as open_clip's examples do, and compare each picture with its caption."""
    model, tokenizer = clip.model, clip.tokenizer.tokenizer

    loader = DataLoader(
        _Decoded(pairs, preprocess, tokenizer), batch, num_workers=workers, prefetch_factor=4
    )
    for batch_of in loader:
        pixels, ids = (tensor.to(clip.device) for tensor in batch_of)
        with clip.inference_context():
            if trimmed:
                # The longest caption sets the length: a causal tower ignores tokens after the end token.
                ids = ids[:, : int(ids.argmax(1).max()) + 1]
                texts = clip.text_tower.encode(ids)
            else:
                texts = model.encode_text(ids, normalize=True)
            (model.encode_image(pixels, normalize=True) * texts).sum(1).cpu()


class _Decoded(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Pictures and captions, read as open_clip's training code does."""

    def __init__(self, pairs: list[tuple[bytes, str]], preprocess: Any, tokenizer: Any) -> None:
        self.pairs, self.preprocess, self.tokenizer = pairs, preprocess, tokenizer

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        image, caption = self.pairs[n]
        opened = Image.open(io.BytesIO(image)).convert("RGB")
        return self.preprocess(opened), self.tokenizer([caption])[0]


if __name__ == "__main__":
    main()
