"""``gradeclip evaluate``: measure methods on drawn scenes or on a user's pictures."""

from __future__ import annotations

import argparse
import ast
import itertools
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import did_you_mean, reading
from ..export.files import make_folder

if TYPE_CHECKING:
    from ..clip import ClipModel
    from ..evaluation import Example, Measure
    from ..evaluation.examples import Examples, FailedExample

SEED = 500_000  # of the first drawn scene; scenes of smaller seeds trained the embedded model


def add_evaluate(commands: Any) -> None:
    """Add the command to a parser's subcommands."""
    parser = commands.add_parser(
        "evaluate", help="measure explanation methods on a model and pictures, and write a report"
    )
    parser.add_argument("--model", default="demo", help="name from `gradeclip models`")
    parser.add_argument("--pretrained", help="tag of the model's weights, or path of a checkpoint")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument(
        "--methods",
        default="grad-eclip",
        help="names with commas between them, or all (%(default)s); a wrong name lists all",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="METHOD.NAME=VALUE",
        help="option of a method, such as rise.masks=500; may be repeated",
    )
    parser.add_argument(
        "--measures",
        help="names with commas between them, with options as in deletion:fill=blur; by default all measures "
        "that the data allow",
    )
    parser.add_argument(
        "--classes",
        help="things that the measure 'absent words' may name: a file with one in each line, or a list with "
        "commas; by default all things of the data",
    )
    data = parser.add_argument_group("data: drawn scenes, or your pictures")
    data.add_argument("--scenes", type=int, default=200, help="number of scenes (%(default)s)")
    data.add_argument("--images", type=Path, help="folder of your pictures")
    data.add_argument("--captions", type=Path, help="their captions: .csv, .tsv, .jsonl, .parquet")
    data.add_argument("--masks", type=Path, help="folder of masks: PICTURE/PHRASE.png")
    data.add_argument("--coco", type=Path, help="captions in COCO's form, instead of --captions")
    data.add_argument("--instances", type=Path, help="instances in COCO's form, as masks")
    data.add_argument(
        "--source",
        help="instead: a folder, a table, .tar shards or hf:NAME, as explain_dataset takes it",
    )
    data.add_argument("--limit", type=int, help="largest number of pictures")
    parser.add_argument(
        "--seed",
        type=int,
        default=SEED,
        help="seed of scenes and of everything random (%(default)s)",
    )
    parser.add_argument(
        "--confidence", type=float, default=0.95, help="confidence of the intervals"
    )
    parser.add_argument(
        "-o", "--output", type=Path, help="report: .html or .md; it is also printed"
    )
    parser.set_defaults(run=_evaluate)


@dataclass(frozen=True)
class _Limited:
    """The first of some examples, which can be iterated several times."""

    examples: Examples
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Example | FailedExample]:
        return itertools.islice(iter(self.examples), self.count)


@dataclass(frozen=True)
class _Scenes:
    """Drawn scenes, drawn again at every iteration."""

    count: int
    seed: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Example]:
        from ..evaluation import demo_examples

        return demo_examples(self.count, self.seed)


def _evaluate(args: argparse.Namespace) -> None:
    from ..clip import load
    from ..evaluation.report import make_report, report_writer, save_report
    from ..evaluation.report.markdown import markdown

    if args.output is not None:
        report_writer(args.output)  # raises an error now, since measuring takes long
    examples, data, masked = _examples(args)
    measures = _measures(args.measures, masked, _classes(args.classes))
    clip = load(args.model, args.pretrained, device=args.device)
    report = make_report(
        _explainers(clip, args.methods, _options(args.option), measures),
        examples,
        measures,
        model=clip.name,
        data=data,
        command=f"gradeclip {shlex.join(sys.argv[1:])}",
        seed=args.seed,
        confidence=args.confidence,
    )
    print(markdown(report))
    if args.output is not None:
        make_folder(args.output.parent)
        save_report(report, args.output)
        print(f"wrote {args.output}")


def _examples(args: argparse.Namespace) -> tuple[Examples, str, bool]:
    """Return the examples, a description of them, and whether they have masks."""
    from ..evaluation.sources import coco_examples, dataset_examples, folder_examples

    if args.limit is not None and args.limit < 1:
        raise ValueError(f"--limit {args.limit}: give at least 1")
    if args.source is not None:
        names = ("images", "captions", "masks", "coco", "instances")
        if extra := [name for name in names if getattr(args, name)]:
            raise ValueError(f"--source contains pictures and captions; leave out --{extra[0]}")
        return dataset_examples(args.source, limit=args.limit), f"pairs of {args.source}", False
    if args.images is None:
        extra = [name for name in ("captions", "masks", "coco", "instances") if getattr(args, name)]
        if extra:
            raise ValueError(f"--{extra[0]} needs --images, the folder of the pictures")
        count = args.scenes if args.limit is None else min(args.limit, args.scenes)
        if count < 1:
            raise ValueError(f"--scenes {args.scenes}: give at least 1")
        return _Scenes(count, args.seed), f"drawn scenes, seeds {args.seed} on", True
    if (args.captions is None) == (args.coco is None):
        raise ValueError("--images needs their captions: give --captions or --coco")
    examples: Any = (
        folder_examples(args.images, args.captions, args.masks)
        if args.coco is None
        else coco_examples(args.coco, args.images, args.instances)
    )
    masked = (args.masks if args.coco is None else args.instances) is not None
    if args.limit is not None:
        examples = _Limited(examples, min(args.limit, len(examples)))
    data = f"pictures of {args.images.name} with captions of {(args.captions or args.coco).name}"
    return examples, data, masked


def _measures(names: str | None, masked: bool, classes: list[str] | None) -> list[Measure]:
    from ..evaluation import ALL, AbsentWords

    if names is not None:
        measures = [_measure(name.strip()) for name in names.split(",")]
    else:
        kinds = [kind for kind in ALL if kind.better and not kind.grouped_by]
        measures = [kind() for kind in kinds if masked or not kind.needs_masks]
    if classes is None:
        return measures
    if not any(isinstance(measure, AbsentWords) for measure in measures):
        raise ValueError(f"--classes is for the measure {AbsentWords.name!r}: add it to --measures")
    return [AbsentWords(classes) if isinstance(m, AbsentWords) else m for m in measures]


def _classes(text: str | None) -> list[str] | None:
    """Return the names of things from a file, or from a list with commas."""
    if text is None:
        return None
    file = Path(text).expanduser()
    try:
        is_file = file.is_file()
    except OSError:  # a list that is longer than a path may be
        is_file = False
    names = text.split(",")
    if is_file:
        with reading(file, "a list of names", "save it as UTF-8, one name on each line"):
            names = file.read_text(encoding="utf-8").splitlines()
    classes = [name.strip() for name in names if name.strip()]
    if not classes:
        raise ValueError(f"--classes {text!r} contains no names")
    return classes


def _measure(text: str) -> Measure:
    """Return a measure written as ``NAME`` or ``NAME:OPTION=VALUE:...``."""
    from ..evaluation import measure_named

    name, *options = text.split(":")
    kind = measure_named(name)
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # measures are dataclasses
    values = {}
    for option in options:
        key, _, value = option.partition("=")
        if key not in known:
            listed = f"has the options {', '.join(map(repr, known))}" if known else "has no options"
            raise ValueError(f"{name!r} {listed}, not {key!r}{did_you_mean(key, known)}")
        values[key] = _value(value)
    return kind(**values)


def _value(text: str) -> Any:
    """Return a number, or the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _options(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return options by method and name."""
    options: dict[str, dict[str, Any]] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        method, dot, name = key.partition(".")
        if not (separator and dot):
            raise ValueError(f"--option {text!r}: write METHOD.NAME=VALUE, such as rise.masks=500")
        options.setdefault(method, {})[name] = _value(value)
    return options


def _explainers(
    clip: ClipModel, names: str, options: dict[str, dict[str, Any]], measures: Sequence[Measure]
) -> dict[str, Any]:
    """Return explainers by method, with all importances that the measures need.

    With ``all``, methods that cannot explain the model are left out, and random maps are added as a control.
    """
    from ..evaluation import RandomMap
    from ..explain.explainer import Explainer
    from ..methods import method_names

    methods = list(method_names()) if names == "all" else [n.strip() for n in names.split(",")]
    if unused := set(options) - set(methods):
        raise ValueError(f"--option: {', '.join(sorted(unused))} is not among the methods")
    explainers: dict[str, Any] = {}
    for name in methods:
        try:
            explainers[name] = Explainer(
                clip,
                name,
                method_options=options.get(name),
                integrated_gradients=any(measure.of_importance for measure in measures),
            )
        except ValueError as error:
            if names != "all" or name in options:
                raise
            print(f"left out: {error}", file=sys.stderr)
    if names == "all":
        explainers[RandomMap.label] = RandomMap(Explainer(clip))
    return explainers
