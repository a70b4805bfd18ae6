"""``gradeclip batch``: explain a whole dataset."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from .arguments import add_model_arguments

_COLUMNS = ("images", "image_column", "caption_column", "id_column", "box_column", "split")


def add_batch(commands: Any) -> None:
    """Add the command to a parser's subcommands."""
    parser = commands.add_parser(
        "batch", help="explain every picture and caption of a dataset, and write them as Parquet"
    )
    parser.add_argument(
        "source",
        help="a folder of pictures with a table of captions, such a table (.csv, .tsv, .jsonl, .parquet), "
        "WebDataset shards (.tar), a saved Hugging Face dataset, or hf:NAME",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write to")
    add_model_arguments(parser)
    parser.add_argument("--pretrained", help="tag of the model's weights, or path of a checkpoint")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--dtype", help="bfloat16 or float16, to run the towers in")
    parser.add_argument("--fit", help="crop (the model's own), squash or whole")
    parser.add_argument("--resolution", type=int, help="short side in pixels, for finer maps")
    parser.add_argument("--batch-size", type=int, help="pairs at once; found by trying if left out")
    parser.add_argument("--workers", type=int, help="processes that read pictures; one a core")
    parser.add_argument("--no-importances", action="store_true", help="only scores and maps")
    parser.add_argument("--no-thumbnails", action="store_true", help="no pictures for the gallery")
    parser.add_argument("--no-resume", action="store_true", help="refuse a folder that holds a run")
    parser.add_argument("--engine", default="local", help="local, or ray for a cluster")
    cluster = parser.add_argument_group("engine ray")
    cluster.add_argument("--address", help="of the cluster; one is started here if left out")
    cluster.add_argument("--actors", type=int, help="models at once; one a GPU if left out")
    source = parser.add_argument_group("source")
    source.add_argument("--images", help="folder that paths of pictures are relative to")
    for name in ("image", "caption", "id", "box"):
        source.add_argument(f"--{name}-column", help=f"column of {name}s, if unusual")
    source.add_argument("--split", help="of a Hugging Face dataset")
    parser.set_defaults(run=_batch)


def _batch(args: argparse.Namespace) -> None:
    from ..dataset import explain_dataset

    columns = {name: getattr(args, name) for name in _COLUMNS}
    cluster = {"address": args.address, "actors": args.actors}
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
        progress=sys.stderr.isatty(),
        ray_options={name: value for name, value in cluster.items() if value is not None},
        **{name: value for name, value in columns.items() if value is not None},
    )
    print(f"explained {run.explained:,} pairs into {run.path / 'pairs'}")
    if run.failed:
        print(f"{run.failed:,} could not be explained; {run.path / 'errors'} says why")
