"""Arguments that several commands share."""

from __future__ import annotations

import argparse


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--model`` and ``--method``, which the command line and ``%gradeclip`` share."""
    parser.add_argument(
        "--model",
        default="demo",
        help="a name from `gradeclip models` (%(default)s, which knows drawings only)",
    )
    parser.add_argument(
        "--method",
        default="grad-eclip",
        help="name of the method (%(default)s); a wrong one lists all",
    )
