"""Runs that are killed, interrupted, without space, damaged, or started twice at once."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import gradeclip_widget as gw

from ..mutations import damage
from ..outcome import Failed, Fault, Outcome, attempt, check_documented
from ..shared import CAPTIONS, PICTURES, Shared, make_picture
from ..truth import Truth, check_run

PAIRS = 14


class Runs:
    """A run that was ended in any way is continued, with no row lost or doubled."""

    name, weight, seconds, megabytes = "runs", 8, 120, 1000

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        _ = shared.scores
        numbers = [(n % PICTURES, CAPTIONS[n * 3 % len(CAPTIONS)]) for n in range(PAIRS)]
        self.truth = Truth(tuple(numbers))
        self.source = [(make_picture(n), caption) for n, caption in numbers]
        self.whole = shared.folder / "whole-run"
        start = time.monotonic()
        self._explain(self.whole)
        self.duration = time.monotonic() - start

    def attempt(self, rng: Random, folder: Path) -> Outcome:
        """Disturb one run, continue it, and compare its rows with the truth."""
        kind, disturb = rng.choice(
            (
                ("killed", self._killed),
                ("interrupted", self._interrupted),
                ("full disk", self._full),
                ("failing writes", self._failing),
                ("two at once", self._twice),
                ("damaged folder", self._damaged),
                ("damaged folder", self._damaged),
            )
        )
        out = folder / "out"
        try:
            disturb(rng, out)
            run = attempt(self._explain, out, documented=gw.explain_dataset)
            if isinstance(run, Failed):
                if kind != "damaged folder":
                    raise Fault(f"cannot be continued: {run.error}")
                return Outcome.of(kind, run)
            check_run(run, self.truth, self.shared)
        except Fault as error:
            raise Fault(f"{kind} | {error}") from error
        return Outcome.of(kind, run)

    def _explain(self, out: Path) -> gw.DatasetRun:
        return gw.explain_dataset(
            self.source,
            out,
            model=self.shared.small,
            progress=False,
            workers=0,
            batch_size=2,
            rows_per_part=3,
            importances=False,
            thumbnails=False,
        )

    def _forked(self, out: Path, note: Path, before: Callable[[], Any] = lambda: None) -> int:
        """Start a run in another process, which notes an error that it raises."""
        pid = os.fork()
        if pid:
            return pid
        try:
            before()
            self._explain(out)
        except KeyboardInterrupt:
            note.write_text("")
        except Exception as error:  # noqa: BLE001 - noted for the process that waits
            try:
                check_documented(error, gw.explain_dataset)
            except Fault as fault:
                note.write_text(f"{fault}\n{traceback.format_exc()[-1500:]}")
        finally:
            os._exit(0)

    def _killed(self, rng: Random, out: Path) -> None:
        self._signal(rng, out, signal.SIGKILL)

    def _interrupted(self, rng: Random, out: Path) -> None:
        self._signal(rng, out, rng.choice((signal.SIGINT, signal.SIGINT, signal.SIGTERM)))

    def _signal(self, rng: Random, out: Path, number: signal.Signals) -> None:
        """Send a signal to a run at a random time, once or twice."""
        for _ in range(rng.randint(1, 2)):
            note = out.with_name("note.txt")
            pid = self._forked(out, note)
            time.sleep(rng.random() * 1.3 * self.duration)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            self._finished(pid, note)

    def _finished(self, *pids_and_notes: Any) -> None:
        pids, notes = pids_and_notes[::2], pids_and_notes[1::2]
        for pid in pids:
            os.waitpid(pid, 0)
        for note in notes:
            if note.exists() and (text := note.read_text()):
                raise Fault(text)

    def _full(self, rng: Random, out: Path) -> None:
        """Allow no file to be longer than some bytes, as on a full disk."""
        limit = rng.choice((0, 1, 100, 1000, 2000, rng.randint(0, 20_000)))
        note = out.with_name("note.txt")
        note.touch()

        def limited() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        pid = os.fork()
        if not pid:
            try:
                limited()
                answer = attempt(self._explain, out, documented=gw.explain_dataset)
                os._exit(
                    0 if not isinstance(answer, Failed) or isinstance(answer.error, OSError) else 3
                )
            except BaseException:  # noqa: BLE001 - shown in the log
                traceback.print_exc()
                os._exit(4)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code:
            raise Fault(f"files of at most {limit} bytes: the run ends with status {code}")

    def _failing(self, rng: Random, out: Path) -> None:
        """Let one of the calls that write fail."""
        left = rng.randrange(40)
        name = rng.choice(
            ("os.fsync", "pathlib.Path.replace", "pathlib.Path.touch", "pathlib.Path.mkdir")
        )
        number = rng.choice((errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EDQUOT))
        with failing(name, left, number):
            answer = attempt(self._explain, out, documented=gw.explain_dataset)
        if isinstance(answer, Failed) and not isinstance(answer.error, OSError):
            raise Fault(f"{name} fails with {errno.errorcode[number]}: {answer.error!r}")

    def _twice(self, rng: Random, out: Path) -> None:
        """Start the same run in two processes; one of them may be refused."""
        notes = [out.with_name(f"note{n}.txt") for n in range(2)]
        delay = rng.random() * self.duration
        first = self._forked(out, notes[0])
        second = self._forked(out, notes[1], lambda: time.sleep(delay))
        self._finished(first, notes[0], second, notes[1])

    def _damaged(self, rng: Random, out: Path) -> None:
        """Damage the files of a complete run, and read it."""
        shutil.copytree(self.whole, out)
        for _ in range(rng.randint(1, 2)):
            path = rng.choice(sorted(p for p in out.rglob("*") if p.is_file()))
            match rng.randrange(6):
                case 0:
                    path.unlink()
                case 1:
                    path.write_bytes(b"")
                case 2:
                    path.write_bytes(rng.choice(sorted(out.rglob("*.parquet"))).read_bytes())
                case _:
                    path.write_bytes(damage(rng, path.read_bytes()))
        run = attempt(gw.open_run, out)
        if not isinstance(run, Failed):
            attempt(lambda: run.errors, documented=gw.open_run)
            match rng.randrange(3):
                case 0:
                    attempt(gw.word_statistics, run)
                case 1:
                    gallery = attempt(gw.browse, run, sort=rng.choice(("position", "score")))
                    if not isinstance(gallery, Failed):
                        attempt(lambda: gallery.rows, documented=gw.browse)
                        attempt(gallery._repr_html_, documented=gw.browse)
                        gallery.close()
                case _:
                    attempt(gw.browse, run, self.whole)


@contextlib.contextmanager
def failing(name: str, left: int, number: int) -> Iterator[None]:
    """Let a function raise an error of the file system at one of its calls.

    Args:
        name: of the function.
        left: how many calls succeed before.
        number: of the error.
    """
    real: Any = {"os.fsync": os.fsync}.get(name) or getattr(Path, name.rpartition(".")[2])

    def call(*args: Any, **options: Any) -> Any:
        nonlocal left
        left -= 1
        if left == -1:
            place = args[0] if isinstance(args[0], Path) else None
            raise OSError(number, os.strerror(number), place and str(place))
        return real(*args, **options)

    with mock.patch(name, call):
        yield
