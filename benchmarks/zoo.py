"""Which of open_clip's models are explained, and that their towers' embeddings are the models' own.

``python -m benchmarks.zoo [PART OF A NAME ...] [--write docs/models.md]``. Every model is laid out without
memory first. One that is small enough once long rows of blocks are cut to two is then filled with random
weights and run, its towers' embeddings against its own. (Gradients are held to differences of scores by the
tests, for every family.) Results are kept in ``build/zoo.json``, so a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
import warnings
from pathlib import Path
from typing import Any

import open_clip
import torch
from torch import Tensor, nn

from gradeclip_widget.clip.model import IMAGE_FAMILIES, TEXT_FAMILIES

KEPT = Path("build/zoo.json")
MANY = 2  # blocks kept of a row
ROWS = ("blocks", "resblocks", "layer1", "layer2", "layer3", "layer4")
VERSION = open_clip.__version__
TITLE = f"""# open_clip's models

Written by `python -m benchmarks.zoo --write docs/models.md`, with random weights (open_clip {VERSION}).
"Agrees" holds the towers' embeddings to the model's own. "Layout only" says that every module was recognised,
without running it. The grid is that of a square picture of the model's own size.
"""
HEAD = "| model | image tower | grid | text tower | checked |\n|---|---|---|---|---|"


def main() -> None:
    """Go through the names, print a row for each, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help="only names that hold one of these")
    parser.add_argument("--largest", type=float, default=150, help="million parameters to fill")
    parser.add_argument("--write", type=Path, help="where the table goes")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.ERROR)
    kept: dict[str, list[str]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name in open_clip.list_models():
        if name in kept or (args.parts and not any(part in name for part in args.parts)):
            continue
        kept[name] = row(name, args.largest * 1e6)
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(kept, indent=1))
        print("|", " | ".join([name, *kept[name]]), "|", flush=True)
    if args.write:
        lines = [
            TITLE,
            HEAD,
            *(f"| {' | '.join([n, *kept[n]])} |" for n in sorted(kept, key=str.lower)),
        ]
        args.write.parent.mkdir(exist_ok=True)
        args.write.write_text("\n".join(lines) + "\n")


def row(name: str, largest: float) -> list[str]:
    """Image family, grid, text family, and what was checked."""
    try:
        with torch.device("meta"):
            model: Any = open_clip.create_model(name, device="meta")
    except Exception as error:  # noqa: BLE001
        return ["", "", "", f"not built: {str(error).splitlines()[0]}"]
    image, text = family(model.visual, IMAGE_FAMILIES), family(model, TEXT_FAMILIES)
    if isinstance(image, str) or isinstance(text, str):
        families = ["" if isinstance(t, str) else t.family for t in (image, text)]
        reason = image if isinstance(image, str) else text
        return [families[0], "", families[1], f"refused: {reason}"]
    rows, cols = (s // p for s, p in zip(image.image_size, image.patch_size, strict=True))
    said = [image.family, f"{rows} x {cols}", text.family]
    cut = shorten(model)
    size = sum(p.numel() for p in model.parameters())
    if size > largest:
        return [*said, f"layout only: {size / 1e6:.0f} M parameters even when cut"]
    fill(model)
    start = time.perf_counter()
    differences = check(model)
    seconds = time.perf_counter() - start
    worst = max(differences.values())
    verdict = "agrees" if worst < 1e-3 else "DISAGREES"
    how = f"cut to rows of {MANY} blocks" if cut else "whole"
    numbers = ", ".join(f"{key} {value:.0e}" for key, value in differences.items())
    return [*said, f"{verdict} ({how}; {numbers}; {seconds:.1f} s)"]


def family(part: Any, families: tuple[type[Any], ...]) -> Any:
    """A tower, or the sentences that refuse it."""
    reasons = []
    for kind in families:
        try:
            return kind(part)
        except (TypeError, AttributeError) as error:
            reasons.append(str(error))
    return "; ".join(reasons)


def shorten(model: nn.Module) -> bool:
    """Cut rows of residual blocks; the first may change the shape, the others do not."""
    cut = False
    for module in list(model.modules()):
        for name, row in list(module.named_children()):
            long = type(row) in (nn.Sequential, nn.ModuleList) and len(row) > MANY
            if long and name in ROWS and len({type(block) for block in list(row)[1:]}) == 1:
                setattr(module, name, row[:MANY])
                cut = True
    return cut


def fill(model: nn.Module) -> None:
    """Random weights in place of none, and the constants that are computed rather than learnt."""
    torch.manual_seed(0)
    model.to_empty(device="cpu").eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim < 2:
                parameter.normal_(0.5, 0.2)
            else:
                parameter.normal_().div_(max(1, parameter[0].numel()) ** 0.5)
        for module in model.modules():
            for name, buffer in module.named_buffers(recurse=False):
                buffer.fill_(1 if name == "running_var" else 0)
            if hasattr(module, "init_non_persistent_buffers"):
                module.init_non_persistent_buffers()
            for build in ("build_causal_mask", "build_attention_mask"):
                if getattr(module, "attn_mask", None) is not None and hasattr(module, build):
                    module.attn_mask = getattr(module, build)()
        text = model.transformer if hasattr(model, "transformer") else None
        if text is not None and getattr(model, "attn_mask", None) is not None:
            length = len(model.positional_embedding)
            model.attn_mask = torch.full((length, length), -torch.inf).triu_(1)


def check(model: Any) -> dict[str, float]:
    """Largest relative differences between the towers' embeddings and the model's own."""
    image, text = family(model.visual, IMAGE_FAMILIES), family(model, TEXT_FAMILIES)
    with torch.no_grad():
        pixels = torch.randn(1, 3, *image.image_size)
        trace = image.trace(pixels)
        own = model.encode_image(pixels, normalize=True).flatten()
        module = getattr(model, "text", model)
        pooling = getattr(module, "pool_type", None) or getattr(module, "text_pool_type", "argmax")
        last = module.token_embedding.num_embeddings - 1
        if pooling == "eos":
            last = getattr(module, "eos_id", None) or module.text_eos_id
        ids = [3, 14, 15, 92, last]
        t, _ = text.run([ids], 1)
        padded = torch.tensor([[*ids, *[0] * (text.context_length - len(ids))]])
        own_t = model.encode_text(padded, normalize=True)
    return {
        "image": difference(trace.embedding, own),
        "text": difference(t, own_t),
    }


def difference(a: Tensor, b: Tensor) -> float:
    """Largest one, beside the largest value."""
    return float((a - b).abs().max() / b.abs().max().clamp_min(1e-3))


if __name__ == "__main__":
    main()
