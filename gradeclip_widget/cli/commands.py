"""The commands of ``gradeclip``: ``explain``, ``batch``, ``evaluate``, ``models`` and ``demo``."""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..core.errors import MissingExtraError, describe_error, summarize_error
from ..export.files import make_folder
from ..export.formats import suffixes, writer_for
from .evaluate import add_evaluate
from .table import word_table

INTERRUPTED, PIPE_CLOSED = 130, 141  # exit statuses: 128 and the number of the signal
_COLUMNS = ("images", "image_column", "caption_column", "id_column", "box_column", "split")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status; a failure is one sentence on stderr.

    Returns:
        0; 2 for bad input, or what else the command cannot do; 130 after an interrupt (Ctrl-C); 141 if the
        program that reads the output has closed it, as ``head`` does. These are the numbers of shells.
    """
    args = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):  # their encoding may lack "█" or a caption's letters
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    run: Callable[[argparse.Namespace], None] = args.run
    try:
        with warnings.catch_warnings():
            warnings.showwarning = partial(_show_warning, warnings.showwarning)
            run(args)
        print(end="", flush=True)  # here, where an error is caught
    except KeyboardInterrupt as interrupt:
        notes = getattr(interrupt, "__notes__", [])
        print("gradeclip:", "; ".join(["interrupted", *notes]), file=sys.stderr)
        return INTERRUPTED
    except (ValueError, TypeError, OSError, RuntimeError, MissingExtraError, MemoryError) as error:
        if not _is_output_open() and isinstance(error, BrokenPipeError):
            return PIPE_CLOSED
        print(f"gradeclip: {_sentence(error)}", file=sys.stderr)
        return 2
    return 0


def _is_output_open() -> bool:
    """Return whether stdout takes what was printed. If not, it is discarded from now on.

    Python would write it again when it ends, and print a second error.
    """
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _sentence(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return (
            f"the memory is full ({summarize_error(error)}): take smaller pictures, a smaller model or "
            "fewer at once"
        )
    return describe_error(error)


def _show_warning(
    show: Callable[..., None], message: Warning, category: type[Warning], file: str, *where: Any
) -> None:
    """Print a warning of this package as a sentence, and others as Python does."""
    if Path(file).is_relative_to(Path(__file__).parents[1]):
        print(f"gradeclip: {message}", file=sys.stderr)
    else:
        show(message, category, file, *where)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gradeclip", description="See why CLIP matched a picture with a sentence."
    )
    installed = f"%(prog)s {version('gradeclip-widget')}"
    parser.add_argument("--version", action="version", version=installed)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    explain = commands.add_parser("explain", help="explain a picture with a caption")
    explain.add_argument("image", help="path or web address of a picture")
    explain.add_argument("caption", help="caption of the picture, in quotes")
    explain.add_argument(
        "-o",
        "--output",
        type=Path,
        help=f"file to write: {', '.join(suffixes())}; without it, only the table is printed",
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
    # First, so that a slow model does not run for a file that cannot be written.
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
    # Only on a terminal: a progress bar would clutter a file or a pipe.
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

    names = {n: tags for n, tags in model_names().items() if args.filter.lower() in n.lower()}
    if not names:
        raise ValueError(
            f"no model's name contains {args.filter!r}; `gradeclip models` lists them all"
        )
    for name, tags in names.items():
        print(
            f"{name:40} {', '.join(tags) or ('(embedded)' if name == 'demo' else '(no weights)')}"
        )


def _demo(args: argparse.Namespace) -> None:
    from ..clip import load
    from ..demo import scenes
    from ..explain.explainer import Explainer

    scene = scenes()[0]
    explainer = Explainer(load("demo"), integrated_gradients=True)  # for a page with every measure
    encoded = explainer.encode(scene.image)
    explanation = explainer.with_unrelated_scores(explainer(encoded, scene.caption), encoded)
    make_folder(args.output.parent)
    explanation.to_html(args.output)
    print(f"{scene.caption!r}\n\n{word_table(explanation)}\n")
    print(f"Wrote {args.output}: open it in any browser, hover the words, click the picture.")
    print("Next: `make lab` opens the quick start notebook, or")
    print('      gradeclip explain photo.jpg "a dog in a car" --model ViT-B-16/openai -o out.html')


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--model`` and ``--method``, for the command line and ``%gradeclip``."""
    parser.add_argument(
        "--model",
        default="demo",
        help="name from `gradeclip models` (%(default)s, which knows only drawings)",
    )
    parser.add_argument(
        "--method",
        default="grad-eclip",
        help="name of the method (%(default)s); a wrong name lists all",
    )


def add_batch(commands: Any) -> None:
    """Add the command to a parser's subcommands."""
    parser = commands.add_parser(
        "batch", help="explain every picture and caption of a dataset, and write them as Parquet"
    )
    parser.add_argument(
        "source",
        help="folder of pictures with a table of captions, such a table (.csv, .tsv, .jsonl, .parquet), "
        "COCO's captions (.json), WebDataset shards (.tar), a saved Hugging Face dataset, or hf:NAME; also "
        "at an address (s3://, gs://, https://)",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write to")
    add_model_arguments(parser)
    parser.add_argument("--pretrained", help="tag of the model's weights, or path of a checkpoint")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--dtype", help="bfloat16 or float16, for the towers")
    parser.add_argument("--fit", help="crop (the model's own), squash or whole")
    parser.add_argument("--resolution", type=int, help="short side in pixels, for finer maps")
    parser.add_argument("--batch-size", type=int, help="pairs at once; by default the fastest")
    parser.add_argument(
        "--workers", type=int, help="processes that read pictures; by default one a core"
    )
    parser.add_argument("--no-importances", action="store_true", help="only scores and maps")
    parser.add_argument("--no-thumbnails", action="store_true", help="no pictures for the gallery")
    parser.add_argument(
        "--no-resume", action="store_true", help="raise an error if the folder contains a run"
    )
    parser.add_argument("--engine", default="local", help="local, or ray for a cluster")
    cluster = parser.add_argument_group("engine ray")
    cluster.add_argument("--address", help="address of the cluster; by default one is started here")
    cluster.add_argument("--actors", type=int, help="models at once; by default one a GPU")
    source = parser.add_argument_group("source")
    source.add_argument("--images", help="folder that paths of pictures are relative to")
    for name in ("image", "caption", "id", "box"):
        source.add_argument(f"--{name}-column", help=f"column of {name}s, if unusual")
    source.add_argument("--split", help="split of a Hugging Face dataset")
    parser.set_defaults(run=_batch)


def _batch(args: argparse.Namespace) -> None:
    from ..dataset import explain_dataset

    columns = {name: getattr(args, name) for name in _COLUMNS}
    cluster = {"address": args.address, "actors": args.actors}
    progress = sys.stderr.isatty()
    run = explain_dataset(
        args.source,
        args.output,
        model=args.model,
        method=args.method,
        pretrained=args.pretrained,
        device=args.device,
        dtype=args.dtype,
        fit=args.fit,
        resolution=args.resolution,
        importances=not args.no_importances,
        thumbnails=not args.no_thumbnails,
        engine=args.engine,
        resume=not args.no_resume,
        batch_size=args.batch_size,
        workers=args.workers,
        progress=progress,
        ray_options={name: value for name, value in cluster.items() if value is not None},
        **{name: value for name, value in columns.items() if value is not None},
    )
    if not progress:  # else it has been printed after the bar
        print(run.account)
    print(f"The rows are in {run.path / 'pairs'}.")
    if run.failed:
        print(f"The reasons of the failures are in {run.path / 'errors'}.")
