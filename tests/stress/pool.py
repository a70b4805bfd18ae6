"""Run steps in forked processes with limits, so that a crash or a hang is an outcome like any other."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import os
import resource
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from . import watch
from .outcome import FAULT, Area, Fault, Outcome

HANG = 90  # seconds after which a step is ended
ADDRESS_SPACE = 6 << 30  # bytes that a process may reserve beyond what it has at the start
STEPS = 150  # of one process; a new one begins with the memory of the parent


@dataclass(frozen=True)
class Step:
    """The outcome of a step.

    Attributes:
        number: of the step; the seed and the number determine what is tried.
        area: name of the area.
        outcome: of the attempt.
        seconds: of processor time.
    """

    number: int
    area: str
    outcome: Outcome
    seconds: float


def rng_of(seed: int, number: int) -> Random:
    """Return the generator of a step."""
    return Random(f"{seed} {number}")


def area_of(areas: list[Area], rng: Random) -> Area:
    """Return the area of a step."""
    return rng.choices(areas, [area.weight for area in areas])[0]


@dataclass(eq=False)
class _Child:
    """A process that runs steps and writes a line before and after each.

    Attributes:
        pid: of the process.
        pipe: that it writes to.
        log: file of its output.
        left: the steps that it has not begun.
        step: number and area of the step that it runs.
        since: when it last wrote a line.
        text: the beginning of a line.
    """

    pid: int
    pipe: int
    log: Path
    left: list[int]
    step: tuple[int, str] | None = None
    since: float = field(default_factory=time.monotonic)
    text: bytes = b""


def run_steps(
    areas: list[Area],
    seed: int,
    numbers: Iterator[int],
    folder: Path,
    processes: int,
    stop: Callable[[], bool],
) -> Iterator[Step]:
    """Yield the outcomes of steps, in the order in which they end.

    Args:
        areas: what is tried.
        seed: of everything random.
        numbers: of the steps.
        folder: to write to.
        processes: that run at once.
        stop: whether to begin no further steps.
    """
    children: dict[int, _Child] = {}
    left: list[int] = []  # by processes that crashed
    try:
        while True:
            while len(children) < processes and not stop():
                batch = left or [n for _, n in zip(range(STEPS), numbers, strict=False)]
                left = []
                if not batch:
                    break
                child = _start(areas, seed, batch, folder, stop)
                children[child.pipe] = child
            if not children:
                return
            for pipe in select.select(list(children), [], [], 1)[0]:
                child = children[pipe]
                data = os.read(pipe, 1 << 16)
                yield from _read(child, data)
                if not data:
                    del children[pipe]
                    left += child.left
                    yield from _end(child)
            for child in children.values():
                if child.step and time.monotonic() - child.since > HANG:
                    child.since = float("inf")  # only once
                    os.kill(child.pid, signal.SIGABRT)  # writes where the threads are
    finally:
        for child in children.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)


def _read(child: _Child, data: bytes) -> Iterator[Step]:
    *lines, child.text = (child.text + data).split(b"\n")
    for line in lines:
        number, area, *rest = json.loads(line)
        child.step = None if rest else (number, area)
        child.left = [n for n in child.left if n != number]
        child.since = time.monotonic()
        if rest:
            kind, result, detail, seconds = rest
            yield Step(number, area, Outcome(kind, result, detail), seconds)


def _end(child: _Child) -> Iterator[Step]:
    """Wait for a process whose pipe has closed; if it ended within a step, that is a fault."""
    os.close(child.pipe)
    _, status = os.waitpid(child.pid, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)  # what it has started
    if child.step is None:
        return
    code = os.waitstatus_to_exitcode(status)
    if child.since == float("inf"):
        what = f"hangs for more than {HANG} s"
    elif code < 0:
        what = f"crashes with {signal.Signals(-code).name}"
    else:
        what = f"ends the process with status {code}"
    log = child.log.read_text(errors="replace").partition("Fatal Python error")[2]
    where = [line.strip() for line in log.splitlines() if line.startswith("  File")][:8]
    yield Step(*child.step, Outcome("crash", FAULT, "\n    ".join([what, *where])), 0.0)


def _start(
    areas: list[Area], seed: int, batch: list[int], folder: Path, stop: Callable[[], bool]
) -> _Child:
    reads, writes = os.pipe()
    log = folder / f"log-{batch[0]}.txt"
    gc.collect()
    gc.freeze()  # so that the children do not copy these pages
    pid = os.fork()
    if pid:
        os.close(writes)
        return _Child(pid, reads, log, list(batch))
    status = 1
    try:
        os.close(reads)
        os.setpgid(0, 0)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        faulthandler.enable(sys.__stderr__, all_threads=True)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + ADDRESS_SPACE, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _child(areas, seed, batch, folder / f"steps-{batch[0]}", writes, stop)
        status = 0
    finally:
        sys.stdout.flush()
        os._exit(status)


def _child(
    areas: list[Area],
    seed: int,
    batch: list[int],
    folder: Path,
    pipe: int,
    stop: Callable[[], bool],
) -> None:
    # A file, since a process that an attempt starts may note something and be killed.
    notes = folder.with_suffix(".notes")
    notes.touch()
    descriptor = os.open(notes, os.O_WRONLY | os.O_APPEND)
    place = folder
    watch.install(
        lambda text: os.write(descriptor, text.encode("utf-8", "backslashreplace") + b"\n"),
        lambda: (place, folder.parent / "cache"),
    )

    def send(*values: Any) -> None:
        os.write(pipe, json.dumps(values).encode() + b"\n")

    for number in batch:
        if stop():
            return
        rng = rng_of(seed, number)
        area = area_of(areas, rng)
        place = folder / str(number)
        place.mkdir(parents=True)
        send(number, area.name)
        before, noted = _memory(reset=True), notes.stat().st_size
        start = time.process_time()
        outcome = _attempt(area, rng, place)
        seconds = time.process_time() - start
        megabytes = (_memory() - before) / 1e6
        breaches = notes.read_bytes()[noted:].decode()
        if breaches:
            outcome = Outcome(outcome.kind, FAULT, f"breaks a promise: {breaches[:1000]}")
        elif outcome.result != FAULT and seconds > area.seconds:
            outcome = Outcome(outcome.kind, FAULT, f"takes {seconds:.1f} s")
        elif outcome.result != FAULT and megabytes > area.megabytes:
            outcome = Outcome(outcome.kind, FAULT, f"takes {megabytes:.0f} MB")
        shutil.rmtree(place, ignore_errors=True)
        send(number, area.name, outcome.kind, outcome.result, outcome.detail, seconds)


def _attempt(area: Area, rng: Random, folder: Path) -> Outcome:
    """Return the outcome of an attempt; any error that is left is a fault."""
    try:
        return area.attempt(rng, folder)
    except Fault as error:
        return Outcome(*_named(str(error)))
    except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt too
        import traceback

        lines = traceback.format_exception(error)
        return Outcome("error of the attempt", FAULT, "".join(lines)[-2500:])


def _named(text: str) -> tuple[str, str, str]:
    """Return the outcome's values of a fault: its text may begin with the kind, as in "kind | text"."""
    kind, bar, rest = text.partition(" | ")
    return (kind, FAULT, rest) if bar else ("fault", FAULT, text)


def _memory(*, reset: bool = False) -> int:
    """Return the largest resident memory of this process in bytes, since the last reset."""
    if reset:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
    text = Path("/proc/self/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) * 1024
