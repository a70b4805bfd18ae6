"""``gradeclip evaluate``: methods, measured on drawn scenes or on a user's own pictures."""

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

from ..core.errors import did_you_mean
from ..export.files import make_folder

if TYPE_CHECKING:
    from ..clip import ClipModel
    from ..evaluation import Example, Measure
    from ..evaluation.examples import Examples, FailedExample

SEED = 500_000  # of the first drawn scene; those below trained the embedded model


def add_evaluate(commands: Any) -> None:
    """Add the command to a parser's subcommands."""
    parser = commands.add_parser(
        "evaluate", help="measure explanation methods on a model and pictures, and write a report"
    )
    parser.add_argument("--model", default="demo", help="a name from `gradeclip models`")
    parser.add_argument("--pretrained", help="tag of the model's weights, or path of a checkpoint")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument(
        "--methods",
        default="grad-eclip",
        help="names with commas between them, or all (%(default)s); a wrong one lists them",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="METHOD.NAME=VALUE",
        help="an option of a method, such as rise.masks=500; may be repeated",
    )
    parser.add_argument(
        "--measures",
        help="names with commas between them, with options as in deletion:fill=blur; by default all that the "
        "data allow",
    )
    parser.add_argument(
        "--classes",
        help="things that the measure 'absent words' may name: a file with one in each line, or a list with "
        "commas; by default all that the data know",
    )
    data = parser.add_argument_group("data: drawn scenes, or pictures of your own")
    data.add_argument("--scenes", type=int, default=200, help="how many scenes (%(default)s)")
    data.add_argument("--images", type=Path, help="folder of your own pictures")
    data.add_argument("--captions", type=Path, help="their captions: .csv, .tsv, .jsonl, .parquet")
    data.add_argument("--masks", type=Path, help="folder of masks: PICTURE/PHRASE.png")
    data.add_argument("--coco", type=Path, help="captions in COCO's form, instead of --captions")
    data.add_argument("--instances", type=Path, help="instances in COCO's form, as masks")
    data.add_argument(
        "--source",
        help="instead of these: a folder, a table, .tar shards or hf:NAME, as explain_dataset takes it",
    )
    data.add_argument("--limit", type=int, help="use only the first so many pictures")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="of scenes and all else that is random (%(default)s)"
    )
    parser.add_argument("--confidence", type=float, default=0.95, help="of the intervals")
    parser.add_argument("-o", "--output", type=Path, help="report: .html or .md; none: printed")
    parser.set_defaults(run=_evaluate)


@dataclass(frozen=True)
class _Limited:
    """The first of some examples, to be gone through several times."""

    examples: Examples
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Example | FailedExample]:
        return itertools.islice(iter(self.examples), self.count)


@dataclass(frozen=True)
class _Scenes:
    """Drawn scenes, drawn anew each time they are gone through."""

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
        report_writer(args.output)  # checked first, since measuring takes long
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
    """Return the examples, what they are in words, and whether they have masks."""
    from ..evaluation.sources import coco_examples, dataset_examples, folder_examples

    if args.limit is not None and args.limit < 1:
        raise ValueError(f"--limit {args.limit}: give at least 1")
    if args.source is not None:
        names = ("images", "captions", "masks", "coco", "instances")
        if given := [name for name in names if getattr(args, name)]:
            raise ValueError(
                f"--source says where pictures and captions are; leave out --{given[0]}"
            )
        return dataset_examples(args.source, limit=args.limit), f"pairs of {args.source}", False
    if args.images is None:
        given = [name for name in ("captions", "masks", "coco", "instances") if getattr(args, name)]
        if given:
            raise ValueError(f"--{given[0]} needs --images, the folder of the pictures")
        count = args.scenes if args.limit is None else min(args.limit, args.scenes)
        if count < 1:
            raise ValueError(f"--scenes {args.scenes}: give at least 1")
        return _Scenes(count, args.seed), f"drawn scenes, seeds {args.seed} on", True
    if (args.captions is None) == (args.coco is None):
        raise ValueError("--images needs their captions: give --captions or --coco")
    source: Any = (
        folder_examples(args.images, args.captions, args.masks)
        if args.coco is None
        else coco_examples(args.coco, args.images, args.instances)
    )
    masked = (args.masks if args.coco is None else args.instances) is not None
    if args.limit is not None:
        source = _Limited(source, min(args.limit, len(source)))
    where = f"pictures of {args.images.name} with captions of {(args.captions or args.coco).name}"
    return source, where, masked


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
    """Return the names of things in a file, or in a list with commas."""
    if text is None:
        return None
    file = Path(text).expanduser()
    names = file.read_text(encoding="utf-8").splitlines() if file.is_file() else text.split(",")
    classes = [name.strip() for name in names if name.strip()]
    if not classes:
        raise ValueError(f"--classes {text!r} holds no names")
    return classes


def _measure(text: str) -> Measure:
    """Return a measure written as ``NAME`` or ``NAME:OPTION=VALUE:...``."""
    from ..evaluation import measure_named

    name, *options = text.split(":")
    kind = measure_named(name)
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # measures are dataclasses
    given = {}
    for option in options:
        key, _, value = option.partition("=")
        if key not in known:
            takes = f"has the options {', '.join(map(repr, known))}" if known else "has no options"
            raise ValueError(f"{name!r} {takes}, not {key!r}{did_you_mean(key, known)}")
        given[key] = _value(value)
    return kind(**given)


def _value(text: str) -> Any:
    """Return a number, or the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _options(given: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return options by method and name."""
    found: dict[str, dict[str, Any]] = {}
    for one in given:
        key, separator, text = one.partition("=")
        method, dot, name = key.partition(".")
        if not (separator and dot):
            raise ValueError(f"--option {one!r}: write METHOD.NAME=VALUE, such as rise.masks=500")
        found.setdefault(method, {})[name] = _value(text)
    return found


def _explainers(
    clip: ClipModel, names: str, options: dict[str, dict[str, Any]], measures: Sequence[Measure]
) -> dict[str, Any]:
    """Return explainers by method, of explanations with all importances that the measures ask for.

    With all methods, those that cannot explain the model are left out, and maps of random numbers are added
    as a control.
    """
    from ..evaluation import RandomMap
    from ..explain.explainer import Explainer
    from ..methods import method_names

    wanted = list(method_names()) if names == "all" else [n.strip() for n in names.split(",")]
    if unused := set(options) - set(wanted):
        raise ValueError(f"--option: {', '.join(sorted(unused))} is not among the methods")
    explainers: dict[str, Any] = {}
    for name in wanted:
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
