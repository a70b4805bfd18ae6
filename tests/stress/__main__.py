"""Try hostile files, texts, signals and mixed-up data at random, and print the outcomes."""

from __future__ import annotations

import os

# Before torch is imported: forked processes must not wait for threads that they do not have.
os.environ.update(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

import argparse
import itertools
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from .outcome import ERROR, FAULT, RIGHT
from .pool import Step, run_steps


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return the exit status, which is 1 if there is a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long (%(default)s)")
    parser.add_argument("--steps", type=int, help="number of attempts, instead of a time")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (%(default)s)")
    parser.add_argument("--step", type=int, help="repeat only this step of the seed")
    parser.add_argument("--areas", default="", help="names with commas between them; default: all")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="(%(default)s)")
    parser.add_argument("--report", action="store_true", help="print every kind and every error")
    args = parser.parse_args(argv)

    folder = Path(tempfile.mkdtemp(prefix="gradeclip-stress-"))
    # What the package and its libraries remember between programs; nothing else may be written there.
    for name in ("XDG_CACHE_HOME", "HF_HOME", "MPLCONFIGDIR", "TMPDIR"):
        place = folder / "cache" / name.lower()
        place.mkdir(parents=True)
        os.environ[name] = str(place)
    tempfile.tempdir = None
    sys.dont_write_bytecode = True
    try:
        return _run(args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(args: argparse.Namespace, folder: Path) -> int:
    from .areas import make_areas

    areas = make_areas(folder)
    known = [area.name for area in areas]
    chosen = args.areas.split(",") if args.areas else known
    if unknown := set(chosen) - set(known):
        raise SystemExit(f"no area {unknown.pop()!r}: there are {', '.join(known)}")
    areas = [area for area in areas if area.name in chosen]
    numbers: Iterator[int] = itertools.count()
    end = time.monotonic() + 60 * args.minutes
    if args.step is not None:
        numbers = iter([args.step])
    elif args.steps is not None:
        numbers = iter(range(args.steps))
    timed = args.step is None and args.steps is None
    start, steps = time.monotonic(), list[Step]()
    processes = 1 if args.step is not None else args.processes
    for step in run_steps(
        areas, args.seed, numbers, folder, processes, lambda: timed and time.monotonic() > end
    ):
        steps.append(step)
        if step.outcome.result == FAULT:
            again = f"--seed {args.seed} --step {step.number}"
            again += f" --areas {args.areas}" if args.areas else ""
            print(f"FAULT {step.area}: {step.outcome.kind}: {step.outcome.detail}", flush=True)
            print(f"  again: python -m tests.stress {again}", flush=True)
    print_report(steps, time.monotonic() - start, args.report, sys.stdout)
    return int(any(step.outcome.result == FAULT for step in steps))


def print_report(steps: Sequence[Step], seconds: float, full: bool, file: TextIO) -> None:
    """Print what was tried and what came out.

    Args:
        steps: the outcomes.
        seconds: how long it took.
        full: whether to list every kind.
        file: to print to.
    """
    print(
        f"{len(steps):,} attempts in {seconds:.0f} s ({len(steps) / seconds:.1f} a second)",
        file=file,
    )
    print(
        f"{'area':14}{'attempts':>9}{'right':>8}{'errors':>8}{'faults':>8}{'s each':>9}", file=file
    )
    for area in sorted({step.area for step in steps}):
        mine = [step for step in steps if step.area == area]
        results = Counter(step.outcome.result for step in mine)
        mean = sum(step.seconds for step in mine) / len(mine)
        counts = f"{results[RIGHT]:8,}{results[ERROR]:8,}{results[FAULT]:8,}"
        print(f"{area:14}{len(mine):9,}{counts}{mean:9.3f}", file=file)
        if full:
            for kind, count in Counter(step.outcome.kind for step in mine).most_common():
                same = [step.outcome for step in mine if step.outcome.kind == kind]
                errors = Counter(o.detail for o in same if o.result == ERROR)
                listed = ", ".join(f"{n:,} {name}" for name, n in errors.most_common())
                right = sum(o.result == RIGHT for o in same)
                faults = sum(o.result == FAULT for o in same)
                parts = [f"{right:,} right", listed, f"{faults:,} FAULTS" if faults else ""]
                print(f"  {kind:40}{count:7,}: {'; '.join(filter(None, parts))}", file=file)
    total = Counter(step.outcome.result for step in steps)
    errors = Counter(s.outcome.detail for s in steps if s.outcome.result == ERROR)
    print(f"documented errors: {dict(errors.most_common())}", file=file)
    print(
        f"total: {total[RIGHT]:,} right answers, {total[ERROR]:,} documented errors, "
        f"{total[FAULT]:,} faults",
        file=file,
    )


if __name__ == "__main__":
    sys.exit(main())
