"""The commands of ``gradeclip``: ``explain``, ``batch``, ``evaluate``, ``models`` and ``demo``."""

from __future__ import annotations

import argparse
import io
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..core.errors import MissingExtraError, describe_error
from ..export.files import make_folder
from ..export.formats import suffixes, writer_for
from .arguments import add_model_arguments
from .batch import add_batch
from .evaluate import add_evaluate
from .table import word_table


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status, which is 2 for bad input."""
    args = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):  # the encoding may lack "█" or a caption's letters
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    run: Callable[[argparse.Namespace], None] = args.run
    try:
        with warnings.catch_warnings():
            warnings.showwarning = partial(_show_warning, warnings.showwarning)
            run(args)
    except (ValueError, TypeError, OSError, RuntimeError, MissingExtraError) as error:
        print(f"gradeclip: {describe_error(error)}", file=sys.stderr)
        return 2
    return 0


def _show_warning(
    show: Callable[..., None], message: Warning, category: type[Warning], file: str, *where: Any
) -> None:
    """Show a warning of this package as a sentence, and one of another package as Python does."""
    if Path(file).is_relative_to(Path(__file__).parents[1]):
        print(f"gradeclip: {message}", file=sys.stderr)
    else:
        show(message, category, file, *where)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gradeclip", description="See why CLIP matched a picture with a sentence."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    explain = commands.add_parser("explain", help="explain a picture with a caption")
    explain.add_argument("image", help="path or web address of a picture")
    explain.add_argument("caption", help="what to look for, in quotes")
    explain.add_argument(
        "-o",
        "--output",
        type=Path,
        help=f"where to write it: {', '.join(suffixes())}; none: only the table",
    )
    add_model_arguments(explain)
    explain.add_argument("--pretrained", help="tag of the model's weights, or path of a checkpoint")
    explain.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    explain.add_argument("--resolution", type=int, help="short side in pixels, for finer maps")
    explain.add_argument(
        "--image-layers", type=int, default=1, help="blocks to explain (%(default)s)"
    )
    explain.add_argument(
        "--reference", action="store_true", help="compute as the authors' code does"
    )
    explain.set_defaults(run=_explain)

    add_batch(commands)
    add_evaluate(commands)

    models = commands.add_parser("models", help="list the models and their weights")
    models.add_argument("filter", nargs="?", default="", help="show names that contain this")
    models.set_defaults(run=_models)

    demo = commands.add_parser("demo", help="explain a drawn scene with the embedded model")
    demo.add_argument("-o", "--output", type=Path, default=Path("build/demo.html"))
    demo.set_defaults(run=_demo)
    return parser


def _explain(args: argparse.Namespace) -> None:
    # Checked first, so that a slow model does not run for a file that cannot be written.
    write = None if args.output is None else writer_for(args.output)
    from ..clip import load
    from ..explain.explainer import Explainer

    clip = load(args.model, args.pretrained, device=args.device)
    explainer = Explainer(
        clip,
        args.method,
        reference=args.reference,
        image_layers=args.image_layers,
        resolution=args.resolution,
    )
    # A bar on a terminal alone: in a file or a pipe it would be litter.
    progress = sys.stderr.isatty()
    encoded = explainer.encode(args.image, progress)
    explanation = explainer(encoded, args.caption, progress)
    explanation = explainer.with_unrelated_scores(explanation, encoded, progress)
    print(word_table(explanation))
    if write is not None:
        make_folder(args.output.parent)
        write(explanation, args.output)
        print(f"wrote {args.output}")


def _models(args: argparse.Namespace) -> None:
    from ..clip import model_names

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
    from ..clip import load
    from ..demo import scenes
    from ..explain.explainer import Explainer

    scene = scenes()[0]
    explainer = Explainer(load("demo"), integrated_gradients=True)  # the page has every measure
    encoded = explainer.encode(scene.image)
    explanation = explainer.with_unrelated_scores(explainer(encoded, scene.caption), encoded)
    make_folder(args.output.parent)
    explanation.to_html(args.output)
    print(f"{scene.caption!r}\n\n{word_table(explanation)}\n")
    print(f"Wrote {args.output}: open it in any browser, hover the words, click the picture.")
    print("Next: `make lab` opens the quick start notebook, or")
    print('      gradeclip explain photo.jpg "a dog in a car" --model ViT-B-16/openai -o out.html')
