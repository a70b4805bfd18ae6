"""The command line: ``gradeclip explain``, ``gradeclip models``, ``gradeclip demo``."""

from __future__ import annotations

import argparse
import io
import json
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .explanation import Explanation

_BAR = 24  # characters


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status, 2 for bad input."""
    args = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):  # a terminal may lack "█" or a caption's letters
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    run: Callable[[argparse.Namespace], None] = args.run
    try:
        run(args)
    except (ValueError, TypeError, OSError, RuntimeError) as error:
        print(f"gradeclip: {error}", file=sys.stderr)
        return 2
    return 0


def word_table(explanation: Explanation) -> str:
    """The words and their importance as a table for a terminal."""
    e = explanation
    top = max(float(e.word_importance.max()), 1e-12)
    width = max(_columns(w.text) for w in e.words)
    rows, cols = e.patch_grid
    lines = [f"{'word':{width}}  importance  {'':{_BAR}}  looks at (x, y)"]
    for place in e.to_frame().itertuples():
        bar = "█" * round(_BAR * place.importance / top)
        spot = f"{place.peak_x:.0f}, {place.peak_y:.0f}" if place.peak > 0 else "nowhere"
        word = place.word + " " * (width - _columns(place.word))
        lines.append(f"{word}  {place.importance:10.3f}  {bar:{_BAR}}  {spot}")
    lines.append(
        f"cosine {e.score:.4f}, logit {e.logit:.2f}; {rows} x {cols} patches; {e.method}, {e.model}"
    )
    return "\n".join([*lines, *e.notes])


def _columns(text: str) -> int:
    """How wide a terminal writes a text."""
    marks = sum(unicodedata.combining(c) > 0 for c in text)
    return len(text) - marks + sum(unicodedata.east_asian_width(c) in "WF" for c in text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gradeclip", description="See why CLIP matched a picture with a sentence."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    explain = commands.add_parser("explain", help="explain a picture with a caption")
    explain.add_argument("image", help="path of a picture")
    explain.add_argument("caption", help="what to look for, in quotes")
    explain.add_argument(
        "-o",
        "--output",
        type=Path,
        help=f"where to write it: {', '.join(_WRITERS)}; none: only the table",
    )
    explain.add_argument(
        "--model", default="demo", help="a name from `gradeclip models` (%(default)s)"
    )
    explain.add_argument("--pretrained", help="tag of its weights, or path of a checkpoint")
    explain.add_argument(
        "--method", default="grad-eclip", help="%(default)s, grad-cam, self-attention"
    )
    explain.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    explain.add_argument("--resolution", type=int, help="short side in pixels, for finer maps")
    explain.add_argument(
        "--image-layers", type=int, default=1, help="blocks to explain (%(default)s)"
    )
    explain.add_argument(
        "--reference", action="store_true", help="compute as the authors' code does"
    )
    explain.set_defaults(run=_explain)

    models = commands.add_parser("models", help="list the models and their weights")
    models.add_argument("filter", nargs="?", default="", help="show names that contain this")
    models.set_defaults(run=_models)

    demo = commands.add_parser("demo", help="explain a drawn scene with the embedded model")
    demo.add_argument("-o", "--output", type=Path, default=Path("build/demo.html"))
    demo.set_defaults(run=_demo)
    return parser


def _explain(args: argparse.Namespace) -> None:
    # Before any work: a slow model should not run for a name that cannot be written.
    write = None if args.output is None else _writer(args.output)
    from .clip import load
    from .explainer import Explainer

    clip = load(args.model, args.pretrained, device=args.device)
    explainer = Explainer(
        clip,
        args.method,
        reference=args.reference,
        image_layers=args.image_layers,
        resolution=args.resolution,
    )
    explanation = explainer(args.image, args.caption)
    print(word_table(explanation))
    if write is not None:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        write(explanation, args.output)
        print(f"wrote {args.output}")


def _models(args: argparse.Namespace) -> None:
    from .clip import model_names

    found = {n: tags for n, tags in model_names().items() if args.filter.lower() in n.lower()}
    if not found:
        raise ValueError(
            f"no model's name contains {args.filter!r}; `gradeclip models` lists them all"
        )
    for name, tags in found.items():
        print(
            f"{name:40} {', '.join(tags) or ('(embedded)' if name == 'demo' else '(no weights)')}"
        )


def _demo(args: argparse.Namespace) -> None:
    from .clip import load
    from .demo import scenes
    from .explainer import Explainer

    scene = scenes()[0]
    explanation = Explainer(load("demo"))(scene.image, scene.caption)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    explanation.to_html(args.output)
    print(f"{scene.caption!r}\n\n{word_table(explanation)}\n")
    print(f"Wrote {args.output}: open it in any browser, hover the words, click the picture.")
    print("Next: `make lab` opens the quick start notebook, or")
    print('      gradeclip explain photo.jpg "a dog in a car" --model ViT-B-16/openai -o out.html')


def _writer(path: Path) -> Callable[[Explanation, Path], object]:
    if path.suffix not in _WRITERS:
        raise ValueError(f"cannot write {path.name!r}: end its name in {', '.join(_WRITERS)}")
    return _WRITERS[path.suffix]


def _write_json(explanation: Explanation, path: Path) -> None:
    from .payload import to_payload

    e = explanation
    maps = {name: e.word_maps(name).tolist() for name in e.readings}
    content = to_payload(e)["header"] | {"maps": {"caption": e.signed_map.tolist(), **maps}}
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


_WRITERS: dict[str, Callable[[Explanation, Path], object]] = {
    ".html": lambda e, path: e.to_html(path),
    ".png": lambda e, path: e.overlay().save(path),
    ".json": _write_json,
    ".npz": lambda e, path: e.save(path),
}


if __name__ == "__main__":
    sys.exit(main())
