"""The command line: ``gradeclip explain``, ``gradeclip models``, ``gradeclip demo``."""

from __future__ import annotations

import argparse
import io
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .core.errors import describe_error
from .core.evidence import COUNTS, MEASURES
from .export.files import make_folder
from .export.formats import suffixes, writer_for

if TYPE_CHECKING:
    from .explain.explanation import Explanation

_BAR = 18  # characters
_NUMBER = 13  # width in characters of the columns of the other measures


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status, which is 2 for bad input."""
    args = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):  # the encoding may lack "█" or a caption's letters
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    run: Callable[[argparse.Namespace], None] = args.run
    try:
        run(args)
    except (ValueError, TypeError, OSError, RuntimeError) as error:
        print(f"gradeclip: {describe_error(error)}", file=sys.stderr)
        return 2
    return 0


def word_table(explanation: Explanation) -> str:
    """Return a table for a terminal with the importance of every word by every measure.

    Words that do not count by the default measure share the last line.
    """
    e = explanation
    first, *others = (e.importance(name) for name in e.importance_measures)
    top = max(float(first.max()), 1e-12)
    shown = [w for w, value in enumerate(first) if value >= COUNTS * top]
    width = max([_columns(e.words[w].text) for w in shown] + [len("word")])
    lines = _heads(
        ["word", *(MEASURES[m] for m in e.importance_measures), "looks at (x, y)"], width
    )
    places = e.to_frame()
    for w in shown:
        bar = "█" * round(_BAR * first[w] / top)
        numbers = "".join(f"  {values[w]:{_NUMBER}.3f}" for values in others)
        x, y = places["peak_x"][w], places["peak_y"][w]
        spot = f"{x:.0f}, {y:.0f}" if places["peak"][w] > 0 else "nowhere"
        word = e.words[w].text + " " * (width - _columns(e.words[w].text))
        lines.append(f"{word}  {first[w]:7.3f}  {bar:{_BAR}}{numbers}  {spot}")
    if folded := [w for w in range(len(e.words)) if w not in shown]:
        texts = ", ".join(e.words[w].text for w in folded)
        lines.append(f"{texts}: {'together ' * (len(folded) > 1)}{first[folded].sum():.3f}")
    rows, cols = e.patch_grid
    lines.append(
        f"cosine {e.score:.4f}, logit {e.logit:.2f}; {rows} x {cols} patches; {e.method}, {e.model}"
    )
    return "\n".join([*lines, *e.notes])


def _heads(labels: Sequence[str], width: int) -> list[str]:
    """Return the lines of the table's head; long labels take several."""
    others = len(labels) - 3
    spaces = [width, 7 + 2 + _BAR, *[_NUMBER] * others, len(labels[-1])]
    columns = [textwrap.wrap(label, n) for label, n in zip(labels, spaces, strict=True)]
    height = max(map(len, columns))
    columns = [[""] * (height - len(lines)) + lines for lines in columns]
    aligns = ["<", "<", *[">"] * others, "<"]
    return [
        "  ".join(
            f"{cell:{a}{n}}" for cell, a, n in zip(cells, aligns, spaces, strict=True)
        ).rstrip()
        for cells in zip(*columns, strict=True)
    ]


def _columns(text: str) -> int:
    """Return the width of a text in a terminal, in columns."""
    marks = sum(unicodedata.combining(c) > 0 for c in text)
    return len(text) - marks + sum(unicodedata.east_asian_width(c) in "WF" for c in text)


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--model`` and ``--method``, which the command line and ``%gradeclip`` share."""
    parser.add_argument(
        "--model", default="demo", help="a name from `gradeclip models` (%(default)s)"
    )
    parser.add_argument(
        "--method",
        default="grad-eclip",
        help="name of the method (%(default)s); a wrong one lists all",
    )


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
    from .clip import load
    from .explain.explainer import Explainer

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
        make_folder(args.output.parent)
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
    from .explain.explainer import Explainer

    scene = scenes()[0]
    explainer = Explainer(load("demo"), integrated_gradients=True)  # the page has every measure
    explanation = explainer(scene.image, scene.caption)
    make_folder(args.output.parent)
    explanation.to_html(args.output)
    print(f"{scene.caption!r}\n\n{word_table(explanation)}\n")
    print(f"Wrote {args.output}: open it in any browser, hover the words, click the picture.")
    print("Next: `make lab` opens the quick start notebook, or")
    print('      gradeclip explain photo.jpg "a dog in a car" --model ViT-B-16/openai -o out.html')


if __name__ == "__main__":
    sys.exit(main())
