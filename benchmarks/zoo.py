"""Every model open_clip can build, explained: ``python -m benchmarks.zoo [--again PART ...]``.

Run from the repository root. Each model is built with random weights and without the network, explains a
picture with a caption, is checked for the invariants that the tests check for every family, and is timed.
Results are stored one by one in ``build/zoo.json``, so that a stopped run can continue, and are written to
``docs/models.md``.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.methods import method_names
from tests.clip import invariants

from .explain import CAPTION
from .memory import peak
from .timing import interleaved
from .zoo_models import Built, build
from .zoo_text import replace_downloads

KEPT = Path("build/zoo.json")
TABLE = Path("docs/models.md")
OTHER = "a photo of a cat on the green grass"
ROUNDS = 3
ALL = "(a) to (e)"
TITLE = f"""# open_clip's models

Written by `python -m benchmarks.zoo`: every name of open_clip {open_clip.__version__}, with random weights.
Each model explains a picture of its own input size with a caption of 12 words. Then the same invariants
are checked as in the [tests](../tests/clip/invariants.py) of every family:

- (a) the score, and both embeddings, are the model's own to 1e-5 in float32;
- (b) channel weights are the slope of the model's own score along the attention output of its query (along
  its feature map, if it has no query), and a caption's token attributions are slopes of its own text
  embedding, both to 1e-3;
- (c) values weighted by attention sum to the attention output (the tokens' parts to their mean);
- (d) the model is bit for bit the same afterwards: weights, hooks, `training`, `requires_grad`;
- (e) one picture with one caption gets the same explanation as in a batch.

*Cut* lists what was left out so that all models run in minutes and a few GiB: blocks of long towers, tokens
of large vocabularies, CoCa's caption writer (which no map needs). Hugging Face encoders are built from
configurations of the same shape. Tokenizers that would be downloaded are replaced by small ones of the same
kind, with the same special tokens.

*Seconds* is the median of {ROUNDS} explanations with all interactions, on one thread of a busy machine;
*cost* is the ratio of that time to one plain forward pass of both towers (full context length), measured
in turns. For towers that were cut, the ratio means little: the maps of a caption cost the same for any
depth, which makes the ratio too high, and the last block is run for the class token alone, which saves
half of a tower of two blocks. In bidirectional text towers every token costs a pass from the third
explained block on; a cut tower has only two. `--work` keeps longer towers, and
`python -m benchmarks.explain --model NAME` measures whole ones. *MB* is the memory that torch allocates
at the peak of an explanation, in addition to the weights. The grid is that of a square picture of the
model's own size.

*Methods* lists the methods that explain the model: each gave a finite map that is not zero everywhere. For
every other method, an error explains why it cannot.
"""
COLUMNS = "model|image tower|grid|map|text tower|cut|seconds|MB|cost|checks passed|methods".split(
    "|"
)
QUICK = {"rise": {"masks": 4}, "m2ib": {"steps": 1, "samples": 1}, "exclip": {"steps": 1}}


def main() -> None:
    """Go through the names, print a row for each, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--again", nargs="+", default=[], metavar="PART", help="names, to run again"
    )
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="PART", help="of names to run, in this order"
    )
    parser.add_argument("--work", type=float, default=3, help="GFLOP of a forward to cut towers to")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.ERROR)
    rows: dict[str, dict[str, str]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    rows = {n: row for n, row in rows.items() if not any(part in n for part in args.again)}
    KEPT.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        replace_downloads(Path(folder))
        for name in (n for part in args.only for n in open_clip.list_models() if part in n):
            if name in rows:
                continue
            rows[name] = examine(name, args.work * 1e9)
            KEPT.write_text(json.dumps(rows, indent=1))
            print(_line([name, *rows[name].values()]), flush=True)
            _write(rows)
    _write(rows)


def _write(rows: dict[str, dict[str, str]]) -> None:
    names = sorted(rows, key=str.lower)
    good = sum(rows[name]["holds"] == ALL for name in names)
    everyone = open_clip.list_models()
    waiting = [name for name in everyone if name not in rows]
    rest = f" Not run yet: {', '.join(waiting)}." if waiting else ""
    lines = [
        TITLE,
        f"{good} of the {len(everyone)} models pass all checks.{rest}\n",
        _line(COLUMNS),
        "|---" * len(COLUMNS) + "|",
        *(_line([name, *(rows[name].get(c, "") for c in COLUMNS[1:])]) for name in names),
    ]
    TABLE.write_text("\n".join(lines) + "\n")


def examine(name: str, work: float) -> dict[str, str]:
    """Return a model's row, by column; the last column has the reason if it cannot be explained."""
    try:
        built = build(name, work)
        image, text = built.clip.image_tower, built.clip.text_tower
        rows, cols = (s // p for s, p in zip(image.image_size, image.patch_size, strict=True))
        return {
            "image tower": image.family,
            "grid": f"{rows} x {cols}",
            "map": _meaning(image),
            "text tower": text.family,
            "cut": "; ".join(built.cuts),
            **measured(built),
            "holds": held(built),
            "methods": explaining(built),
        }
    except Exception as error:  # noqa: BLE001  (becomes a row of the table)
        return {"holds": f"not explained: {str(error).splitlines()[0]}"}


def measured(built: Built) -> dict[str, str]:
    """Return the cost of a caption's maps, with all interactions."""
    clip, ids = built.clip, built.tokenizer([CAPTION])
    pixels = built.preprocess(_picture(clip))[None]
    explainer = gw.Explainer(clip, readings=False)

    def maps() -> None:
        explainer(pixels, CAPTION)

    @torch.no_grad()
    def forward() -> None:
        clip.model.encode_image(pixels, normalize=True)
        clip.model.encode_text(ids, normalize=True)

    seconds = interleaved({"maps": maps, "forward": forward}, ROUNDS)
    return {
        "seconds": f"{seconds['maps']:.2f}",
        "MB": f"{peak(maps) / 1e6:.0f}",
        "cost": f"{seconds['maps'] / seconds['forward']:.2f}",
    }


def held(built: Built) -> str:
    """Return the invariants that hold, and how the others fail."""
    broken = []
    for letter, check in checks(built).items():
        try:
            check()
        except Exception as error:  # noqa: BLE001  (shown in the table)
            broken.append(f"NOT ({letter}): {type(error).__name__} {error}".splitlines()[0])
    return "; ".join(broken) or ALL


def explaining(built: Built) -> str:
    """Return the methods that explain the model, with the fewest steps, and unexpected failures."""
    pixels, explained, failed = built.preprocess(_picture(built.clip))[None], [], []
    for name in method_names():
        options = {"method_options": QUICK.get(name), "readings": False}
        try:
            explainer = gw.Explainer(built.clip, name, **options)
        except ValueError:
            continue
        try:
            e = explainer(pixels, CAPTION)
            assert np.isfinite(e.signed_map).all(), "map is not finite"
            assert np.abs(e.signed_map).max() > 0, "map is nothing"
            explained.append(name)
        except Exception as error:  # noqa: BLE001  (shown in the table)
            failed.append(f"NOT {name}: {type(error).__name__} {error}".splitlines()[0])
    all_of_them = "all" if len(explained) == len(method_names()) else ", ".join(explained)
    return "; ".join([all_of_them, *failed])


def checks(built: Built) -> dict[str, Callable[[], None]]:
    """Return the invariants by letter. (a) also checks (e), since the model itself runs batches."""
    clip, model, picture = built.clip, built.clip.model, _picture(built.clip)
    image, text, frame = clip.image_tower, clip.text_tower, clip.tokenizer.special_tokens
    pixels = built.preprocess(picture)[None]
    ids = built.tokenizer([CAPTION, OTHER])
    sequences = [
        clip.tokenizer.add_special_tokens(clip.tokenizer.encode(c)) for c in (CAPTION, OTHER)
    ]
    explainer = gw.Explainer(clip, readings=False, fit="crop")

    def own() -> None:
        with torch.no_grad():
            x = model.encode_image(pixels, normalize=True)
            t = model.encode_text(ids, normalize=True)
        e = explainer(picture, CAPTION)
        assert abs(e.score - float(x[0] @ t[0])) <= 1e-5, "score"
        assert np.isfinite(e.interactions).all(), "interactions are not finite"
        assert np.abs(e.interactions).max() > 0, "interactions are nothing"
        invariants.check_embedding(image, model, pixels)
        invariants.check_text_embeddings(text, model, sequences, ids, frame)

    def slopes() -> None:
        if image.has_query:
            invariants.check_weights(image, model, pixels)
        else:
            invariants.check_map_gradients(image, model, pixels)
        layers = min(2, text.depth)
        invariants.check_tangents(text, model, sequences[0], ids[:1], frame, layers)

    def parts() -> None:
        if image.has_query:
            invariants.check_attention(image, pixels)
        invariants.check_text_attention(text, sequences[0], frame)

    def alike() -> None:
        alone, (_, among) = explainer(picture, CAPTION), explainer(picture, [OTHER, CAPTION])
        for part in ("signed_map", "interactions", "token_importance"):
            pair = (torch.from_numpy(getattr(e, part)) for e in (among, alone))
            invariants.close(*pair)

    return {
        "a": own,
        "b": slopes,
        "c": parts,
        "d": lambda: invariants.check_untouched(clip, pixels),
        "e": alike,
    }


def _picture(clip: gw.ClipModel) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 255, (*clip.image_tower.image_size, 3), np.uint8)
    return Image.fromarray(noise)


def _meaning(image: Any) -> str:
    if not image.has_query:
        return "gradient times feature"
    return "attention of the pooling query" if image.depth == 1 else "attention of the class token"


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
